//! Pages on the way of a login that ask neither who the user is nor for his consent: whether to stay signed in, which account,
//! a passkey. No specification forbids them; whoever takes one for the consent page judges the wrong page.

use std::iter;
use std::sync::Arc;

use super::page_words::{Asks, answers_no, answers_yes, asks, button, decisions, has_word, words_of};
use super::world::LoginForm;
use crate::wire::{Button, Form, Page};

/// Whether a form that does not say yes in a word of consent is of such a page.
pub(super) fn is_between(page: &Page, form: &Form, hints: &LoginForm) -> bool {
    // Whoever names the client and leaves the choice asks for consent, whatever else stands there.
    if names_client(page, hints) && form.buttons.iter().any(answers_no) {
        return false;
    }
    // Where the profile names the button of the consent page, a page without it that is not understood is to be told.
    let signs_in = signs_in(form) && !names_client(page, hints);
    let known = is_chooser(form, hints) || signs_in || says(&page.text, DEVICE);
    known || hints.approve.is_none() && is_understood(form) && !is_about_client(page, hints)
}

/// Whether the honest journey has shown that such a page is only on the way.
pub(super) fn is_step(page: &Page, hints: &LoginForm) -> bool {
    !hints.steps.is_empty() && hints.steps.contains(&mark(page))
}

/// Marks of those pages of a journey to its end that were answered like consent and are none. In words alone the
/// acceptance of terms is no different from it; but who shows two such pages and names the client on one of them asks for
/// consent there, and where none names it, on the last.
pub(super) fn steps<'a>(pages: impl Iterator<Item = &'a Arc<Page>>, hints: &LoginForm) -> Vec<String> {
    let asking: Vec<_> = pages.filter(|page| matches!(asks(page, hints), Asks::Consent(_))).collect();
    let last = asking.last().map(|page| mark(page));
    let is_named = asking.iter().any(|page| names_client(page, hints));
    let is_consent = |page: &Page| if is_named { names_client(page, hints) } else { Some(mark(page)) == last };
    let consents: Vec<_> = asking.iter().filter(|page| is_consent(page)).map(|page| mark(page)).collect();
    asking.iter().map(|page| mark(page)).filter(|mark| !consents.contains(mark)).collect()
}

/// What a page is known by when it comes again, for another user and another request: its title, its buttons and the names of
/// its fields.
fn mark(page: &Page) -> String {
    let parts = page.forms.iter().flat_map(|form| {
        let buttons = form.buttons.iter().flat_map(|button| [button.text.as_str(), button.name.as_str()]);
        buttons.chain(form.fields.iter().map(|field| field.name.as_str()))
    });
    iter::once(page.title.as_str()).chain(parts).collect::<Vec<_>>().join("\n")
}

/// How such a page is passed: as the user of this name, without taking up what it offers.
pub(super) fn pass(page: &Page, form: &Form, hints: &LoginForm, username: &str) -> (Form, Option<Button>) {
    if is_step(page, hints) {
        return (form.clone(), button(form, hints, true).cloned());
    }
    let names = |button: &&Button| is_account(button, username);
    let account = decisions(page).find_map(|form| Some((form, form.buttons.iter().find(names)?)));
    if let Some((form, button)) = account {
        return (form.clone(), Some(button.clone()));
    }
    let leaves = |button: &&Button| words_of(button).iter().any(|text| is_skip(text));
    let stays = |button: &&Button| answers_yes(button);
    let buttons = || form.buttons.iter();
    let button = buttons().find(leaves).or_else(|| buttons().find(stays)).or_else(|| buttons().next());
    (form.clone(), button.cloned())
}

/// Whether a button leaves things as they are. "Not you?" does not.
fn is_skip(text: &str) -> bool {
    SKIP.iter().any(|word| has_word(text, word)) || text.to_lowercase().contains("not now")
}

/// Whether a button is the account of that name. "Not alice?" is none.
fn is_account(button: &Button, username: &str) -> bool {
    let named = |text: &str| has_phrase(text, username) && !has_word(text, "not");
    !username.is_empty() && words_of(button).iter().any(|text| named(text))
}

/// Whether a button is a user of the profile.
fn is_chooser(form: &Form, hints: &LoginForm) -> bool {
    form.buttons.iter().any(|button| hints.users.iter().any(|user| is_account(button, user)))
}

