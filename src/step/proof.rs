//! `dpop` of `token`, `exchange`, `call`, `fetch` and a push: a proof for the request (RFC 9449), honest or changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::args::Args;
use super::context::Context;
use super::world::World;
use crate::oauth::dpop::{self, Key, Signing};
use crate::oauth::{challenge, pkce};
use crate::transcript::{Outcome, Request, Response};

/// Keys of a case by name, and the nonces that servers have given it.
#[derive(Default)]
pub struct Ring {
    keys: Mutex<HashMap<String, Arc<Key>>>,
    /// By origin (RFC 9449 section 8.2).
    nonces: Mutex<HashMap<String, String>>,
}

impl Clone for Ring {
    fn clone(&self) -> Ring {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ring { keys: Mutex::new(keys), nonces: Mutex::new(nonces) }
    }
}

impl Ring {
    fn nonce(&self, origin: &str) -> Option<String> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned()
    }

    fn learn(&self, origin: &str, nonce: &str) {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner).insert(origin.to_owned(), nonce.to_owned());
    }

    /// The key of a name and algorithm, made when it is first asked for.
    fn key(&self, name: &str, alg: &str) -> Result<Arc<Key>, String> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&format!("{name} {alg}")) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(Key::fresh(alg, keys.len())?);
        keys.insert(format!("{name} {alg}"), Arc::clone(&key));
        Ok(key)
    }
}

/// The thumbprint of a key of the case.
///
/// # Errors
/// If no key can be made.
pub fn thumbprint(context: &Context, name: &str) -> Result<String, String> {
    Ok(context.ring.key(name, algorithm(&context.world))?.thumbprint())
}

/// The proof that a request is to carry: the one that its step asks for, or else a plain one where it `proves` unasked.
pub fn wanted<'a>(args: Args<'a>, proves: impl FnOnce() -> bool) -> Option<&'a Value> {
    static PLAIN: Value = Value::Bool(true);
    args.get("dpop").or_else(|| proves().then_some(&PLAIN))
}

/// Whether a step asks for a proof.
pub fn is_asked(change: Option<&Value>) -> bool {
    change.is_some_and(|change| change != &Value::Bool(false))
}

/// Sends a request with the proof that the step asks for; `token` is the access token that it carries. A server that
/// demands a nonce is answered once, as a client must (RFC 9449 section 8), by a request made anew: an assertion may be good for
/// one only. Beside the outcome: the facts `dpop`.
///
/// # Errors
/// If the proof cannot be made, or the request.
pub async fn send(
    context: &mut Context,
    by: &str,
    change: Option<&Value>,
    token: Option<&str>,
    mut request: impl FnMut(&mut Context) -> Result<Request, String>,
) -> Result<(Outcome, Value), String> {
    let first = request(context)?;
    if !is_asked(change) {
        return Ok((context.wire.send(by, first).await.outcome, Value::Null));
    }
    let table = change.and_then(Value::as_object).cloned().unwrap_or_default();
    let change = Args::new(&table);
    let origin = origin(&first.url);
    let (first, mut facts) = attach(context, first, change, token)?;
    let mut outcome = context.wire.send(by, first).await.outcome;
    let mut asked = note(context, &origin, &outcome);
    facts["nonce-demanded"] = json!(asked);
    if asked && is_honest(&table) {
        let (again, fresh) = {
            let request = request(context)?;
            attach(context, request, change, token)?
        };
        outcome = context.wire.send(by, again).await.outcome;
        asked = note(context, &origin, &outcome);
        facts["proof"] = fresh["proof"].clone();
        facts["nonce-refused"] = json!(asked);
    }
    // An answer without one lets the last one stand (RFC 9449 section 8.2).
    facts["nonce"] = json!(context.ring.nonce(&origin));
    Ok((outcome, facts))
}

/// The request with its proof, ready to be sent any number of times, and the facts about the proof.
///
/// # Errors
/// If the proof cannot be made.
pub fn attach(
    context: &Context,
    mut request: Request,
    change: Args<'_>,
    token: Option<&str>,
) -> Result<(Request, Value), String> {
    let name = change.text("key").unwrap_or_else(|| DEFAULT_KEY.into());
    let alg = change.text("alg").unwrap_or_else(|| algorithm(&context.world).to_owned());
    let key = context.ring.key(&name, &alg)?;
    let mut values = change.list("proof");
    if values.is_empty() {
        values.push(make(context, &request, change, &key, token)?);
        if change.flag("twice") {
            values.push(make(context, &request, change, &key, token)?);
        }
    }
    let facts = json!({ "proof": values.first(), "jkt": key.thumbprint(), "jwk": key.jwk() });
    request.headers.extend(values.into_iter().map(|value| ("dpop".to_owned(), value)));
    Ok((request, facts))
}

