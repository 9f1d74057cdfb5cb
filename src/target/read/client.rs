//! `[registration]`, `[login]`: how the harness becomes a client, and its users.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Map;
use toml::Spanned;
use toml::de::DeValue;

use super::super::{
    DocumentHost, FormHints, Login, LoginHow, PresetClient, Registration, RegistrationHow, Secret, User,
};
use super::Reading;
use super::value::json_object;
use crate::oauth::client_key::ClientKey;
use crate::rule::reader::{Entry, Section};

pub(super) fn registration(mut section: Section<'_>, reading: &mut Reading<'_>) -> Registration {
    let how = section.word("how", &mut reading.slips).unwrap_or(RegistrationHow::Auto);
    let client = preset(&mut section, reading);
    if how == RegistrationHow::Preset && client.is_none() {
        section.missing("client-id", &mut reading.slips);
    }
    let other = section.section("other", &mut reading.slips).and_then(|mut other| {
        let client = preset(&mut other, reading);
        if client.is_none() {
            other.missing("client-id", &mut reading.slips);
        }
        other.finish(&mut reading.slips);
        client
    });
    let registration = Registration {
        how,
        client,
        other,
        redirect_uris: redirect_uris(&mut section, reading),
        client_name: reading.text(&mut section, "client-name"),
        scope: reading.text(&mut section, "scope"),
        application_type: section.word("application-type", &mut reading.slips),
        document_host: document_host(&mut section, reading),
        token_endpoint_auth_method: section.word("token-endpoint-auth-method", &mut reading.slips),
    };
    section.finish(&mut reading.slips);
    registration
}

fn preset(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Option<PresetClient> {
    let id = reading.text_or_variable(section, "client-id");
    let secret = reading.secret(section, "client-secret");
    let key = client_key(section, secret.is_some(), reading);
    Some(PresetClient { id: id?, secret, key })
}

/// `client-key` with `client-key-header`: the private key, and what the header of its assertions carries.
pub(super) fn client_key(
    section: &mut Section<'_>,
    has_secret: bool,
    reading: &mut Reading<'_>,
) -> Option<Arc<ClientKey>> {
    let mut header = Map::new();
    let written = section.take("client-key-header");
    let alone = written.as_ref().map(Entry::span).filter(|_| !section.has("client-key"));
    if let Some(span) = alone {
        let help = "it says what the header of assertions carries that are signed with `client-key`";
        reading.slips.advise("missing", span, "`client-key-header` without `client-key`", "", help);
    }
    if let Some(entry) = written {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Table(table) => header = json_object(table),
            other => {
                let kind = "a table, such as { kid = \"key-1\" }";
                section.mistyped("client-key-header", kind, &other, span, &mut reading.slips).unwrap_or(())
            }
        }
    }
    let entry = section.take("client-key")?;
    let span = entry.span();
    if has_secret {
        let help = "leave one of them out: what is judged is a client that authenticates in one way";
        reading.slips.advise("both", span.clone(), "a client with `client-secret` and `client-key`", "", help);
    }
    let pem = reading.secret_of(&section.path("client-key"), entry)?;
    match ClientKey::read(pem.expose(), header) {
        Ok(key) => Some(Arc::new(key)),
        Err(problem) => {
            let message = format!("`{}` is not usable", section.path("client-key"));
            reading.slips.add("key", span, message, problem);
            None
        }
    }
}

