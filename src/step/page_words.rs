//! Understanding login and consent pages that nobody here wrote: which form is which, which button says yes.

use super::between;
use super::world::LoginForm;
use crate::wire::{Button, Field, Form, Link, Page};

/// What a page asks of the user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Asks<'a> {
    /// Name and password (or only the name, on a login of several pages).
    Login(&'a Form),
    /// Yes or no.
    Consent(&'a Form),
    /// Something of the login beside that, such as whether to stay signed in.
    Between(&'a Form),
    /// Nothing that can be answered.
    Nothing,
}

/// What a page asks. Pages with an error status ask nothing.
#[must_use]
pub fn asks<'a>(page: &'a Page, hints: &LoginForm) -> Asks<'a> {
    if page.status >= 400 && !page.forms.iter().any(has_password) {
        return Asks::Nothing;
    }
    let login = page
        .forms
        .iter()
        .find(|f| has_password(f) || hinted(f, hints))
        .or_else(|| page.forms.iter().find(|f| is_name_only(f)));
    if let Some(form) = login {
        return Asks::Login(form);
    }
    let leaves_choice = |form: &&Form| form.buttons.iter().any(answers_yes) && form.buttons.iter().any(answers_no);
    let likely = || decisions(page).find(leaves_choice).or_else(|| decisions(page).next());
    match decisions(page).find(|form| agrees(form, hints)).or_else(likely) {
        Some(form) if between::is_step(page, hints) => Asks::Between(form),
        // Whoever wants to know something is not answered by a form sent empty.
        Some(form) if is_blank(form) && !agrees(form, hints) => Asks::Nothing,
        Some(form) if !agrees(form, hints) && between::is_between(page, form, hints) => Asks::Between(form),
        Some(form) => Asks::Consent(form),
        None => Asks::Nothing,
    }
}

/// The forms of a page that may hold the answer of a user: among them those that choose a language or another account.
pub(super) fn decisions(page: &Page) -> impl Iterator<Item = &Form> {
    page.forms.iter().filter(|form| form.method.eq_ignore_ascii_case("post") && !is_logout(form))
}

/// The form that gives an answer: the page's own, or where that has no button for a no, another that has.
#[must_use]
pub fn answering<'a>(page: &'a Page, form: &'a Form, hints: &LoginForm, approve: bool) -> &'a Form {
    if approve || button(form, hints, false).is_some() {
        return form;
    }
    decisions(page).find(|other| button(other, hints, false).is_some()).unwrap_or(form)
}

/// Whether a page asks for yes or no: on a form of its own, or on that of the login, where a button that denies stands beside
/// one that approves.
#[must_use]
pub fn asks_consent(page: &Page, hints: &LoginForm) -> bool {
    match asks(page, hints) {
        Asks::Consent(_) => true,
        Asks::Login(form) => decides(form, hints),
        Asks::Between(_) | Asks::Nothing => false,
    }
}

/// Values for a login form.
#[must_use]
pub fn login_values(form: &Form, hints: &LoginForm, username: &str, password: &str) -> Vec<(String, String)> {
    let mut values = Vec::new();
    let text = |kind: &str| matches!(kind, "text" | "email" | "tel" | "");
    let user = hints.username_field.clone().or_else(|| {
        let known =
            form.fields.iter().find(|f| text(&f.kind) && USER_FIELDS.contains(&f.name.to_ascii_lowercase().as_str()));
        known.or_else(|| form.fields.iter().find(|f| text(&f.kind))).map(|f| f.name.clone())
    });
    let secret = hints
        .password_field
        .clone()
        .or_else(|| form.fields.iter().find(|f| f.kind == "password").map(|f| f.name.clone()));
    values.extend(user.map(|name| (name, username.to_owned())));
    values.extend(secret.map(|name| (name, password.to_owned())));
    values.extend(required(form));
    values
}

