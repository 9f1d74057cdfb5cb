//! `[target]`, `[abilities]`, `[scopes]`: what the target is and offers.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::super::profile::{PROVISIONING, host_and_port};
use super::super::{Abilities, Scopes, Stated, Target, Tool};
use super::value::json_object;
use super::{Reading, web_url};
use crate::rule::reader::{Section, as_word};

/// The section must be there unless a launched target tells where it is.
pub(super) fn place(section: Option<Section<'_>>, launched: bool, reading: &mut Reading<'_>) -> Option<Target> {
    let Some(mut section) = section else {
        if launched {
            return Some(Target::default());
        }
        let help = "its least form: a line [target], a line mcp-url = \"http://localhost:3000/mcp\"";
        reading.slips.advise("missing", 0..0, "the profile has no [target]", "", help);
        return None;
    };
    let url_written = section.take("mcp-url");
    let url_stated = url_written.is_some();
    let mcp_url = url_written.and_then(|entry| {
        // It may have a key in its query.
        let (span, path) = (entry.span(), section.path("mcp-url"));
        let text = reading.setting(&path, entry)?;
        reading.usable(&path, Spanned::new(span, text.expose().to_owned()))
    });
    let issuer = reading.web_url(&mut section, "issuer");
    let name = reading.text(&mut section, "name");
    let roles = section.texts("roles", &mut reading.slips).unwrap_or_default();
    let target = Target {
        name: name.unwrap_or_else(|| default_name(mcp_url.as_deref().or(issuer.as_deref()))),
        roles: roles.iter().filter_map(|role| as_word(role, &mut reading.slips)).collect(),
        mcp_version: section.word("mcp-version", &mut reading.slips),
        resource: reading.text(&mut section, "resource"),
        refresh_grace: reading.duration(&mut section, "refresh-grace"),
        allow: allow(&mut section, reading),
        mcp_url,
        issuer,
    };
    if !url_stated && target.issuer.is_none() && !launched && !target.is_client() {
        section.missing("mcp-url", &mut reading.slips);
    }
    section.finish(&mut reading.slips);
    Some(target)
}

fn default_name(url: Option<&str>) -> String {
    url.and_then(|url| web_url(url).ok()).map(|url| host_and_port(&url)).unwrap_or_default()
}

fn allow(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<String> {
    let origins = section.texts("allow", &mut reading.slips).unwrap_or_default();
    origins.iter().filter_map(|origin| reading.origin(origin)).collect()
}

pub(super) fn abilities(mut section: Section<'_>, reading: &mut Reading<'_>) -> Abilities {
    let mut stated = |key| -> Vec<Stated> {
        let words = section.texts(key, &mut reading.slips).unwrap_or_default();
        words.into_iter().map(|word| Stated { span: word.span(), word: word.into_inner() }).collect()
    };
    let abilities = Abilities { with: stated("with"), without: stated("without") };
    section.finish(&mut reading.slips);
    for both in abilities.with.iter().filter(|with| abilities.without.iter().any(|not| not.word == with.word)) {
        let message = format!("`{}` is stated in `with` and in `without`", both.word);
        reading.slips.add("contradiction", both.span.clone(), message, "keep one");
    }
    abilities
}

pub(super) fn provisioning(mut section: Section<'_>, reading: &mut Reading<'_>) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    for key in PROVISIONING {
        let Some(text) = section.text(key, &mut reading.slips) else { continue };
        if key != "cookie" && !text.get_ref().starts_with('/') {
            let message = format!("`{}` must start with a slash", section.path(key));
            reading.slips.add("path", text.span(), message, format!("/{}", text.get_ref()));
        }
        named.insert(key.to_owned(), text.into_inner());
    }
    section.finish(&mut reading.slips);
    named
}

pub(super) fn scopes(mut section: Section<'_>, reading: &mut Reading<'_>) -> Scopes {
    let mut tool = |key| section.section(key, &mut reading.slips).and_then(|tool| self::tool(tool, reading));
    let scopes = Scopes {
        tool_read: tool("tool-read"),
        tool_write: tool("tool-write"),
        tool_show: tool("tool-show"),
        tool_restricted: tool("tool-restricted"),
        tool_upstream: tool("tool-upstream"),
        tool_downstream: tool("tool-downstream"),
        tool_downstream_write: tool("tool-downstream-write"),
    };
    section.finish(&mut reading.slips);
    scopes
}

fn tool(mut section: Section<'_>, reading: &mut Reading<'_>) -> Option<Tool> {
    let name = section.required_text("name", &mut reading.slips);
    let scopes = reading.texts(&mut section, "scopes");
    let arguments = section.take("arguments").and_then(|entry| {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Table(table) => Some(json_object(table)),
            other => section.mistyped("arguments", "a table", &other, span, &mut reading.slips),
        }
    });
    section.finish(&mut reading.slips);
    Some(Tool { name: name?.into_inner(), scopes, arguments: arguments.unwrap_or_default() })
}
