//! Why an honest authorization request brought no code, with what to do next: the difference between a wrong profile and a broken
//! target.

use serde_json::Value;

use super::leg;
use crate::fact::{self, summary};
use crate::step::{self, How, World};

/// Whether the user is the one that is tried where the profile names none.
fn made_up(world: &World) -> bool {
    world.users.get("alice").is_some_and(|alice| alice.username == "alice" && alice.password == MADE_UP)
}

/// The password that is tried where the profile gives none.
pub const MADE_UP: &str = "password";

/// Why no code came, with what to do: the difference between a wrong profile and a broken target.
pub fn stuck(world: &World, facts: &Value) -> String {
    let page = step::describe_page(facts);
    let description = facts["redirect"]["params"]["error_description"]
        .as_str()
        .map(|d| format!(" ({})", fact::clip(d, 160)))
        .unwrap_or_default();
    if let Some(why) = facts["command-failed"].as_str() {
        return format!("the login command came to no end (profile section [login], command): {why}");
    }
    match facts["stopped-at"].as_str().unwrap_or_default() {
        "login" if facts["submit-statuses"].as_array().is_some_and(|s| !s.is_empty()) && made_up(world) => format!(
            "nobody is named who could log in (profile section [login]), and a made-up `alice` with the password `{MADE_UP}` was not let in; {page}"
        ),
        "login" if facts["submit-statuses"].as_array().is_some_and(|s| !s.is_empty()) => format!(
            "the login was not accepted for user `alice`: check username and password (profile section [login]); {page}"
        ),
        "login" => {
            format!("the login form was not understood: name its fields in the profile (section [login.form]); {page}")
        }
        "consent" => format!(
            "the consent page was not understood: name its button in the profile (login.approve-button); {page}"
        ),
        "page" if facts["away"].is_string() => leg::elsewhere(world, facts["away"].as_str().unwrap_or_default()),
        "page" => format!(
            "the authorization request ended on a page that could not be answered: {page}.{}",
            next_to_unknown_page(world, facts)
        ),
        "error" => format!(
            "{REFUSED}: {}{description}. It asked for scope \"{}\"",
            facts["error"].as_str().unwrap_or("no error code"),
            world.recipe.scope.as_deref().unwrap_or("")
        ),
        "elsewhere" => leg::elsewhere(world, facts["redirect"]["base"].as_str().unwrap_or_default()),
        "nowhere" => format!("no code came: {}. If users log in elsewhere, is that server up?", summary(facts)),
        _ => format!("no code came: {}", summary(facts)),
    }
}

/// What to do about a page that could not be answered: about its fields, those of the form that led to it, the client, or a script.
fn next_to_unknown_page(world: &World, facts: &Value) -> String {
    let fields = facts["page"]["described"].as_str().is_some_and(|text| text.contains("fields ["));
    let before = facts["pages"].as_array().into_iter().flatten().rev().find(|page| page["asks"] != "nothing");
    let before = before.and_then(|page| page["described"].as_str());
    let mut next = match (before, fields) {
        (Some(form), _) => format!(
            " It came for this form: {form} If that was not filled in as a user would, name its fields (profile section [login.form])"
        ),
        (None, true) => {
            " If it is the login, its fields were not understood: name them (profile section [login.form])".to_owned()
        }
        (None, false) => {
            " A page that a script builds is answered by a program of yours (profile: [login] how = \"command\")"
                .to_owned()
        }
    };
    if world.registration.how == How::Preset {
        next.push_str(". If it does not know the client: client-id and redirect-uris (profile section [registration])");
    }
    next
}

/// How it begins to be told that the client got an error for a code.
pub const REFUSED: &str = "an honest authorization request was refused";
