//! The issuer, asked: metadata and key set.

use std::sync::Arc;

use serde_json::Value;

use crate::oauth::wellknown;
use crate::transcript::Request;
use crate::wire::{Http, Limits, Wire};

/// What an issuer publishes.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The issuer identifier as its metadata has it.
    pub issuer: String,
    /// The one that was asked for; a client goes no further if it is another (RFC 8414 section 3.3).
    pub asked: String,
    /// The keys.
    pub keys: Vec<Value>,
    /// Where the key set stands.
    pub jwks_uri: String,
}

/// Reads metadata and key set of an issuer.
///
/// # Errors
/// Nothing usable is there; says what was tried.
pub async fn fetch(issuer: &str) -> Result<Known, String> {
    let http = Arc::new(Http::new(Limits::default())?);
    http.allow(issuer);
    let wire = Wire::new(Arc::clone(&http));
    let candidates = wellknown::authorization_server(issuer);
    if candidates.is_empty() {
        return Err(format!("`{issuer}` is no URL of an issuer"));
    }
    let mut tried = Vec::new();
    let mut metadata = None;
    for candidate in candidates {
        match get(&wire, &candidate.url).await {
            Ok(document) if document["issuer"].is_string() => {
                metadata = Some(document);
                break;
            }
            Ok(_) => tried.push(format!("{}: JSON without issuer", candidate.url)),
            Err(why) => tried.push(format!("{}: {why}", candidate.url)),
        }
    }
    let metadata = metadata.ok_or_else(|| format!("no metadata of {issuer} was found ({})", tried.join("; ")))?;
    let named = metadata["issuer"].as_str().unwrap_or_default().to_owned();
    let jwks_uri =
        metadata["jwks_uri"].as_str().ok_or("its metadata names no jwks_uri, so no signature can be checked")?;
    // A key set may stand at another host: the issuer says so, and nothing but the request goes there.
    http.allow(jwks_uri);
    let keys = get(&wire, jwks_uri).await.map_err(|why| format!("the key set {jwks_uri} cannot be read: {why}"))?;
    let keys = keys["keys"].as_array().cloned().ok_or_else(|| format!("{jwks_uri} is no JWK Set: it has no `keys`"))?;
    Ok(Known { issuer: named, asked: issuer.to_owned(), keys, jwks_uri: jwks_uri.to_owned() })
}

async fn get(wire: &Wire, url: &str) -> Result<Value, String> {
    let answer = wire.send("inspect", Request::get(url).with("accept", "application/json")).await;
    match (answer.outcome.response(), answer.outcome.failure()) {
        (Some(response), _) if response.status == 200 => response.json().ok_or_else(|| "200, but no JSON".to_owned()),
        (Some(response), _) => Err(format!("status {}", response.status)),
        (None, Some(failure)) => Err(failure.to_string()),
        (None, None) => Err("no answer".to_owned()),
    }
}