/// Redirect URIs are compared as text by the target, and kept as text here; only what is no URI at all is a slip.
fn redirect_uris(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<String> {
    let uris = section.texts("redirect-uris", &mut reading.slips).unwrap_or_default();
    for uri in &uris {
        if let Err(error) = url::Url::parse(uri.get_ref()) {
            let message = format!("`{}` is not a redirect URI", uri.get_ref());
            reading.slips.add("url", uri.span(), message, error.to_string());
        }
    }
    uris.into_iter().map(Spanned::into_inner).collect()
}

/// `document-host = "127.0.0.1:9100"` or `{ listen = "...", url = "https://..." }`.
fn document_host(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Option<DocumentHost> {
    let entry = section.take("document-host")?;
    let span = entry.span();
    match entry.into_inner() {
        DeValue::String(text) => {
            let listen = reading.address(&Spanned::new(span, text.into_owned()))?;
            Some(DocumentHost { listen, url: None })
        }
        DeValue::Table(table) => {
            let mut host = Section::new(section.path("document-host"), table, span);
            let listen = host.text("listen", &mut reading.slips);
            let url = reading.web_url(&mut host, "url");
            host.finish(&mut reading.slips);
            let listen = match listen {
                Some(text) => reading.address(&text)?,
                None => SocketAddr::from(([127, 0, 0, 1], 0)),
            };
            Some(DocumentHost { listen, url })
        }
        other => section.mistyped("document-host", "an address or a table", &other, span, &mut reading.slips),
    }
}

pub(super) fn login(mut section: Section<'_>, reading: &mut Reading<'_>) -> Login {
    let how = how(&mut section, reading).unwrap_or(LoginHow::Auto);
    let mut users = users(&mut section, reading);
    let command = reading.texts(&mut section, "command");
    if how == LoginHow::Command && command.is_empty() {
        section.missing("command", &mut reading.slips);
    }
    if how == LoginHow::Token && !users.iter().any(|user| user.token.is_some()) {
        section.missing("users.alice.token", &mut reading.slips);
    }
    if users.is_empty() {
        users = Login::default().users;
    }
    let login = Login {
        how,
        users,
        command,
        form: form(&mut section, reading),
        approve_button: reading.text(&mut section, "approve-button"),
        deny_button: reading.text(&mut section, "deny-button"),
    };
    section.finish(&mut reading.slips);
    login
}

/// `webdriver` is a word of the contract that is not built yet: it is refused with what to do instead.
fn how(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Option<LoginHow> {
    let text = section.text("how", &mut reading.slips)?;
    if text.get_ref() == "webdriver" {
        let help = "use how = \"command\" (a script of yours drives the browser), or how = \"token\"";
        reading.slips.advise("unsupported", text.span(), "login by webdriver is not built", "not supported", help);
        return None;
    }
    crate::rule::reader::as_word(&text, &mut reading.slips)
}

/// The people of the cases.
const USERS: [&str; 2] = ["alice", "mallory"];

fn users(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<User> {
    let Some(mut users) = section.section("users", &mut reading.slips) else {
        return Vec::new();
    };
    users.drain().into_iter().filter_map(|(name, entry)| user(name, entry, &users, reading)).collect()
}

fn user(name: Spanned<String>, entry: Entry<'_>, users: &Section<'_>, reading: &mut Reading<'_>) -> Option<User> {
    let span = entry.span();
    if !USERS.contains(&name.get_ref().as_str()) {
        let message = format!("no case knows a user `{}`", name.get_ref());
        let help = "alice is the honest one, mallory the other; what they are called at the target is their `username`";
        reading.slips.advise("unknown-word", name.span(), message, "", help);
    }
    let name = name.into_inner();
    let mut section = match entry.into_inner() {
        DeValue::Table(table) => Section::new(users.path(&name), table, span),
        other => return users.mistyped(&name, "a table", &other, span, &mut reading.slips),
    };
    let user = User {
        username: reading.text_or_variable(&mut section, "username"),
        password: reading.secret(&mut section, "password"),
        fields: fields(&mut section, reading),
        token: reading.secret(&mut section, "token"),
        name,
    };
    section.finish(&mut reading.slips);
    Some(user)
}

/// Further form fields may hold a PIN or a one-time password: each counts as a secret.
fn fields(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Vec<(String, Secret)> {
    let Some(mut fields) = section.section("fields", &mut reading.slips) else {
        return Vec::new();
    };
    let entries = fields.drain();
    entries
        .into_iter()
        .filter_map(|(name, entry)| {
            let secret = reading.secret_of(&fields.path(name.get_ref()), entry)?;
            Some((name.into_inner(), secret))
        })
        .collect()
}

fn form(section: &mut Section<'_>, reading: &mut Reading<'_>) -> FormHints {
    let Some(mut form) = section.section("form", &mut reading.slips) else {
        return FormHints::default();
    };
    let hints = FormHints {
        username_field: reading.text(&mut form, "username-field"),
        password_field: reading.text(&mut form, "password-field"),
        submit: reading.text(&mut form, "submit"),
    };
    form.finish(&mut reading.slips);
    hints
}
