//! The way of every request: read, noted, scripted or answered, sent.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CONNECTION, CONTENT_LENGTH, LOCATION,
};
use http::{Method, StatusCode};

use crate::connection::Budget;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::journal::Entry;
use crate::reply::Reply;
use crate::request::Request;
use crate::route::{self, Route};
use crate::script::{Answer, Endpoint};
use crate::server::Shared;
use crate::{control, endpoint, html, quirks};

/// Answers one request.
pub(crate) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(budget): ConnectInfo<Budget>,
    request: axum::extract::Request,
) -> Response {
    let request = match read(request).await {
        Ok(request) => request,
        Err(status) => return respond(refusal(status)),
    };
    match route::resolve(request.path()) {
        Route::Control(command) if shared.control => respond(control::handle(&shared, command, &request)),
        Route::Home if request.is_get() => respond(html::home(&shared.base_url)),
        Route::Control(_) | Route::Home => respond(refusal(StatusCode::NOT_FOUND)),
        route => match shared.addressed(request.path(), &route) {
            Ok((issuer, endpoint)) => serve(&shared, &issuer, endpoint, &request, &budget).await,
            Err(status) => respond(refusal(status)),
        },
    }
}

async fn read(request: axum::extract::Request) -> Result<Request, StatusCode> {
    let (parts, body) = request.into_parts();
    if parts.uri.path_and_query().is_some_and(|url| url.as_str().len() > MAX_URL) {
        return Err(StatusCode::URI_TOO_LONG);
    }
    match tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => Ok(Request::new(parts.method, parts.uri, parts.headers, body)),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

async fn serve(shared: &Shared, issuer: &Issuer, at: Endpoint, request: &Request, budget: &Budget) -> Response {
    if request.method == Method::OPTIONS && endpoint::cross_origin(at) {
        return respond(preflight(at));
    }
    let entry = Entry::new(request, at);
    let ((seq, forgotten), script) = {
        let mut state = issuer.lock();
        (state.journal.push(entry), state.scripts.take(at, [&request.query, &request.form]))
    };
    drop(forgotten);
    let mut reply = match &script {
        None => endpoint::honest(issuer, at, request, &Answer::default()),
        Some(script) => scripted(shared, issuer, at, request, script).await,
    };
    if endpoint::cross_origin(at) {
        reply = reply
            .fixed(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .fixed(ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate, DPoP-Nonce");
    }
    let cut_after = script.as_ref().and_then(|script| script.cut_after);
    if let Some(bytes) = cut_after {
        budget.limit(bytes);
        // What a shorter answer leaves of the budget must not cut the next one.
        reply = reply.fixed(CONNECTION, "close");
    }
    let status = reply.status.as_u16();
    // After everything else, so that a script has the last word on every header.
    let mut reply = script.iter().fold(reply, |reply, script| script.alter(reply));
    if cut_after != Some(0) {
        let location = reply.headers.get(LOCATION).filter(|_| at == Endpoint::Authorize);
        let kept = match location {
            Some(location) => Bytes::copy_from_slice(location.as_bytes()),
            None if at == Endpoint::Token || status >= 400 => reply.body.clone(),
            None => Bytes::new(),
        };
        issuer.lock().journal.answered(seq, status, kept);
    }
    // A scripted status stays what it is.
    if at == Endpoint::Token && script.as_ref().is_none_or(|script| script.status.is_none()) {
        reply = quirks::encode(&issuer.config().quirks, request, reply);
    }
    respond(reply)
}

async fn scripted(shared: &Shared, issuer: &Issuer, at: Endpoint, request: &Request, script: &Answer) -> Reply {
    if !script.delay.is_zero() && !issuer.passes(script.delay) {
        pause(shared, script.delay).await;
    }
    endpoint::scripted(issuer, at, request, script).unwrap_or_else(|| endpoint::honest(issuer, at, request, script))
}

/// Waits, but not longer than the provider lives.
async fn pause(shared: &Shared, delay: Duration) {
    let mut stopped = shared.stopped.clone();
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

/// What a browser asks before a script of another site may call (CORS).
fn preflight(at: Endpoint) -> Reply {
    let methods = endpoint::methods(at).iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    Reply::empty(StatusCode::NO_CONTENT)
        .fixed(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(ACCESS_CONTROL_ALLOW_METHODS, &methods)
        .fixed(ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, MCP-Protocol-Version, *")
        .fixed(ACCESS_CONTROL_MAX_AGE, "600")
}

fn respond(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    // A scripted length would make the connection unusable: `cut-after` is the way to lie about it.
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

fn refusal(status: StatusCode) -> Reply {
    let description = status.canonical_reason().unwrap_or("refused");
    OAuthError { status, ..OAuthError::invalid_request(description) }.reply()
}

/// How long a request's body may take.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 64 * 1024;
const MAX_URL: usize = 16 * 1024;
