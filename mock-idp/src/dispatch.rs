//! The way of every request: read, noted, scripted or answered, sent.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_LENGTH,
};
use http::{HeaderMap, Method, StatusCode};

use crate::authorize;
use crate::control;
use crate::endpoint;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::journal::Received;
use crate::listener::Fuse;
use crate::reply::Reply;
use crate::request::Request;
use crate::route::{self, Route};
use crate::script::{Answer, AnswerBody, Endpoint};
use crate::server::Shared;

/// Answers one request.
pub(crate) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(fuse): ConnectInfo<Fuse>,
    request: axum::extract::Request,
) -> Response {
    fuse.mend();
    let request = match read(request).await {
        Ok(request) => request,
        Err(status) => return plain(refusal(status)),
    };
    match route::resolve(&request.path) {
        Route::Control(command) if shared.control => plain(control::handle(&shared, command, request.clone()).await),
        Route::Endpoint { issuer, endpoint } => match shared.requested(issuer) {
            Some(issuer) => serve(&shared, &issuer, endpoint, &request, &fuse).await,
            None => plain(refusal(StatusCode::SERVICE_UNAVAILABLE)),
        },
        Route::Control(_) | Route::Nowhere => plain(refusal(StatusCode::NOT_FOUND)),
    }
}

async fn read(request: axum::extract::Request) -> Result<Request, StatusCode> {
    let (parts, body) = request.into_parts();
    if parts.uri.path_and_query().is_some_and(|url| url.as_str().len() > MAX_URL) {
        return Err(StatusCode::URI_TOO_LONG);
    }
    match tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => Ok(Request::new(parts, body)),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

async fn serve(shared: &Shared, issuer: &Issuer, at: Endpoint, request: &Request, fuse: &Fuse) -> Response {
    let seq = shared.seq.fetch_add(1, Ordering::SeqCst) + 1;
    let received = Received::new(request, issuer.name(), at, seq, shared.clock.now_ms());
    issuer.lock().journal.push(received);
    shared.heard.send_replace(seq);

    let mut script = if request.method == Method::OPTIONS { None } else { issuer.lock().scripts.take(at, request) };
    let mut reply = match &script {
        None => honest(issuer, at, request),
        Some(answer) => scripted(shared, issuer, at, request, answer).await,
    };
    if reply.authorization_response {
        let next = issuer.lock().scripts.take(Endpoint::AuthorizationResponse, request);
        if let Some(answer) = next {
            reply = at_the_response(shared, &answer, reply).await;
            script = Some(answer);
        }
    }
    if route::cross_origin(at) {
        reply = reply.header(ACCESS_CONTROL_ALLOW_ORIGIN, "*").header(ACCESS_CONTROL_EXPOSE_HEADERS, "WWW-Authenticate");
    }
    send(issuer, seq, reply, script.as_ref(), fuse)
}

/// The answer of an endpoint that nobody tampers with.
fn honest(issuer: &Issuer, at: Endpoint, request: &Request) -> Reply {
    let methods = route::methods(at);
    let asked = if request.method == Method::HEAD { &Method::GET } else { &request.method };
    if methods.contains(asked) {
        return endpoint::call(issuer, at, request);
    }
    let names = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    if request.method == Method::OPTIONS && route::cross_origin(at) {
        return Reply::empty(StatusCode::NO_CONTENT)
            .header(ACCESS_CONTROL_ALLOW_METHODS, &names)
            .header(ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, MCP-Protocol-Version, *")
            .header(ACCESS_CONTROL_MAX_AGE, "600");
    }
    refusal(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, &names)
}

async fn scripted(shared: &Shared, issuer: &Issuer, at: Endpoint, request: &Request, answer: &Answer) -> Reply {
    pause(shared, answer.delay_ms).await;
    // An error of the authorization endpoint travels to the client, with state and iss, like an honest one.
    let redirected = match (at, answer.oauth_error()) {
        (Endpoint::Authorize, Some(error)) if answer.status.is_none() && answer.body.is_none() => {
            Some(authorize::refuse(issuer, request, &error))
        }
        _ => None,
    };
    let reply = redirected.or_else(|| answer.replacement()).unwrap_or_else(|| honest(issuer, at, request));
    answer.alter(reply)
}

/// What a script does to the redirect itself.
async fn at_the_response(shared: &Shared, answer: &Answer, reply: Reply) -> Reply {
    pause(shared, answer.delay_ms).await;
    if answer.status.is_some() || answer.body.is_some() {
        return answer.replacement().map_or(reply, |other| answer.alter(other));
    }
    match &answer.error {
        None => answer.alter(reply),
        Some(code) => {
            let mut answer = answer.clone().and_query("error", Some(code)).and_query("code", None);
            answer.query.insert("error_description".to_owned(), answer.error_description.clone());
            answer.alter(reply)
        }
    }
}

/// Waits, but not longer than the server lives.
async fn pause(shared: &Shared, delay_ms: u64) {
    if delay_ms == 0 {
        return;
    }
    let mut stopped = shared.stopped.clone();
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(delay_ms)) => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

fn send(issuer: &Issuer, seq: u64, reply: Reply, answer: Option<&Answer>, fuse: &Fuse) -> Response {
    let cut_after = answer.and_then(|answer| answer.cut_after);
    if cut_after != Some(0) {
        issuer.lock().journal.answered(seq, reply.status.as_u16());
    }
    if let Some(bytes) = cut_after {
        fuse.burn_after(bytes);
    }
    let drip = Duration::from_millis(answer.map_or(0, |answer| answer.drip_ms));
    let endless = matches!(answer, Some(Answer { body: Some(AnswerBody::Endless(_)), .. }));
    let body = reply.body.clone();
    let body = match (endless, drip.is_zero()) {
        (false, true) => Body::from(body),
        (true, _) => pieces(issuer, body.clone(), drip, move |_| Some(body.clone())),
        (false, false) => pieces(issuer, body, drip, |rest| (!rest.is_empty()).then(|| rest.split_to(1))),
    };
    respond(reply, body)
}

/// A body in pieces with pauses, until `next` has no more or the server stops.
fn pieces(
    issuer: &Issuer,
    body: Bytes,
    pause: Duration,
    next: impl Fn(&mut Bytes) -> Option<Bytes> + Clone + Send + 'static,
) -> Body {
    let stopped = issuer.shared.stopped.clone();
    Body::from_stream(stream::unfold((body, stopped), move |(mut rest, stopped)| {
        let next = next.clone();
        async move {
            tokio::time::sleep(pause).await;
            let piece = next(&mut rest).filter(|_| !*stopped.borrow())?;
            Some((Ok::<Bytes, Infallible>(piece), (rest, stopped)))
        }
    }))
}

fn plain(reply: Reply) -> Response {
    let body = Body::from(reply.body.clone());
    respond(reply, body)
}

fn respond(reply: Reply, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = without_length(reply.headers);
    response
}

/// A scripted length would make the connection unusable or panic in the HTTP layer: `cut_after` is the way to lie about it.
fn without_length(mut headers: HeaderMap) -> HeaderMap {
    headers.remove(CONTENT_LENGTH);
    headers
}

fn refusal(status: StatusCode) -> Reply {
    let description = status.canonical_reason().unwrap_or("refused");
    OAuthError { status, ..OAuthError::invalid_request(description) }.reply()
}

/// How long a request's body may take.
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 64 * 1024;
const MAX_URL: usize = 16 * 1024;
