//! JWTs that somebody presents to be believed: signature, issuer and times first.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use crate::issuer::Issuer;
use crate::jose::{self, Signed};

/// Verified claims, and what the token says it is.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) claims: Map<String, Value>,
    /// `typ` of the header in lower case, without `application/` (RFC 7515 section 4.1.9); empty if there is none.
    pub(crate) typ: String,
}

impl Presented {
    /// A claim that is a text, or nothing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A claim in whole seconds since the epoch.
    pub(crate) fn time(&self, name: &str) -> Option<i64> {
        time(&self.claims, name)
    }
}

/// A JWT of this issuer, or of one that it trusts: signed by a published key, begun, not expired, not ended.
///
/// # Errors
/// What is wrong with it, in words for a developer.
pub(crate) fn jwt(issuer: &Issuer, token: &str) -> Result<Presented, &'static str> {
    let named = unverified(token).ok_or("the token is no JWT")?;
    let from = named.get("iss").and_then(Value::as_str).ok_or("the token has no iss")?;
    let (signed, ended) = if from == issuer.url() {
        let signed = jose::signed(token, |kid, _| issuer.published_key(kid));
        let ended = signed.as_ref().is_some_and(|signed| issuer.ended(&signed.claims));
        (signed, ended)
    } else {
        trusted(issuer, from, token)?
    };
    let signed = signed.ok_or("the token's signature does not verify")?;
    if ended {
        return Err("the token was revoked");
    }
    in_time(issuer, &signed.claims)?;
    let typ = signed.typ.to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ).to_owned();
    Ok(Presented { claims: signed.claims, typ })
}

/// Whether claims hold now; `exp` has to be there.
///
/// # Errors
/// Expired, or from the future.
pub(crate) fn in_time(issuer: &Issuer, claims: &Map<String, Value>) -> Result<(), &'static str> {
    let now = issuer.now();
    match time(claims, "exp") {
        Some(exp) if exp > now => {}
        Some(_) => return Err("the token is expired"),
        None => return Err("the token has no exp"),
    }
    let odd = |name: &str| claims.contains_key(name) && time(claims, name).is_none();
    if odd("nbf") || odd("iat") {
        return Err("nbf or iat of the token is no number of seconds");
    }
    if time(claims, "nbf").is_some_and(|nbf| nbf > now) || time(claims, "iat").is_some_and(|iat| iat > now + SKEW) {
        return Err("the token is from the future");
    }
    Ok(())
}

/// A claim in whole seconds since the epoch (`NumericDate`, RFC 7519 section 2, may have fractions).
pub(crate) fn time(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, and half a second is nothing")]
    let whole = |seconds: f64| seconds as i64;
    value.as_i64().or_else(|| value.as_f64().filter(|seconds| seconds.is_finite()).map(whole))
}

/// The values of `aud`.
pub(crate) fn audiences(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The claims, believed by nobody yet.
pub(crate) fn unverified(jwt: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// A JWT that one of these keys (a JWK Set) signed, by an asymmetric algorithm.
pub(crate) fn signed_by(jwks: &Value, jwt: &str) -> Option<Signed> {
    let header = jsonwebtoken::decode_header(jwt).ok()?;
    if header.crit.is_some() || !ALGORITHMS.contains(&header.alg) {
        return None;
    }
    let keys: JwkSet = serde_json::from_value(jwks.clone()).ok()?;
    let validation = unchecked(header.alg);
    let claims = keys
        .keys
        .iter()
        .take(MAX_KEYS)
        .filter(|key| header.kid.is_none() || key.common.key_id == header.kid)
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .find_map(|key| jsonwebtoken::decode::<Map<String, Value>>(jwt, &key, &validation).ok())?
        .claims;
    Some(Signed { typ: header.typ.unwrap_or_default(), claims })
}

/// A validation of the signature alone: times and audience are held against the movable clock and this issuer.
pub(crate) fn unchecked(alg: Algorithm) -> Validation {
    let mut validation = Validation::new(alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    validation
}

fn trusted(issuer: &Issuer, from: &str, token: &str) -> Result<(Option<Signed>, bool), &'static str> {
    let config = issuer.config();
    let known = config.trusted_issuers.iter().find(|known| known.issuer == from);
    let known = known.ok_or("the token's issuer is not trusted")?;
    if let Some(jwks) = &known.jwks {
        return Ok((signed_by(jwks, token), false));
    }
    let peer = issuer.peer(from).ok_or("the trusted issuer is not of this provider and has no keys")?;
    let signed = jose::signed(token, |kid, _| peer.published_key(kid));
    let ended = signed.as_ref().is_some_and(|signed| peer.ended(&signed.claims));
    Ok((signed, ended))
}

/// The algorithms accepted in assertions and proofs, as advertised: asymmetric ones only.
pub(crate) const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
/// Seconds that another machine's clock may be ahead.
pub(crate) const SKEW: i64 = 60;
const MAX_KEYS: usize = 16;
