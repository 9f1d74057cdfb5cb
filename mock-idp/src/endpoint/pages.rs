//! Login and consent: the two forms, bound to the browser that brought the request.

use http::StatusCode;
use http::header::SET_COOKIE;
use serde_json::Map;

use super::authorize::{respond, respond_error};
use crate::client::redirect;
use crate::clock::seconds;
use crate::config::IssuerConfig;
use crate::error::OAuthError;
use crate::html::{error_page, escape, page};
use crate::issuer::Issuer;
use crate::params::Params;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::{AuthRequest, Code, Grant, Pending, Session};
use crate::{quirks, secret};

/// Answers a checked request at once, or asks the user.
pub(super) fn start(issuer: &Issuer, request: &Request, auth: AuthRequest) -> Reply {
    let config = issuer.config();
    if config.auto_approve {
        let hinted = auth.login_hint.as_deref().and_then(|name| config.user(name));
        return match hinted.or_else(|| config.users.first().cloned()) {
            Some(user) => approve(issuer, &auth, &user.username, issuer.now()),
            None => refuse(issuer, &auth, &OAuthError::access_denied("there is no user")),
        };
    }
    let asks = |word: &str| auth.prompt.iter().any(|asked| asked == word);
    let recent = |session: &Session| auth.max_age.is_none_or(|age| issuer.now() - session.auth_time <= age);
    let session = session(issuer, request).filter(|session| !asks("login") && recent(session));
    let allowed = session.as_ref().is_some_and(|session| remembers(&config, session, &auth));
    match session {
        Some(session) if allowed => approve(issuer, &auth, &session.user, session.auth_time),
        Some(_) if asks("none") => {
            refuse(issuer, &auth, &OAuthError::new("consent_required", "the user has to consent"))
        }
        None if asks("none") => refuse(issuer, &auth, &OAuthError::new("login_required", "the user has to log in")),
        session => {
            let known = request.cookie(&cookie_name(issuer)).map(str::to_owned);
            let browser = known.unwrap_or_else(secret::random);
            let id = secret::random_id();
            let expires = issuer.now() + PENDING_TTL;
            let login_due = session.is_none();
            let pending = Pending { browser: secret::s256(&browser), expires, login_due, request: auth };
            issuer.lock().pending.insert(id.clone(), pending.clone());
            let page = match session {
                Some(session) => ask_consent(issuer, &id, &pending.request, &session.user),
                None => ask_login(issuer, StatusCode::OK, &id, &pending.request, ""),
            };
            with_cookie(issuer, page, &browser)
        }
    }
}

/// `POST /login`.
pub(super) fn login(issuer: &Issuer, request: &Request) -> Reply {
    let Some((id, mut pending)) = pending(issuer, request, &request.form) else { return unknown_request() };
    let (username, password) = (request.form.text("username"), request.form.text("password"));
    let config = issuer.config();
    let user = config.user(username).filter(|user| secret::same(&user.password, password));
    let Some(user) = user else {
        return ask_login(issuer, StatusCode::FORBIDDEN, &id, &pending.request, "Username or password is wrong.");
    };
    // A new cookie with each login: one that somebody planted before stays without rights.
    let browser = secret::random();
    let old = std::mem::replace(&mut pending.browser, secret::s256(&browser));
    pending.login_due = false;
    let now = issuer.now();
    let mut state = issuer.lock();
    // Whoever logs in again in the same browser keeps what they allowed before.
    let before = state.sessions.remove(&old).filter(|session| session.user == user.username);
    let consents = before.map(|session| session.consents).unwrap_or_default();
    let session =
        Session { auth_time: now, consents, expires: now + seconds(config.session_ttl), user: user.username.clone() };
    state.sessions.insert(pending.browser.clone(), session.clone());
    // What waits in the browser's other tabs goes on under the new cookie.
    let same_browser = state.pending.values_mut().filter(|other| other.browser == old);
    same_browser.for_each(|other| other.browser.clone_from(&pending.browser));
    let done = remembers(&config, &session, &pending.request);
    if done {
        state.pending.remove(&id);
    } else {
        state.pending.insert(id.clone(), pending.clone());
    }
    drop(state);
    let next = match done {
        true => approve(issuer, &pending.request, &session.user, now),
        false => Reply::redirect(&format!("{}?request={id}", issuer.endpoint_url("consent"))),
    };
    with_cookie(issuer, next, &browser)
}

