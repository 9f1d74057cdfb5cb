//! Checks that the browsers and clients a step names are there when it runs.

use std::ops::Range;

use serde_json::Value;

use super::Verb;
use super::draft::StepDraft;
use super::slip::{Slips, UNKNOWN_ACTOR};

/// An argument that names a browser or a client, as it stands in the file.
pub(super) struct Named {
    /// The argument: `browser`, `client`, `of`, `request-of`.
    pub(super) argument: &'static str,
    /// The name.
    pub(super) name: String,
    /// Where it stands.
    pub(super) span: Range<usize>,
}

/// The arguments that name somebody.
pub(super) const NAMING: [&str; 4] = ["browser", "client", "of", "request-of"];

/// The clients that a case can name without registering them.
pub const CLIENTS: [&str; 11] = [
    "basic",
    "default",
    "exchanger",
    "jwt",
    "machine",
    "machine-basic",
    "machine-jwt",
    "machine-other",
    "machine-post",
    "other",
    "post",
];

/// Checks names step by step.
pub(super) fn check(steps: &[StepDraft], slips: &mut Slips<'_>) {
    let mut clients: Vec<&str> = CLIENTS.to_vec();
    let mut open: Vec<&str> = Vec::new();
    for draft in steps {
        for named in draft.notes.named.iter().filter(|named| named.argument == "client" && !is_variable(&named.name)) {
            if !clients.contains(&named.name.as_str()) {
                let known = clients.iter().copied();
                slips.unknown(UNKNOWN_ACTOR, named.span.clone(), "client in hand", &named.name, known);
            }
        }
        let step = &draft.step;
        match step.verb {
            Verb::Register => clients.extend(text(&step.args, "as")),
            Verb::Authorize => open.extend([opener(&step.args)].into_iter().chain(text(&step.args, "as"))),
            Verb::Repeat => {
                open.extend(step.args.get("authorize").and_then(Value::as_object).map(opener));
            }
            Verb::Callback | Verb::Consent | Verb::Login => check_owner(draft, &open, slips),
            _ => {}
        }
    }
}

/// The page or answer that a step takes up must have come to somebody earlier.
fn check_owner(draft: &StepDraft, open: &[&str], slips: &mut Slips<'_>) {
    let naming = |argument: &str| draft.notes.named.iter().find(|named| named.argument == argument);
    let named = naming("of").or_else(|| naming("request-of")).or_else(|| naming("browser"));
    let (owner, span) = named.map_or((FIRST, draft.step.span.clone()), |named| (&named.name, named.span.clone()));
    if is_variable(owner) || open.iter().any(|name| *name == owner || is_variable(name)) {
        return;
    }
    let near = crate::diag::nearest(owner, open.iter().copied());
    let slip = slips.add(UNKNOWN_ACTOR, span, format!("`{owner}` has opened no request in an earlier step"));
    match near {
        Some(near) => slip.label = format!("did you mean `{near}`?"),
        None => slip.help = Some("an `authorize` with `until` leaves a page or an answer to take up".to_owned()),
    }
}

/// The browser of an `authorize`.
fn opener(args: &serde_json::Map<String, Value>) -> &str {
    text(args, "browser").unwrap_or(FIRST)
}

fn text<'a>(args: &'a serde_json::Map<String, Value>, key: &str) -> Option<&'a str> {
    args.get(key).and_then(Value::as_str)
}

fn is_variable(name: &str) -> bool {
    name.contains('$')
}

/// The browser, and user, of a step that names none.
const FIRST: &str = "alice";
