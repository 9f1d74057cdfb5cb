//! `[exchange]`: who may exchange what for which target.

use super::super::{Exchange, ExchangeWants, IdJagWants, PresetClient, SubjectFrom};
use super::Reading;
use super::client::client_key;
use crate::rule::reader::Section;

pub(super) fn exchange(mut section: Section<'_>, reading: &mut Reading<'_>) -> Exchange {
    let client_id = reading.text_or_variable(&mut section, "client-id");
    let secret = reading.secret(&mut section, "client-secret");
    let key = client_key(&mut section, secret.is_some(), reading);
    if client_id.is_none() && (secret.is_some() || key.is_some()) {
        section.missing("client-id", &mut reading.slips);
    }
    let is_general = GENERAL.iter().any(|key| section.has(key)) || !section.has("id-jag");
    let id_jag = section.section("id-jag", &mut reading.slips).and_then(|section| id_jag(section, reading));
    let from = section.text("subject", &mut reading.slips);
    let subject = from.as_ref().and_then(|text| crate::rule::reader::as_word(text, &mut reading.slips));
    let subject_token = reading.secret(&mut section, "subject-token");
    let subject = subject.unwrap_or(if subject_token.is_some() { SubjectFrom::Token } else { SubjectFrom::Login });
    if subject == SubjectFrom::Token && subject_token.is_none() {
        section.missing("subject-token", &mut reading.slips);
    }
    let exchange = Exchange {
        client: client_id.map(|id| PresetClient { id, secret, key }),
        auth_method: section.word("auth-method", &mut reading.slips),
        subject,
        subject_token,
        wants: ExchangeWants {
            audience: reading.text(&mut section, "audience"),
            other_audience: reading.text(&mut section, "other-audience"),
            unknown_audience: reading.text(&mut section, "unknown-audience"),
            resource: resource(&mut section, "resource", reading),
            scope: reading.text(&mut section, "scope"),
            subject_token_type: reading.text(&mut section, "subject-token-type"),
            requested_token_type: reading.text(&mut section, "requested-token-type"),
            subject_scope: reading.text(&mut section, "subject-scope"),
            wider_scope: reading.text(&mut section, "wider-scope"),
            id_jag,
        },
        is_general,
    };
    section.finish(&mut reading.slips);
    exchange
}

fn id_jag(mut section: Section<'_>, reading: &mut Reading<'_>) -> Option<IdJagWants> {
    let audience = reading.text(&mut section, "audience");
    if audience.is_none() {
        section.missing("audience", &mut reading.slips);
    }
    let wants = IdJagWants {
        audience: audience.unwrap_or_default(),
        resource: resource(&mut section, "resource", reading),
        other_resource: resource(&mut section, "other-resource", reading),
        scope: reading.text(&mut section, "scope"),
        wider_scope: reading.text(&mut section, "wider-scope"),
        leeway: reading.duration(&mut section, "leeway").unwrap_or(IdJagWants::LEEWAY),
    };
    section.finish(&mut reading.slips);
    Some(wants).filter(|wants| !wants.audience.is_empty())
}

/// Keys that say that the target exchanges for other tokens than identity assertions, too.
const GENERAL: [&str; 9] = [
    "audience",
    "other-audience",
    "requested-token-type",
    "resource",
    "scope",
    "subject-token",
    "subject-token-type",
    "unknown-audience",
    "wider-scope",
];

/// RFC 8693 section 2.1: an absolute URI without fragment; it need not be one of the web.
fn resource(section: &mut Section<'_>, key: &'static str, reading: &mut Reading<'_>) -> Option<String> {
    let text = section.text(key, &mut reading.slips)?;
    let fault = match url::Url::parse(text.get_ref()) {
        Ok(url) if url.fragment().is_some() => "it holds a fragment".to_owned(),
        Ok(_) => return Some(text.into_inner()),
        Err(error) => error.to_string(),
    };
    let message = format!("`{}` is not a resource indicator", section.path(key));
    reading.slips.add("url", text.span(), message, fault);
    None
}