/// `GET /consent`.
pub(super) fn consent_page(issuer: &Issuer, request: &Request) -> Reply {
    match (pending(issuer, request, &request.query), session(issuer, request)) {
        (Some((id, pending)), Some(session)) if !pending.login_due => {
            ask_consent(issuer, &id, &pending.request, &session.user)
        }
        _ => unknown_request(),
    }
}

/// `POST /consent`.
pub(super) fn consent(issuer: &Issuer, request: &Request) -> Reply {
    let (Some((id, pending)), Some(session)) = (pending(issuer, request, &request.form), session(issuer, request))
    else {
        return unknown_request();
    };
    if pending.login_due {
        return unknown_request();
    }
    let allow = match request.form.get("decision") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return error_page(StatusCode::BAD_REQUEST, "invalid_request", "The decision is neither allow nor deny."),
    };
    let mut state = issuer.lock();
    if state.pending.remove(&id).is_none() {
        return unknown_request();
    }
    if allow
        && let Some(session) = state.sessions.get_mut(&pending.browser)
        && session.consents.len() < MAX_CONSENTS
    {
        session.consents.insert(consent_key(&pending.request));
    }
    drop(state);
    match allow {
        true => approve(issuer, &pending.request, &session.user, session.auth_time),
        false => refuse(issuer, &pending.request, &OAuthError::access_denied("the user refused")),
    }
}

/// Whether the user need not be asked again: the same was allowed before in this browser.
fn remembers(config: &IssuerConfig, session: &Session, auth: &AuthRequest) -> bool {
    let asks = auth.prompt.iter().any(|word| word == "consent");
    config.remember_consent && !asks && session.consents.contains(&consent_key(auth))
}

/// The login of the browser that sent a request.
fn session(issuer: &Issuer, request: &Request) -> Option<Session> {
    let key = secret::s256(request.cookie(&cookie_name(issuer))?);
    let session = issuer.lock().sessions.get(&key).cloned()?;
    (session.expires > issuer.now()).then_some(session)
}

fn approve(issuer: &Issuer, auth: &AuthRequest, user: &str, auth_time: i64) -> Reply {
    let code = issue_code(issuer, auth, user, auth_time);
    respond(issuer, &auth.asked, &auth.redirect_uri, &[("code", &code)], || Some(other_code(issuer, auth, user)))
}

fn issue_code(issuer: &Issuer, auth: &AuthRequest, user: &str, auth_time: i64) -> String {
    let code = secret::random();
    let grant = Grant {
        id: secret::random_id(),
        auth_time: Some(auth_time),
        claims: Map::new(),
        client_id: auth.client.id.clone(),
        nonce: auth.nonce.clone(),
        resources: auth.resources.clone(),
        scope: auth.scope.clone(),
        user: Some(user.to_owned()),
    };
    quirks::remember(issuer, &grant, &auth.asked);
    let expires = issuer.now() + seconds(issuer.config().code_ttl);
    let redirect_uri = auth.redirect_given.then(|| auth.redirect_uri.clone());
    let (challenge, dpop_jkt) = (auth.challenge.clone(), auth.dpop_jkt.clone());
    let entry = Code { challenge, dpop_jkt, expires, grant, redirect_uri, used: false };
    issuer.lock().codes.insert(secret::s256(&code), entry);
    code
}

