//! Client assertions: a `private_key_jwt` (RFC 7523 section 3), honest or changed as a case asks.

use serde_json::{Map, Value, json};

use super::client::Client;
use super::noted::part;
use super::world::World;
use crate::oauth::forge::{self, Signing};
use crate::oauth::jwt::Jwt;
use crate::oauth::{encrypt, pkce, stranger};
use crate::wire::host::Document;

/// The assertion of a client, signed with its own key: that of the profile, else the one that its registration named. `change` has
/// `claims`, `header`, `drop` and `sign`.
///
/// # Errors
/// If the way to sign is unknown, or needs what the target does not publish.
pub(super) fn signed(world: &World, client: &Client, change: &Map<String, Value>) -> Result<String, String> {
    let table = |name: &str| change.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut claims = honest(world, client);
    claims.extend(table("claims"));
    for name in change.get("drop").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        claims.shift_remove(name);
    }
    let mut header = match &client.key {
        Some(key) => key.header(table("header")),
        None => table("header"),
    };
    let alg = header
        .entry("alg")
        .or_insert(json!(super::client::assertion_algorithm(world)))
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if client.key.is_none() {
        header.entry("kid").or_insert(json!(forge::FOREIGN_KID));
    }
    match change.get("sign").and_then(Value::as_str) {
        None | Some("own") => match &client.key {
            Some(key) => key.sign(header, claims),
            None => forge::own(header, claims, &alg),
        },
        Some(how) => forged(world, client, Jwt { header, claims, signature: "AAAA".into() }, how),
    }
}

fn honest(world: &World, client: &Client) -> Map<String, Value> {
    let (issuer, now) = (world.issuer(), world.clock.date());
    let audience = part!(world.recipe, assertion_audience).as_deref().unwrap_or(&issuer);
    let claims = [
        ("iss", json!(client.id)),
        ("sub", json!(client.id)),
        ("aud", json!(audience)),
        ("iat", json!(now)),
        ("exp", json!(now + 60)),
        ("jti", json!(pkce::random(16))),
    ];
    claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Signed as somebody would who has not the client's key.
fn forged(world: &World, client: &Client, mut jwt: Jwt, how: &str) -> Result<String, String> {
    match how {
        "none" => {
            jwt.header.insert("alg".into(), json!("none"));
            forge::sign(jwt, &Signing::Empty, None)
        }
        "stranger" => strange(client, jwt, None),
        "self-jwk" => strange(client, jwt, Some("jwk")),
        "self-jku" => {
            let host = world.host.as_ref().ok_or("serve a key set: the document host is not running")?;
            let path = format!("/bait/{}", pkce::random(12));
            let keys = if client.key.is_some() { forge::own_jwks() } else { json!({ "keys": [stranger::jwk()] }) };
            host.put(&path, Document::json(&keys));
            jwt.header.insert("jku".into(), json!(host.url(&path)));
            strange(client, jwt, Some("jku"))
        }
        "encrypted-none" => encrypt::wrap(jwt, encrypt::Inside::Unsigned, part!(world.found, jwks).as_ref()),
        "garbage" => forge::sign(jwt, &Signing::Keep, None),
        "public-key-hmac" => {
            let keys = client.key.as_ref().map_or_else(forge::own_jwks, |key| key.jwks());
            forge::sign(jwt, &Signing::PublicKeyPem, Some(&keys))
        }
        other => Err(format!("sign a client assertion by `{other}`: unknown way")),
    }
}

/// Signed with a key that this client has not registered: by the algorithm of its own, so that nothing but the key is wrong. `named`
/// says how the header leads to it.
fn strange(client: &Client, mut jwt: Jwt, named: Option<&str>) -> Result<String, String> {
    if client.key.is_some() {
        // The keys that clients register who have none of their own are strange to this one.
        return match named {
            Some("jwk") => forge::sign(jwt, &Signing::EmbeddedJwk, None),
            Some(_) => {
                let url = jwt.header["jku"].as_str().unwrap_or_default().to_owned();
                forge::sign(jwt, &Signing::Jku(url), None)
            }
            None => forge::sign(jwt, &Signing::Foreign, None),
        };
    }
    if named.is_some() {
        jwt.header.insert("kid".into(), json!(stranger::KID));
    }
    if named == Some("jwk") {
        jwt.header.insert("jwk".into(), stranger::jwk());
    }
    stranger::sign(jwt.header, jwt.claims)
}
