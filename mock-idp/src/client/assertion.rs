//! `private_key_jwt`: client assertions of RFC 7523 section 2.2, checked in full.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::Client;
use crate::error::OAuthError;
use crate::issuer::Issuer;

/// Who the assertion says it is; nothing is verified yet.
pub(crate) fn subject(jwt: &str) -> Option<String> {
    let payload = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    claims["sub"].as_str().map(str::to_owned)
}

/// Checks signature, issuer, subject, audience, times and single use.
///
/// # Errors
/// `invalid_client`, whatever is wrong (RFC 7521 section 4.2.1).
pub(crate) fn verify(issuer: &Issuer, client: &Client, jwt: &str) -> Result<(), OAuthError> {
    let claims = signed_claims(client, jwt).ok_or_else(|| refused("the assertion's signature does not verify"))?;
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    if text("iss") != client.id || text("sub") != client.id {
        return Err(refused("iss and sub of an assertion have to be the client_id"));
    }
    if !audience_is(&claims["aud"], &[issuer.url(), issuer.endpoint_url("token")]) {
        return Err(refused("the assertion is for another audience"));
    }
    let now = issuer.now();
    let time = |name: &str| claims[name].as_i64();
    match time("exp") {
        Some(exp) if exp > now && exp <= now + LONGEST => {}
        _ => return Err(refused("the assertion is expired, without exp, or valid for too long")),
    }
    if [time("nbf"), time("iat")].into_iter().flatten().any(|start| start > now + SKEW) {
        return Err(refused("the assertion is from the future"));
    }
    let jti = text("jti");
    if jti.is_empty() || jti.len() > MAX_JTI {
        return Err(refused("the assertion needs a jti"));
    }
    issuer
        .first_use(&format!("{}\n{jti}", client.id))
        .then_some(())
        .ok_or_else(|| refused("the assertion was used before"))
}

fn signed_claims(client: &Client, jwt: &str) -> Option<Value> {
    let header = jsonwebtoken::decode_header(jwt).ok()?;
    if header.crit.is_some() || !ALGORITHMS.contains(&header.alg) {
        return None;
    }
    let keys: JwkSet = serde_json::from_value(client.jwks.clone()?).ok()?;
    let mut validation = Validation::new(header.alg);
    // Times and audience are held against the movable clock and this issuer, above.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    keys.keys
        .iter()
        .take(MAX_KEYS)
        .filter(|key| header.kid.is_none() || key.common.key_id == header.kid)
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .find_map(|key| jsonwebtoken::decode::<Value>(jwt, &key, &validation).ok())
        .map(|token| token.claims)
}

/// One audience, and it is ours: an assertion that others could use too is not for us.
fn audience_is(aud: &Value, ours: &[String; 2]) -> bool {
    let named = match aud {
        Value::Array(list) if list.len() == 1 => list[0].as_str(),
        other => other.as_str(),
    };
    named.is_some_and(|named| ours.iter().any(|own| own == named))
}

fn refused(why: &'static str) -> OAuthError {
    OAuthError::invalid_client(why)
}

/// The algorithms accepted in assertions, as advertised: asymmetric ones only.
pub(crate) const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
/// Seconds.
const LONGEST: i64 = 3600;
const SKEW: i64 = 60;
const MAX_KEYS: usize = 16;
const MAX_JTI: usize = 256;
