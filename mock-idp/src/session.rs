//! Browsers: the login cookie, the transaction between the pages, and proof that a form was really ours.

use http::header::{HOST, ORIGIN, SET_COOKIE};
use url::Url;

use crate::authorize::AuthorizationRequest;
use crate::html;
use crate::issuer::Issuer;
use crate::mint::seconds;
use crate::reply::Reply;
use crate::request::Request;
use crate::secret;
use crate::state::{Login, Session, Transaction};

/// The session of a request, if its cookie is one of ours.
pub(crate) fn of(issuer: &Issuer, request: &Request) -> Option<Session> {
    let value = request.cookie(&cookie_name(issuer))?;
    let now = issuer.now();
    issuer.lock().sessions.get(value).filter(|session| session.expires > now).cloned()
}

/// Opens a transaction in the browser's session, starting one if need be. Gives the transaction's id and the cookie to set.
pub(crate) fn begin(issuer: &Issuer, request: &Request, asked: AuthorizationRequest) -> (String, Option<String>) {
    let (session, cookie) = match of(issuer, request) {
        Some(session) => (session.name, None),
        None => {
            let session = Session { name: secret::random_id(), login: None, expires: expiry(issuer), consents: Vec::new() };
            let name = session.name.clone();
            (name, Some(store(issuer, session)))
        }
    };
    let id = secret::random();
    let expires = issuer.now() + TRANSACTION_TTL;
    let transaction = Transaction { asked, session, csrf: secret::random(), expires, shown_to: None };
    issuer.lock().transactions.insert(&id, transaction);
    (id, cookie)
}

/// The transaction a page is about, and the session it belongs to.
///
/// # Errors
/// A page to show instead: unknown, over, or of another browser.
pub(crate) fn resume(issuer: &Issuer, request: &Request, id: &str) -> Result<(Transaction, Session), Reply> {
    let session = of(issuer, request).ok_or_else(|| lost("this browser has no session here; cookies may be off"))?;
    let now = issuer.now();
    let transaction = issuer.lock().transactions.get(id).filter(|one| one.expires > now).cloned();
    let transaction = transaction.ok_or_else(|| lost("this request is finished or too old; start again"))?;
    if transaction.session != session.name {
        return Err(lost("this request was started in another browser"));
    }
    Ok((transaction, session))
}

/// [`resume`] for a form post: the form's token and its origin have to be right as well.
///
/// # Errors
/// A page to show instead.
pub(crate) fn resume_form(issuer: &Issuer, request: &Request) -> Result<(String, Transaction, Session), Reply> {
    if request.form.any_repeats() {
        return Err(html::error_page(http::StatusCode::BAD_REQUEST, "invalid_request", "A form field came twice."));
    }
    let id = request.form.text("tx");
    let (transaction, session) = resume(issuer, request, id)?;
    if !same_origin(issuer, request) || !secret::same(&transaction.csrf, request.form.text("csrf")) {
        return Err(html::error_page(http::StatusCode::FORBIDDEN, "csrf", "The form did not come from this site's page."));
    }
    Ok((id.to_owned(), transaction, session))
}

/// Logs a user in under a new cookie: one that was planted before is worthless afterwards.
pub(crate) fn log_in(issuer: &Issuer, request: &Request, session: Session, username: &str) -> String {
    if let Some(old) = request.cookie(&cookie_name(issuer)) {
        issuer.lock().sessions.remove(old);
    }
    let login = Login { username: username.to_owned(), auth_time: issuer.now() };
    let same_user = session.login.as_ref().is_some_and(|old| old.username == username);
    let consents = if same_user { session.consents } else { Vec::new() };
    store(issuer, Session { login: Some(login), expires: expiry(issuer), consents, ..session })
}

/// Remembers a consent in the browser's session.
pub(crate) fn remember(issuer: &Issuer, request: &Request, consent: String) {
    if let Some(value) = request.cookie(&cookie_name(issuer))
        && let Some(session) = issuer.lock().sessions.get_mut(value)
        && session.consents.len() < MAX_CONSENTS
    {
        session.consents.push(consent);
    }
}

/// Adds `Set-Cookie` when there is one to set.
pub(crate) fn with_cookie(reply: Reply, cookie: Option<String>) -> Reply {
    match cookie {
        None => reply,
        Some(cookie) => reply.header(SET_COOKIE, &cookie),
    }
}

/// Browsers send `Origin: null` here, because our pages have `Referrer-Policy: no-referrer`; the token is what counts.
fn same_origin(issuer: &Issuer, request: &Request) -> bool {
    let Some(origin) = request.headers.get(ORIGIN).and_then(|value| value.to_str().ok()) else { return true };
    let host = request.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let own = Url::parse(&issuer.shared.base_url).map(|url| url.origin().ascii_serialization());
    origin == "null" || own.is_ok_and(|own| own == origin) || origin == format!("http://{host}")
}

fn store(issuer: &Issuer, session: Session) -> String {
    let value = secret::random();
    let base = issuer.base();
    let path = Url::parse(&base).map_or_else(|_| "/".to_owned(), |url| url.path().to_owned());
    let secure = if base.starts_with("https:") { "; Secure" } else { "" };
    issuer.lock().sessions.insert(&value, session);
    format!("{}={value}; Path={path}; HttpOnly; SameSite=Lax{secure}", cookie_name(issuer))
}

/// One name for each issuer: the root issuer's cookie is sent to all of them.
fn cookie_name(issuer: &Issuer) -> String {
    format!("idp_{}", &secret::s256(issuer.name())[..8])
}

fn expiry(issuer: &Issuer) -> i64 {
    issuer.now() + seconds(issuer.config().session_ttl)
}

fn lost(why: &str) -> Reply {
    html::error_page(http::StatusCode::BAD_REQUEST, "invalid_request", why)
}

/// Seconds.
const TRANSACTION_TTL: i64 = 600;
const MAX_CONSENTS: usize = 100;
