//! What was seen, as text for a terminal.

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value};

use super::claims::{moment, plain, seconds, span};
use super::{Against, Inspection, Mark};
use crate::diag::escape;
use crate::report::{Look, wrap};

/// Header, claims and remarks; never the signature, never the token.
#[must_use]
pub fn render(seen: &Inspection, against: &Against, look: &Look) -> String {
    let mut lines = wrap(&seen.what, look.width());
    members("header", &seen.header, against.now, look, &mut lines);
    members("claims", &seen.claims, against.now, look, &mut lines);
    let at = |name: &str| seen.claims.get(name).and_then(seconds);
    if let (Some(from), Some(until)) = (at("iat"), at("exp")) {
        lines.push(String::new());
        lines.push(format!("lifetime {}", span(until.saturating_sub(from))));
    }
    if !seen.remarks.is_empty() {
        lines.push(String::new());
        lines.push(match &against.issuer {
            Some(known) => format!("checked against {}", escape(&known.issuer)),
            None if against.unreachable => "checked without its issuer, which could not be asked".to_owned(),
            None => "checked without an issuer: give --issuer URL to check the signature as well".to_owned(),
        });
    }
    for remark in &seen.remarks {
        let (word, style) = match remark.mark {
            Mark::Good => ("ok", GOOD),
            Mark::Odd => ("odd", ODD),
            Mark::Wrong => ("WRONG", WRONG),
        };
        let text = match remark.rule.filter(|_| remark.mark != Mark::Good) {
            Some(rule) => format!("{} ({rule})", escape(&remark.text)),
            None => escape(&remark.text).into_owned(),
        };
        for (at, line) in wrap(&text, look.width() - MARK - 2).into_iter().enumerate() {
            let word = if at == 0 { word } else { "" };
            lines.push(format!("  {}{line}", look.paint(style, format!("{word:MARK$}"))));
        }
    }
    lines.join("\n")
}

fn members(title: &str, members: &Map<String, Value>, now: i64, look: &Look, lines: &mut Vec<String>) {
    if members.is_empty() {
        return;
    }
    lines.push(String::new());
    lines.push(look.paint(STRONG, title));
    let widest = members.keys().map(|name| name.chars().count()).max().unwrap_or_default().clamp(NAME, WIDEST_NAME);
    for (name, value) in members {
        let name = escape(name);
        let text = match seconds(value).filter(|_| TIMES.contains(&name.as_ref())) {
            Some(at) => format!("{value}  {}", moment(at, now)),
            None => clipped(&plain(value)),
        };
        for (at, line) in wrap(&escape(&text), look.width() - widest - 4).into_iter().enumerate() {
            let name = if at == 0 { name.as_ref() } else { "" };
            lines.push(format!("  {name:widest$}  {line}"));
        }
    }
}

/// A long value is cut: keys and certificates in a header are no reading matter.
fn clipped(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
    }
}

/// Claims that are times (RFC 7519 section 4.1, OpenID Connect Core section 2).
const TIMES: [&str; 5] = ["exp", "iat", "nbf", "auth_time", "updated_at"];
/// Columns of a mark, of a name, and characters of a value.
const MARK: usize = 7;
const NAME: usize = 9;
const WIDEST_NAME: usize = 24;
const LONGEST: usize = 300;
const GOOD: Style = AnsiColor::Green.on_default();
const ODD: Style = AnsiColor::Yellow.on_default().bold();
const STRONG: Style = Style::new().bold();
const WRONG: Style = AnsiColor::Red.on_default().bold();
