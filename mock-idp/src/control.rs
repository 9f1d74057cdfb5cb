//! The control API: what the library's handles do, as JSON over HTTP, for tests in other languages. Off by default.

use std::time::Duration;

use http::header::ORIGIN;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::issuer::Issuer;
use crate::jose::{merge, object};
use crate::keys::{Alg, Former};
use crate::mint::TokenSpec;
use crate::personality::Personality;
use crate::reply::Reply;
use crate::request::Request;
use crate::script::{Answer, Endpoint};
use crate::server::Shared;

/// Answers `/.control/COMMAND?issuer=NAME`; without `issuer` the root issuer is meant.
pub(crate) fn handle(shared: &Shared, command: &str, request: &Request) -> Reply {
    // A page in the developer's browser must not rule the provider: it cannot send JSON to another site unasked, and what
    // it sends has an Origin.
    if request.headers.contains_key(ORIGIN) {
        return failed(StatusCode::FORBIDDEN, "the control API does not answer web pages");
    }
    let body = match (&request.method, request.is_of_type("application/json")) {
        (&Method::GET, _) => Map::new(),
        (&Method::POST, true) => match serde_json::from_slice(&request.body) {
            Ok(body) => body,
            Err(error) => return failed(StatusCode::BAD_REQUEST, &format!("the body is no JSON object: {error}")),
        },
        (&Method::POST, false) => {
            return failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body has to be application/json");
        }
        _ => return failed(StatusCode::METHOD_NOT_ALLOWED, "GET reads, POST changes"),
    };
    let Some(issuer) = shared.requested(request.query.text("issuer")) else {
        return failed(StatusCode::SERVICE_UNAVAILABLE, "there are too many issuers");
    };
    let done = match (&request.method, command) {
        (&Method::GET, "journal") => journal(&issuer, request.query.get("endpoint")),
        (&Method::POST, "clock") => clock(&issuer, &body),
        (&Method::POST, "configure") => configure(&issuer, &body),
        (&Method::POST, "forget") => forget(&issuer),
        (&Method::POST, "mint") => mint(&issuer, body),
        (&Method::POST, "personality") => personality(&issuer, &body),
        (&Method::POST, "publish") => publish(&issuer, body),
        (&Method::POST, "publish-alg") => publish_alg(&issuer, &body),
        (&Method::POST, "rotate") => rotate(&issuer, &body),
        (&Method::POST, "script") => script(&issuer, body),
        _ => return failed(StatusCode::NOT_FOUND, COMMANDS),
    };
    done.map_or_else(|why| failed(StatusCode::BAD_REQUEST, &why), |body| Reply::json(StatusCode::OK, &body))
}

/// `GET journal[?endpoint=NAME]`.
fn journal(issuer: &Issuer, endpoint: Option<&str>) -> Result<Value, String> {
    let received = match endpoint {
        None => issuer.journal(),
        Some(name) => issuer.journal_of(Endpoint::parse(name)?),
    };
    Ok(received.iter().map(|received| received.to_json()).collect())
}

/// `POST clock`: `{"advance": SECONDS}` (negative: back), `{"set": SECONDS}` since the epoch, `{"reset": true}`.
fn clock(issuer: &Issuer, body: &Map<String, Value>) -> Result<Value, String> {
    let clock = issuer.clock();
    let number = |name: &str| body.get(name).and_then(Value::as_i64);
    match (number("advance"), number("set"), body.get("reset")) {
        (Some(by), None, None) if by >= 0 => clock.advance(Duration::from_secs(by.unsigned_abs())),
        (Some(by), None, None) => clock.rewind(Duration::from_secs(by.unsigned_abs())),
        (None, Some(now), None) => clock.set(now),
        (None, None, Some(Value::Bool(true))) => clock.reset(),
        _ => return Err("one of `advance` (seconds), `set` (seconds since the epoch), `reset` (true)".to_owned()),
    }
    Ok(json!({ "now": clock.now() }))
}

/// `POST configure`: JSON Merge Patch over the settings; gives them all.
fn configure(issuer: &Issuer, body: &Map<String, Value>) -> Result<Value, String> {
    let text = |error: serde_json::Error| error.to_string();
    let mut settings = object(serde_json::to_value(&*issuer.config()).map_err(text)?);
    merge(&mut settings, body);
    let changed = serde_json::from_value(settings.clone().into()).map_err(text)?;
    issuer.configure(|config| *config = changed);
    Ok(settings.into())
}

/// `POST forget`: empties the journal and clears the scripts.
fn forget(issuer: &Issuer) -> Result<Value, String> {
    issuer.forget();
    issuer.clear_scripts();
    Ok(json!({}))
}

/// `POST mint`: the members of [`TokenSpec`], with hyphens.
fn mint(issuer: &Issuer, body: Map<String, Value>) -> Result<Value, String> {
    let spec: TokenSpec = serde_json::from_value(body.into()).map_err(|error| error.to_string())?;
    Ok(json!({ "token": issuer.mint(spec) }))
}

/// `POST personality`: `{"name": NAME}` puts the habits of a provider over the settings; gives its name and title.
fn personality(issuer: &Issuer, body: &Map<String, Value>) -> Result<Value, String> {
    let found = Personality::find(body.get("name").and_then(Value::as_str).ok_or("`name` is missing")?)?;
    issuer.personality(found);
    Ok(json!({ "name": found.name, "title": found.title }))
}

/// `POST publish`: a JWK to stand before the good ones.
fn publish(issuer: &Issuer, body: Map<String, Value>) -> Result<Value, String> {
    issuer.publish_extra(body.into());
    Ok(issuer.jwks())
}

/// `POST publish-alg`: `{"alg": NAME}` publishes a key that suits the algorithm, unless there is one.
fn publish_alg(issuer: &Issuer, body: &Map<String, Value>) -> Result<Value, String> {
    let name = body.get("alg").and_then(Value::as_str).ok_or("`alg` is missing")?;
    let alg = Alg::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Alg::ALL.iter().map(|alg| alg.name()).collect();
        format!("{name} is not known here: there are {}", known.join(", "))
    })?;
    Ok(json!({ "kid": issuer.publish_alg(alg) }))
}

/// `POST rotate`: `{"withdraw": true}` takes the former key out of the key set.
fn rotate(issuer: &Issuer, body: &Map<String, Value>) -> Result<Value, String> {
    let former = match body.get("withdraw") {
        None | Some(Value::Bool(false)) => Former::Kept,
        Some(Value::Bool(true)) => Former::Withdrawn,
        Some(other) => return Err(format!("`withdraw` is true or false, not {other}")),
    };
    Ok(json!({ "kid": issuer.rotate_keys(former) }))
}

/// `POST script`: `{"endpoint": NAME, ...}` with the keys of [`Answer::from_json`].
fn script(issuer: &Issuer, mut body: Map<String, Value>) -> Result<Value, String> {
    let name = body.shift_remove("endpoint").ok_or("`endpoint` is missing")?;
    let endpoint = Endpoint::parse(name.as_str().ok_or("`endpoint` is a text")?)?;
    let answer = Answer::from_json(&body.into())?;
    answer.fits(endpoint)?;
    issuer.script(endpoint, answer);
    Ok(json!({ "waiting": issuer.scripts_left() }))
}

fn failed(status: StatusCode, why: &str) -> Reply {
    Reply::json(status, &json!({ "error": why }))
}

const COMMANDS: &str = "there are GET journal, POST clock, configure, forget, mint, personality, publish, publish-alg, rotate, \
     script";