/// The button that logs in.
#[must_use]
pub fn login_button<'a>(form: &'a Form, hints: &LoginForm) -> Option<&'a Button> {
    let hinted = |button: &&Button| {
        hints.submit.as_ref().is_some_and(|hint| words_of(button).iter().any(|word| word.eq_ignore_ascii_case(hint)))
    };
    form.buttons.iter().find(hinted).or_else(|| button(form, &LoginForm::default(), true))
}

/// The button that gives an answer; `None` if no button can be told to mean it.
#[must_use]
pub fn button<'a>(form: &'a Form, hints: &LoginForm, approve: bool) -> Option<&'a Button> {
    let hint = if approve { &hints.approve } else { &hints.deny };
    if let Some(hint) = hint {
        return form.buttons.iter().find(|b| words_of(b).iter().any(|w| w.eq_ignore_ascii_case(hint)));
    }
    if approve {
        let clear = form.buttons.iter().find(|b| says(b, YES) && !says(b, NO));
        clear.or_else(|| form.buttons.iter().find(|b| !says(b, NO)))
    } else {
        form.buttons.iter().find(|b| says(b, NO))
    }
}

/// The link that denies, on pages that deny by a link: one that leads to the client or says so in a word that means nothing else.
#[must_use]
pub fn deny_link<'a>(page: &'a Page, hints: &LoginForm, leads_to_client: &dyn Fn(&str) -> bool) -> Option<&'a str> {
    let says = |link: &&Link| match &hints.deny {
        Some(hint) => link.text.trim().eq_ignore_ascii_case(hint),
        None => NO.iter().any(|word| has_word(&link.text, word)),
    };
    // A way back and a "no" lead anywhere, on pages of all kinds.
    let is_clear = |link: &&Link| {
        hints.deny.is_some()
            || leads_to_client(&link.href)
            || NO.iter().filter(|word| !VAGUE.contains(word)).any(|word| has_word(&link.text, word))
    };
    page.links.iter().filter(says).find(is_clear).map(|link| link.href.as_str())
}

/// What is ticked on a form to approve it: what it is not sent without, and the scopes that are asked for, where none is
/// ticked by the page itself.
#[must_use]
pub fn ticks(form: &Form, scope: &str) -> Vec<(String, String)> {
    let is_scope = |text: &str| scope.split(' ').any(|word| !word.is_empty() && word == text);
    let means_scope = |name: &str| ["scope", "permission"].iter().any(|word| name.to_ascii_lowercase().contains(word));
    let boxes = form.fields.iter().filter(|field| field.kind == "checkbox" && !field.name.is_empty());
    let mut asked: Vec<_> = boxes.filter(|b| is_scope(&b.value) || is_scope(&b.name) || means_scope(&b.name)).collect();
    if asked.iter().any(|field| field.checked) {
        asked.clear();
    }
    let named = |name: &str| asked.iter().any(|field| field.name == name);
    let also: Vec<_> = required(form).into_iter().filter(|(name, _)| !named(name)).collect();
    asked.iter().map(|field| tick(field)).chain(also).collect()
}

/// The boxes without which a browser does not send a form, as for terms of use.
fn required(form: &Form) -> Vec<(String, String)> {
    let is_open =
        |field: &&Field| field.kind == "checkbox" && field.required && !field.checked && !field.name.is_empty();
    form.fields.iter().filter(is_open).map(tick).collect()
}

/// What a box is sent with (without a value: HTML, 4.10.5.4).
fn tick(field: &Field) -> (String, String) {
    (field.name.clone(), if field.value.is_empty() { "on".to_owned() } else { field.value.clone() })
}

/// The fields of all forms of a page, for the message that a page was not understood.
#[must_use]
pub fn describe(page: &Page) -> String {
    // Codes and states stand in the query.
    let place = page.url.split(['?', '#']).next().unwrap_or_default();
    if page.forms.is_empty() {
        return format!("page \"{}\" at {place} has no form.", page.title);
    }
    let forms = page.forms.iter().map(|form| {
        let fields: Vec<_> = form.fields.iter().map(|f| format!("{} ({})", f.name, f.kind)).collect();
        let buttons: Vec<_> = form.buttons.iter().map(|b| b.text.clone()).collect();
        format!("fields [{}], buttons [{}]", fields.join(", "), buttons.join(", "))
    });
    format!("page \"{}\" at {place}: {}.", page.title, forms.collect::<Vec<_>>().join("; "))
}