fn make(
    context: &Context,
    request: &Request,
    change: Args<'_>,
    key: &Key,
    token: Option<&str>,
) -> Result<String, String> {
    let other = context.ring.key("authspec-other", algorithm(&context.world))?;
    let mut header = dpop::header(key);
    match change.text("jwk").as_deref() {
        None => {}
        Some("private") => {
            header["jwk"]["d"] = key.private_member();
        }
        Some("other") => {
            header.insert("jwk".into(), Value::Object(other.jwk()));
        }
        Some(word) => return Err(format!("make a DPoP proof with the jwk `{word}`: only private and other are known")),
    }
    header.extend(change.table("header"));
    let mut claims = Map::new();
    claims.insert("jti".into(), json!(pkce::random(16)));
    claims.insert("htm".into(), json!(request.method));
    claims.insert("htu".into(), json!(bare(&request.url)));
    claims.insert("iat".into(), json!(context.world.clock.date()));
    claims.extend(token.map(|token| ("ath".to_owned(), json!(dpop::hash(token)))));
    let nonce = match change.get("nonce") {
        Some(Value::Bool(false)) => None,
        Some(_) => change.text("nonce"),
        None => context.ring.nonce(&origin(&request.url)),
    };
    claims.extend(nonce.map(|nonce| ("nonce".to_owned(), json!(nonce))));
    claims.extend(change.table("claims"));
    for name in change.list("drop-header") {
        header.remove(&name);
    }
    for name in change.list("drop-claims") {
        claims.remove(&name);
    }
    let word = change.text("sign").unwrap_or_else(|| "own".into());
    let how = Signing::parse(&word).ok_or_else(|| format!("sign a DPoP proof by `{word}`: unknown way"))?;
    let proof = dpop::sign(header, claims, key, &other, how)?;
    let shape = [("cut", change.get("cut")), ("append", change.get("append"))];
    Ok(shape.into_iter().fold(proof, |proof, (name, value)| match (name, value.and_then(Value::as_str)) {
        ("cut", Some(mark)) => proof.rsplit_once(mark).map_or(proof.clone(), |(kept, _)| kept.to_owned()),
        ("append", Some(more)) => format!("{proof}{more}"),
        _ => proof,
    }))
}

/// Whether a proof that is changed so is sent again with the nonce that the answer demands.
pub fn is_honest(change: &Map<String, Value>) -> bool {
    ["nonce", "proof", "retry"].iter().all(|name| !change.contains_key(*name))
}

/// Keeps a nonce of the answers of a URL; whether all of them demand one.
pub fn note_all(context: &Context, url: &str, outcomes: &[Outcome]) -> bool {
    let origin = origin(url);
    let demanded = outcomes.iter().filter(|outcome| note(context, &origin, outcome)).count();
    demanded > 0 && demanded == outcomes.len()
}

/// Keeps the nonce of an answer; whether the answer demands one.
fn note(context: &Context, origin: &str, outcome: &Outcome) -> bool {
    let Some(response) = outcome.response() else { return false };
    let nonce = response.header("dpop-nonce");
    if let Some(nonce) = nonce {
        context.ring.learn(origin, nonce);
    }
    nonce.is_some() && demands_nonce(response)
}

/// `use_dpop_nonce`, in the body (RFC 9449 section 8) or in the challenge (section 9).
fn demands_nonce(response: &Response) -> bool {
    let in_body = response.json().is_some_and(|body| body["error"] == USE_NONCE);
    let challenges = challenge::parse(&response.header_all("www-authenticate"));
    in_body || challenges.iter().any(|challenge| challenge.param("error") == Some(USE_NONCE))
}

/// What honest proofs are signed by: the best that both take, the authorization server and the MCP server.
fn algorithm(world: &World) -> &'static str {
    common_algorithm(world).unwrap_or("ES256")
}

/// The best algorithm that we have keys for and that is in all lists; `None` if there is none, whatever may be done without lists.
pub fn common_algorithm(world: &World) -> Option<&'static str> {
    let name = "dpop_signing_alg_values_supported";
    let lists =
        [world.found.member(name), world.found.prm_member(name)].into_iter().filter_map(|list| list?.as_array());
    let lists: Vec<_> = lists.filter(|list| !list.is_empty()).collect();
    dpop::ALGORITHMS.into_iter().find(|alg| lists.iter().all(|list| list.iter().any(|word| word == alg)))
}

/// The URL without query and fragment (RFC 9449 section 4.2).
fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

fn origin(url: &str) -> String {
    url::Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

const DEFAULT_KEY: &str = "default";
const USE_NONCE: &str = "use_dpop_nonce";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn htu_has_neither_query_nor_fragment() {
        assert_eq!(bare("http://h/mcp?a=1#b"), "http://h/mcp");
        assert_eq!(bare("http://h/mcp"), "http://h/mcp");
    }

    #[test]
    fn a_key_is_made_once() {
        let ring = Ring::default();
        let thumbprint = |name| ring.key(name, "ES256").expect("a key").thumbprint();
        assert_eq!(thumbprint("a"), thumbprint("a"));
        assert_ne!(thumbprint("a"), thumbprint("b"));
    }
}
