//! Pages on the way of a login that ask neither who the user is nor for his consent: whether to stay signed in, which account,
//! a passkey. No specification forbids them; whoever takes one for the consent page judges the wrong page.

use super::page_words::{answers_no, answers_yes, decisions, has_word, words_of};
use super::world::LoginForm;
use crate::wire::{Button, Form, Page};

/// Whether a form that does not say yes in a word of consent is of such a page.
pub(super) fn is_between(page: &Page, form: &Form, hints: &LoginForm) -> bool {
    // Where the profile names the button of the consent page, a page without it that is not understood is to be told.
    let known = is_chooser(form, hints) || signs_in(form) || says(page, DEVICE);
    known || hints.approve.is_none() && is_understood(form) && !is_about_client(page, hints)
}

/// How such a page is passed: as the user of this name, without taking up what it offers.
pub(super) fn pass(page: &Page, form: &Form, username: &str) -> (Form, Option<Button>) {
    let names = |button: &&Button| !username.is_empty() && words_of(button).iter().any(|text| text.contains(username));
    let account = decisions(page).find_map(|form| Some((form, form.buttons.iter().find(names)?)));
    if let Some((form, button)) = account {
        return (form.clone(), Some(button.clone()));
    }
    let leaves = |button: &&Button| words_of(button).iter().any(|text| SKIP.iter().any(|word| has_word(text, word)));
    let button = form.buttons.iter().find(leaves).or_else(|| form.buttons.first());
    (form.clone(), button.cloned())
}

/// Whether a button is a user of the profile.
fn is_chooser(form: &Form, hints: &LoginForm) -> bool {
    let names_user = |text: &str| hints.users.iter().any(|user| !user.is_empty() && text.contains(user.as_str()));
    form.buttons.iter().any(|button| words_of(button).iter().any(|text| names_user(text)))
}

/// Whether all that it offers is to sign in somewhere.
fn signs_in(form: &Form) -> bool {
    let says_so = |text: &str| {
        let text = text.to_lowercase();
        ["sign in", "signin", "log in", "login", "continue with"].iter().any(|words| text.contains(words))
    };
    !form.buttons.is_empty() && form.buttons.iter().all(|button| words_of(button).iter().any(|text| says_so(text)))
}

/// Whether all its buttons speak a language that is understood here: of one that is not, nobody knows what it asks.
fn is_understood(form: &Form) -> bool {
    let known = |button: &Button| {
        let of_step = |text: &str| SKIP.iter().chain(ON).any(|word| has_word(text, word));
        answers_yes(button) || answers_no(button) || words_of(button).iter().any(|text| of_step(text))
    };
    !form.buttons.is_empty() && form.buttons.iter().all(known)
}

/// Whether the page says anything of a client, or of what it may do.
fn is_about_client(page: &Page, hints: &LoginForm) -> bool {
    let named = |name: &String| !name.is_empty() && page.text.contains(name.as_str());
    says(page, CONSENT) || page.text.contains("127.0.0.1") || hints.clients.iter().any(named)
}

/// Whether the page says one of these, in any case.
fn says(page: &Page, phrases: &[&str]) -> bool {
    let text = format!("{} {}", page.title, page.text).to_lowercase();
    phrases.iter().any(|phrase| text.contains(phrase))
}

/// What pages say that ask about this browser, and not about a client.
const DEVICE: &[&str] = &[
    "stay signed in",
    "keep me signed in",
    "stay logged in",
    "keep me logged in",
    "remember this device",
    "remember this browser",
    "trust this device",
    "trust this browser",
    "passkey",
    "choose an account",
    "pick an account",
    "select an account",
];
/// What pages say that ask for consent.
const CONSENT: &[&str] = &[
    "authori",
    "consent",
    "permission",
    "grant",
    "allow",
    "approve",
    "access",
    "scope",
    "authspec",
    "wants to",
    "client",
];
/// Buttons that leave things as they are.
const SKIP: &[&str] = &["skip", "later", "no", "not", "dismiss"];
/// Buttons that go on.
const ON: &[&str] = &["next", "submit", "go", "done", "close", "start", "proceed"];

#[cfg(test)]
mod tests {
    use super::super::page_words::{Asks, asks};
    use super::*;

    fn page(text: &str, buttons: &[&str]) -> Page {
        let button = |text: &&str| Button { text: (*text).to_owned(), kind: "submit".to_owned(), ..Button::default() };
        let buttons = buttons.iter().map(button).collect();
        let mut page = Page::default();
        page.text.push_str(text);
        page.forms.push(Form { method: "post".to_owned(), buttons, ..Form::default() });
        page
    }

    fn is_consent(text: &str, buttons: &[&str]) -> bool {
        let hints = LoginForm { users: vec!["alice@example".to_owned()], ..LoginForm::default() };
        matches!(asks(&page(text, buttons), &hints), Asks::Consent(_))
    }

    #[test]
    fn what_does_not_speak_of_a_client_is_no_consent() {
        assert!(!is_consent("Stay signed in? So you are asked less often.", &["No", "Yes"]));
        assert!(!is_consent("Faster access with a passkey", &["Continue", "Skip for now"]));
        assert!(!is_consent("Welcome back", &["Continue"]));
        assert!(!is_consent("Sign in to get access", &["Sign in with Google", "Log in by e-mail"]));
        assert!(!is_consent("Choose who goes on to Authspec", &["alice@example", "Another"]));
    }

    #[test]
    fn consent_is_known_by_its_page_and_by_its_buttons() {
        assert!(is_consent("Welcome", &["Allow", "Cancel"]));
        assert!(is_consent("The application wants to read your files", &["Yes", "No"]));
        assert!(is_consent("Inspector at http://127.0.0.1:6274/cb", &["Continue", "Cancel"]));
    }

    #[test]
    fn a_language_that_is_not_understood_may_be_that_of_consent() {
        assert!(is_consent("Darf Inspector Ihre Dateien lesen?", &["Erlauben", "Ablehnen"]));
    }

    #[test]
    fn a_page_is_passed_without_taking_up_what_it_offers() {
        let pressed = |page: &Page| pass(page, &page.forms[0], "alice@example").1.map(|button| button.text);
        assert_eq!(pressed(&page("Create a passkey?", &["Create", "Not now"])).as_deref(), Some("Not now"));
        assert_eq!(
            pressed(&page("Pick an account", &["bob@example", "alice@example"])).as_deref(),
            Some("alice@example")
        );
        assert_eq!(pressed(&page("Welcome", &["Continue"])).as_deref(), Some("Continue"));
    }
}