/// Whether a form is there to sign out: pages about a login have one, and it asks nothing.
pub(super) fn is_logout(form: &Form) -> bool {
    let only = form.buttons.len() == 1 && form.fields.iter().all(|f| f.kind == "hidden");
    let says = |text: &str| {
        let text = text.to_lowercase();
        ["sign out", "signout", "log out", "logout"].iter().any(|words| text.contains(words))
    };
    only && form.buttons.iter().any(|b| words_of(b).iter().any(|text| says(text)))
}

/// Whether a form has a field that a person would fill in, and that nobody has.
fn is_blank(form: &Form) -> bool {
    let typed = |kind: &str| matches!(kind, "" | "date" | "email" | "number" | "tel" | "text" | "textarea" | "url");
    form.fields.iter().any(|field| typed(&field.kind) && field.value.is_empty() && !field.name.is_empty())
}

/// Whether a button of a form says yes in a word that means it, or in that of the profile.
fn agrees(form: &Form, hints: &LoginForm) -> bool {
    button(form, hints, true).is_some_and(|b| hints.approve.is_some() || says(b, CONSENT))
}

/// Whether a form leaves the user a choice. `Continue` beside `Cancel` is that of a mere login as well.
fn decides(form: &Form, hints: &LoginForm) -> bool {
    agrees(form, hints) && button(form, hints, false).is_some()
}

/// Whether a button says yes, in whatever word.
pub(super) fn answers_yes(button: &Button) -> bool {
    says(button, YES)
}

/// Whether a button says no.
pub(super) fn answers_no(button: &Button) -> bool {
    says(button, NO)
}

fn says(button: &Button, words: &[&str]) -> bool {
    words_of(button).iter().any(|text| words.iter().any(|word| has_word(text, word)))
}

/// Whether a form asks for a password.
#[must_use]
pub fn has_password(form: &Form) -> bool {
    form.fields.iter().any(|f| f.kind == "password")
}

fn hinted(form: &Form, hints: &LoginForm) -> bool {
    hints.username_field.as_ref().is_some_and(|name| form.fields.iter().any(|f| f.name == *name))
}

/// The first page of a login that asks for the name alone.
fn is_name_only(form: &Form) -> bool {
    let visible: Vec<_> = form.fields.iter().filter(|f| matches!(f.kind.as_str(), "text" | "email")).collect();
    visible.len() == 1 && USER_FIELDS.contains(&visible[0].name.to_ascii_lowercase().as_str())
}

pub(super) fn words_of(button: &Button) -> [&str; 3] {
    [&button.text, &button.value, &button.name]
}

/// Whether a text has a word, at word boundaries.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'').any(|w| w.eq_ignore_ascii_case(word))
}

const USER_FIELDS: &[&str] =
    &["username", "user", "login", "email", "identifier", "loginfmt", "name", "account", "userid", "user_id"];
const YES: &[&str] = &[
    "approve",
    "allow",
    "accept",
    "authorize",
    "authorise",
    "agree",
    "yes",
    "continue",
    "grant",
    "confirm",
    "permit",
    "consent",
    "ok",
];
/// Those of [`YES`] that no page says that only wants to know who the user is.
const CONSENT: &[&str] =
    &["approve", "allow", "accept", "authorize", "authorise", "agree", "grant", "permit", "consent"];