/// Whether a text has another one, not as a part of longer words.
fn has_phrase(text: &str, phrase: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(phrase)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + phrase.len()..].chars().next()))
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
        let of_step = |text: &str| is_skip(text) || has_word(text, "not") || ON.iter().any(|word| has_word(text, word));
        answers_yes(button) || answers_no(button) || words_of(button).iter().any(|text| of_step(text))
    };
    !form.buttons.is_empty() && form.buttons.iter().all(known)
}

/// Whether the page names the client, or the place where its users come back to.
fn names_client(page: &Page, hints: &LoginForm) -> bool {
    let named = |name: &String| !name.is_empty() && page.text.contains(name.as_str());
    page.text.contains("127.0.0.1") || hints.clients.iter().any(named)
}

/// Whether the page says anything of a client, or of what it may do. Its title may be the name of the server.
fn is_about_client(page: &Page, hints: &LoginForm) -> bool {
    names_client(page, hints)
        || CONSENT.iter().any(|word| has_word(&page.text, word))
        || says(&page.text, &["wants to"])
}

/// Whether a text says one of these, in any case.
fn says(text: &str, phrases: &[&str]) -> bool {
    let text = text.to_lowercase();
    phrases.iter().any(|phrase| text.contains(phrase))
}

/// What pages say that ask about this browser, and not about a client.
const DEVICE: &[&str] = &[
    "stay signed in",
    "remain signed in",
    "remember me on this",
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
    "access",
    "allow",
    "allows",
    "approve",
    "authorization",
    "authorisation",
    "authorize",
    "authorise",
    "authspec",
    "client",
    "consent",
    "grant",
    "permission",
    "permissions",
    "scope",
    "scopes",
];
/// Buttons that leave things as they are.
const SKIP: &[&str] = &["skip", "later", "no", "dismiss"];
/// Buttons that go on.
const ON: &[&str] =
    &["next", "submit", "go", "done", "close", "start", "proceed", "set", "setup", "change", "enable", "finish"];

#[cfg(test)]
mod tests {
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
        assert!(!is_consent("Choose who goes on", &["alice@example", "Another"]));
        assert!(!is_consent("Remain signed in? Accessibility", &["Yes", "No"]));
        assert!(!is_consent("Two factors are better", &["Set up", "Remind me later"]));
    }

    #[test]
    fn consent_is_known_by_its_page_and_by_its_buttons() {
        assert!(is_consent("Welcome", &["Allow", "Cancel"]));
        assert!(is_consent("The application wants to read your files", &["Yes", "No"]));
        assert!(is_consent("Inspector at http://127.0.0.1:6274/cb", &["Continue", "Cancel"]));
        let named =
            "Inspector at http://127.0.0.1:6274/cb may see your passkeys. Choose an account. Remember this device";
        assert!(is_consent(named, &["Continue as alice@example", "Cancel"]));
        assert!(is_consent(named, &["Finish sign in", "Cancel sign in"]));
        assert!(is_consent(named, &["Yes", "No"]));
    }

    #[test]
    fn a_language_that_is_not_understood_may_be_that_of_consent() {
        assert!(is_consent("Darf Inspector Ihre Dateien lesen?", &["Erlauben", "Ablehnen"]));
    }

    #[test]
    fn a_page_is_passed_without_taking_up_what_it_offers() {
        let pressed = |page: &Page| {
            pass(page, &page.forms[0], &LoginForm::default(), "alice@example").1.map(|button| button.text)
        };
        assert_eq!(pressed(&page("Create a passkey?", &["Create", "Not now"])).as_deref(), Some("Not now"));
        assert_eq!(
            pressed(&page("Pick an account", &["bob@example", "alice@example"])).as_deref(),
            Some("alice@example")
        );
        assert_eq!(pressed(&page("Welcome", &["Continue"])).as_deref(), Some("Continue"));
        assert_eq!(pressed(&page("Welcome back", &["Not you?", "Continue"])).as_deref(), Some("Continue"));
        assert_eq!(pressed(&page("Welcome", &["Not alice@example?", "Continue"])).as_deref(), Some("Continue"));
    }
}