/// A good code of a transaction that somebody else began with the same client.
fn other_code(issuer: &Issuer, auth: &AuthRequest, user: &str) -> String {
    let users = &issuer.config().users;
    let other = users.iter().map(|other| other.username.as_str()).find(|other| *other != user).unwrap_or("mallory");
    let challenge = auth.challenge.as_ref().map(|_| secret::s256(&secret::random()));
    let nonce = auth.nonce.as_ref().map(|_| secret::random_id());
    issue_code(issuer, &AuthRequest { challenge, nonce, ..auth.clone() }, other, issuer.now())
}

fn refuse(issuer: &Issuer, auth: &AuthRequest, error: &OAuthError) -> Reply {
    respond_error(issuer, &auth.asked, &auth.redirect_uri, error)
}

/// The waiting request that a form or link names, if this browser brought it.
fn pending(issuer: &Issuer, request: &Request, params: &Params) -> Option<(String, Pending)> {
    let browser = secret::s256(request.cookie(&cookie_name(issuer))?);
    let id = params.get("request")?;
    let pending = issuer.lock().pending.get(id).cloned()?;
    let alive = pending.expires > issuer.now() && secret::same(&pending.browser, &browser);
    alive.then(|| (id.to_owned(), pending))
}

fn unknown_request() -> Reply {
    error_page(StatusCode::BAD_REQUEST, "invalid_request", "No request of this browser waits for an answer.")
}

fn ask_login(issuer: &Issuer, status: StatusCode, id: &str, auth: &AuthRequest, problem: &str) -> Reply {
    let body = format!(
        "<p role=\"alert\">{problem}</p>\n<form method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"request\" value=\"{id}\">\n\
         <label>Username <input name=\"username\" autocomplete=\"username\" value=\"{}\"></label>\n\
         <label>Password <input type=\"password\" name=\"password\" autocomplete=\"current-password\"></label>\n\
         <button type=\"submit\">Log in</button>\n</form>",
        escape(&issuer.endpoint_url("login")),
        escape(auth.login_hint.as_deref().unwrap_or_default()),
    );
    page(status, "Log in", &body)
}

fn ask_consent(issuer: &Issuer, id: &str, auth: &AuthRequest, user: &str) -> Reply {
    let rows = [
        ("Application", auth.client.display_name().to_owned()),
        ("Answer goes to", redirect::shown_host(&auth.redirect_uri)),
        ("Scope", auth.scope.clone()),
        ("Resource", auth.resources.join(" ")),
        ("Logged in as", user.to_owned()),
    ];
    let rows: String =
        rows.iter().map(|(name, value)| format!("<tr><th>{name}</th><td>{}</td></tr>\n", escape(value))).collect();
    let body = format!(
        "<table>\n{rows}</table>\n<form method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"request\" value=\"{}\">\n\
         <button type=\"submit\" name=\"decision\" value=\"allow\">Allow</button>\n\
         <button type=\"submit\" name=\"decision\" value=\"deny\">Deny</button>\n</form>",
        escape(&issuer.endpoint_url("consent")),
        escape(id),
    );
    page(StatusCode::OK, "Allow access?", &body)
}

fn consent_key(auth: &AuthRequest) -> String {
    format!("{}\n{}\n{}\n{}", auth.client.id, auth.redirect_uri, auth.scope, auth.resources.join(" "))
}

/// Cookies know no ports: the name tells issuers and servers on one host apart.
fn cookie_name(issuer: &Issuer) -> String {
    format!("mock_idp_{}", &secret::s256(&issuer.url())[..8])
}

fn with_cookie(issuer: &Issuer, reply: Reply, browser: &str) -> Reply {
    let secure = if issuer.url().starts_with("https:") { "; Secure" } else { "" };
    reply.header(SET_COOKIE, &format!("{}={browser}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(issuer)))
}

/// How long a user may take, in seconds.
const PENDING_TTL: i64 = 600;
/// What a browser's session remembers to be allowed.
const MAX_CONSENTS: usize = 100;