/// Those of [`NO`] that links say for other reasons, too.
const VAGUE: &[&str] = &["no", "back", "abort"];
const NO: &[&str] = &["deny", "cancel", "reject", "decline", "refuse", "disallow", "no", "abort", "don't", "back"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone() {
        assert!(has_word("No, thanks", "no"));
        assert!(!has_word("note", "no"));
        assert!(has_word("[ Cancel ]", "cancel"));
    }

    #[test]
    fn a_form_that_wants_to_know_something_is_not_sent_empty() {
        let field = |name: &str| Field { name: name.to_owned(), kind: "text".to_owned(), ..Field::default() };
        let button = |text: &str| Button { text: text.to_owned(), kind: "submit".to_owned(), ..Button::default() };
        let mut page = Page::default();
        let mut asked = |button: Button| {
            let method = "post".to_owned();
            let fields = vec![field("tenant_code"), field("otp")];
            page.forms = vec![Form { method, fields, buttons: vec![button], ..Form::default() }];
            matches!(asks(&page, &LoginForm::default()), Asks::Consent(_))
        };
        assert!(!asked(button("Go")));
        assert!(asked(button("Allow access")), "a note beside the answer may stay empty");
    }

    #[test]
    fn a_login_that_leaves_the_choice_asks_for_consent() {
        let button = |text: &str| Button { text: text.to_owned(), kind: "submit".to_owned(), ..Button::default() };
        let form =
            |texts: &[&str]| Form { buttons: texts.iter().map(|text| button(text)).collect(), ..Form::default() };
        let hints = LoginForm::default();
        assert!(decides(&form(&["Approve", "Deny"]), &hints));
        assert!(decides(&form(&["Log in and allow access", "Cancel"]), &hints));
        assert!(!decides(&form(&["Log in and allow access"]), &hints), "no way to say no");
        assert!(!decides(&form(&["Continue", "Cancel"]), &hints));
        assert!(!decides(&form(&["Sign in", "Back"]), &hints));
    }

    fn page(forms: &[(&str, &str)]) -> Page {
        let form = |&(action, text): &(&str, &str)| Form {
            method: "post".to_owned(),
            action: action.to_owned(),
            buttons: vec![Button { text: text.to_owned(), ..Button::default() }],
            ..Form::default()
        };
        let mut page = Page::default();
        page.forms.extend(forms.iter().map(form));
        page
    }

    #[test]
    fn the_form_that_approves_is_found_among_others() {
        let hints = LoginForm::default();
        for forms in [
            [("/deny", "Deny"), ("/approve", "Authorize")],
            [("/language", "Go"), ("/approve", "Authorize")],
            [("/account", "Use another account"), ("/approve", "Allow")],
        ] {
            let page = page(&forms);
            let Asks::Consent(form) = asks(&page, &hints) else { panic!("no consent: {forms:?}") };
            assert!(form.action.ends_with("/approve"), "{forms:?}");
        }
    }

    #[test]
    fn a_form_of_its_own_denies() {
        let page = page(&[("/approve", "Authorize"), ("/deny", "Deny")]);
        let hints = LoginForm::default();
        let Asks::Consent(form) = asks(&page, &hints) else { panic!("no consent") };
        assert!(answering(&page, form, &hints, true).action.ends_with("/approve"));
        assert!(answering(&page, form, &hints, false).action.ends_with("/deny"));
    }

    #[test]
    fn scopes_are_ticked_where_the_page_ticks_none() {
        let tick = |name: &str, value: &str, checked: bool| Field {
            name: name.to_owned(),
            value: value.to_owned(),
            kind: "checkbox".to_owned(),
            checked,
            ..Field::default()
        };
        let ticked = |fields: Vec<Field>| ticks(&Form { fields, ..Form::default() }, "mcp:read mcp:write");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let remember = || tick("remember", "1", true);
        assert_eq!(ticked(vec![tick("scope", "mcp:read", false), remember()]), [pair("scope", "mcp:read")]);
        assert_eq!(ticked(vec![tick("mcp:read", "", false)]), [pair("mcp:read", "on")]);
        assert!(ticked(vec![tick("scope", "mcp:read", true), tick("scope", "mcp:write", false)]).is_empty());
        assert!(ticked(vec![tick("newsletter", "1", false)]).is_empty());
        let terms = Field { required: true, ..tick("terms", "yes", false) };
        assert_eq!(ticked(vec![tick("scope", "mcp:read", true), terms]), [pair("terms", "yes")]);
    }
}
