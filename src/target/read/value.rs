//! Values that several sections share: URLs, addresses, durations, secrets, globs.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use jiff::SignedDuration;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::super::Secret;
use super::Reading;
use crate::rule::reader::{Entry, Section};

/// An http or https URL that requests can go to.
pub(in super::super) fn web_url(text: &str) -> Result<Url, String> {
    if !text.contains("://") {
        return Err("it starts with neither http:// nor https://".to_owned());
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the scheme is {}, not http or https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password".to_owned());
    }
    if url.fragment().is_some() {
        return Err("it holds a fragment".to_owned());
    }
    Ok(url)
}

impl Reading<'_> {
    /// An http or https URL, kept as it was written.
    pub(super) fn web_url(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<String> {
        let text = section.text(key, &mut self.slips)?;
        self.usable(&section.path(key), text)
    }

    /// The same for a text in hand; `path` names it in complaints.
    pub(super) fn usable(&mut self, path: &str, text: Spanned<String>) -> Option<String> {
        match web_url(text.get_ref()) {
            Ok(_) => Some(text.into_inner()),
            Err(reason) => {
                self.slips.add("url", text.span(), format!("`{path}` is not a usable URL"), reason);
                None
            }
        }
    }

    /// Scheme, host and port of an http or https URL, as origins are compared.
    pub(super) fn origin(&mut self, text: &Spanned<String>) -> Option<String> {
        match web_url(text.get_ref()) {
            Ok(url) if url.path() == "/" && url.query().is_none() => Some(url.origin().ascii_serialization()),
            Ok(_) => {
                let message = format!("`{}` is more than an origin", text.get_ref());
                self.slips.add("url", text.span(), message, "only scheme, host and port");
                None
            }
            Err(reason) => {
                self.slips.add("url", text.span(), format!("`{}` is not a usable URL", text.get_ref()), reason);
                None
            }
        }
    }

    /// An address to listen on: `127.0.0.1:9000`.
    pub(super) fn address(&mut self, text: &Spanned<String>) -> Option<SocketAddr> {
        match text.get_ref().replacen("localhost:", "127.0.0.1:", 1).parse() {
            Ok(address) => Some(address),
            Err(_) => {
                let message = format!("`{}` is not an address to listen on", text.get_ref());
                self.slips.add("address", text.span(), message, "expected IP:PORT, such as 127.0.0.1:9000");
                None
            }
        }
    }

    /// A length of time: seconds as a number, or a text such as `500ms`, `10s`, `2m`.
    pub(super) fn duration(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<Duration> {
        let entry = section.take(key)?;
        let span = entry.span();
        let duration = match entry.get_ref() {
            DeValue::Integer(digits) => digits.as_str().parse().ok().map(Duration::from_secs),
            DeValue::Float(digits) => {
                digits.as_str().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            }
            DeValue::String(text) => {
                text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok())
            }
            other => return section.mistyped(key, "a duration", other, span, &mut self.slips),
        };
        match duration.filter(|duration| !duration.is_zero() && *duration <= LONGEST) {
            Some(duration) => Some(duration),
            None => {
                let label = "expected seconds, or a text such as \"500ms\", \"10s\", \"2m\"; at most an hour";
                self.slips.add("duration", span, format!("`{}` is not a usable duration", section.path(key)), label);
                None
            }
        }
    }

    /// A secret: `{ env = "NAME" }`, or a text where the target is on this machine.
    pub(super) fn secret(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<Secret> {
        let entry = section.take(key)?;
        self.secret_of(&section.path(key), entry)
    }

    /// The same for a value in hand; `path` names it in complaints.
    pub(super) fn secret_of(&mut self, path: &str, entry: Entry<'_>) -> Option<Secret> {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::String(text) => {
                self.slips.mask(inside(&span));
                if !self.local {
                    let message = format!("`{path}` is a secret, written in the file");
                    let help = "write { env = \"NAME\" }; only the secrets of loopback targets may stand here";
                    self.slips.advise("secret", span, message, "a secret in a file", help);
                }
                Some(Secret::new(text.into_owned()))
            }
            other => self.variable(path, other, span).map(Secret::new),
        }
    }

    /// A value that is usually plain and treated as a secret all the same, such as a variable of a launched target.
    pub(super) fn setting(&mut self, path: &str, entry: Entry<'_>) -> Option<Secret> {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::String(text) => Some(Secret::new(text.into_owned())),
            other => self.variable(path, other, span).map(Secret::new),
        }
    }

    /// A text that may also come from the environment.
    pub(super) fn text_or_variable(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<String> {
        let entry = section.take(key)?;
        let span = entry.span();
        match entry.into_inner() {
            DeValue::String(text) => Some(text.into_owned()),
            other => self.variable(&section.path(key), other, span),
        }
    }

    /// The value of `{ env = "NAME" }`.
    fn variable(&mut self, path: &str, value: DeValue<'_>, span: Range<usize>) -> Option<String> {
        let DeValue::Table(table) = value else {
            let message = format!("`{path}` must be a string or {{ env = \"NAME\" }}");
            self.slips.add("type", span, message, "expected a string or { env = \"NAME\" }");
            return None;
        };
        let mut table = Section::new(path.to_owned(), table, span);
        let name = table.required_text("env", &mut self.slips);
        table.finish(&mut self.slips);
        let name = name?;
        match (self.env)(name.get_ref()) {
            Some(text) if !text.is_empty() => Some(text),
            found => {
                let state = if found.is_some() { "empty" } else { "not set" };
                let message = format!("`{path}` needs the environment variable {}, which is {state}", name.get_ref());
                self.slips.add("environment", name.span(), message, state);
                None
            }
        }
    }

    /// A pattern for names with `/`: `*` stays within a part, `**` does not.
    pub(super) fn glob(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<GlobMatcher> {
        let text = section.text(key, &mut self.slips)?;
        match GlobBuilder::new(text.get_ref()).literal_separator(true).build() {
            Ok(glob) => Some(glob.compile_matcher()),
            Err(error) => {
                let message = format!("`{}` is not a pattern", section.path(key));
                self.slips.add("glob", text.span(), message, error.kind().to_string());
                None
            }
        }
    }

    /// A list of texts without their places; empty if absent.
    pub(super) fn texts(&mut self, section: &mut Section<'_>, key: &'static str) -> Vec<String> {
        let texts = section.texts(key, &mut self.slips).unwrap_or_default();
        texts.into_iter().map(Spanned::into_inner).collect()
    }

    /// A text without its place.
    pub(super) fn text(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<String> {
        section.text(key, &mut self.slips).map(Spanned::into_inner)
    }
}

/// A table as JSON, for claims and arguments.
pub(super) fn json_object(table: toml::de::DeTable<'_>) -> Map<String, Value> {
    table.into_iter().map(|(key, value)| (key.into_inner().into_owned(), json(value.into_inner()))).collect()
}

fn json(value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.into_owned()),
        DeValue::Integer(digits) => match i64::from_str_radix(&plain(digits.as_str()), digits.radix()) {
            Ok(number) => Value::from(number),
            Err(_) => Value::from(digits.as_str()),
        },
        DeValue::Float(digits) => plain(digits.as_str()).parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(yes) => Value::from(yes),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.into_iter().map(|item| json(item.into_inner())).collect(),
        DeValue::Table(table) => Value::Object(json_object(table)),
    }
}

fn plain(digits: &str) -> String {
    digits.chars().filter(|c| *c != '_').collect()
}

/// What stands between the quotes.
fn inside(span: &Range<usize>) -> Range<usize> {
    if span.len() < 2 { span.clone() } else { span.start + 1..span.end - 1 }
}

/// No wait is longer than an hour.
const LONGEST: Duration = Duration::from_secs(3600);
