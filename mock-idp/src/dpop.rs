//! Proofs of possession (RFC 9449): read, verified in full, and the nonces for them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{HeaderName, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::{Map, Value};
use url::Url;

use crate::client::Client;
use crate::clock::seconds;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::presented::{ALGORITHMS, time, unchecked};
use crate::request::Request;
use crate::secret;

/// The thumbprint of the key that a token request proves to have, if it does.
///
/// # Errors
/// `invalid_dpop_proof`, `use_dpop_nonce`; also for a client or an issuer that gives no tokens without a proof.
pub(crate) fn at_token_endpoint(
    issuer: &Issuer,
    client: &Client,
    request: &Request,
) -> Result<Option<String>, OAuthError> {
    let jkt = thumbprint(issuer, request, || issuer.endpoint_url("token"), None)?;
    let settings = &issuer.config().dpop;
    match jkt.is_none() && settings.enabled && (settings.required || client.dpop_bound) {
        true => Err(invalid("a proof is needed")),
        false => Ok(jkt),
    }
}

/// The thumbprint of the key that a request to `url` proves to have; with an access token the proof has to name it.
/// None for a request without proof.
///
/// # Errors
/// `invalid_dpop_proof`, `use_dpop_nonce`.
pub(crate) fn thumbprint(
    issuer: &Issuer,
    request: &Request,
    url: impl FnOnce() -> String,
    access_token: Option<&str>,
) -> Result<Option<String>, OAuthError> {
    if !issuer.config().dpop.enabled {
        return Ok(None);
    }
    let mut headers = request.headers.get_all(HEADER).iter();
    let Some(header) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(invalid("more than one proof"));
    }
    let jwt = header.to_str().map_err(|_| invalid("the proof is no text"))?;
    let proof = Proof::read(jwt)?;
    proof.check(issuer, request.method.as_str(), &url(), access_token)?;
    proof.first_use(issuer)?;
    Ok(Some(proof.jkt))
}

/// The nonce that the next proof has to have, if the settings want one.
pub(crate) fn nonce(issuer: &Issuer) -> Option<String> {
    issuer.config().dpop.nonce.then(|| nonce_of(issuer, epoch(issuer)))
}

/// Whether a request has a proof, good or bad.
pub(crate) fn is_tried(headers: &HeaderMap) -> bool {
    headers.contains_key(HEADER)
}

/// An error as a resource server sends it (section 7.1).
pub(crate) fn challenged(error: OAuthError) -> OAuthError {
    let algs = algs().join(" ");
    let challenge =
        format!("DPoP error=\"{}\", error_description=\"{}\", algs=\"{algs}\"", error.code, error.description);
    OAuthError { status: StatusCode::UNAUTHORIZED, header: Some((WWW_AUTHENTICATE, challenge)), ..error }
}

/// The algorithms of proofs, as advertised.
pub(crate) fn algs() -> Vec<String> {
    ALGORITHMS.iter().map(|alg| format!("{alg:?}")).collect()
}

/// A proof whose signature fits its own key.
struct Proof {
    claims: Map<String, Value>,
    jkt: String,
}

impl Proof {
    fn read(jwt: &str) -> Result<Self, OAuthError> {
        if jwt.len() > MAX_LEN {
            return Err(invalid("the proof is too long"));
        }
        let text = jwt.split('.').next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let raw: Option<Map<String, Value>> = text.and_then(|text| serde_json::from_slice(&text).ok());
        let raw = raw.ok_or_else(|| invalid("the proof is no JWT"))?;
        let header = jsonwebtoken::decode_header(jwt).map_err(|_| invalid("the proof's header cannot be read"))?;
        if raw.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
            return Err(invalid("typ has to be dpop+jwt"));
        }
        if raw.contains_key("crit") || !ALGORITHMS.contains(&header.alg) {
            return Err(invalid("the algorithm is not supported"));
        }
        let jwk = raw.get("jwk").and_then(Value::as_object).ok_or_else(|| invalid("jwk is missing"))?;
        if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
            return Err(invalid("jwk has a private key"));
        }
        let jkt = jwk_thumbprint(jwk).ok_or_else(|| invalid("jwk is of another kind"))?;
        let key: Jwk = serde_json::from_value(jwk.clone().into()).map_err(|_| invalid("jwk cannot be read"))?;
        let key = DecodingKey::from_jwk(&key).map_err(|_| invalid("jwk is no key"))?;
        let decoded = jsonwebtoken::decode::<Map<String, Value>>(jwt, &key, &unchecked(header.alg));
        let claims = decoded.map_err(|_| invalid("the signature does not verify"))?.claims;
        Ok(Self { claims, jkt })
    }

    /// Section 4.3, from the method on.
    fn check(&self, issuer: &Issuer, method: &str, url: &str, access_token: Option<&str>) -> Result<(), OAuthError> {
        if self.text("htm") != method {
            return Err(invalid("htm is another method"));
        }
        if !same_place(self.text("htu"), url) {
            return Err(invalid("htu is another place"));
        }
        let window = seconds(issuer.config().dpop.window);
        let iat = time(&self.claims, "iat").ok_or_else(|| invalid("iat is missing"))?;
        if (issuer.now() - iat).abs() > window {
            return Err(invalid("iat is too far from now"));
        }
        if time(&self.claims, "exp").is_some_and(|exp| exp <= issuer.now())
            || time(&self.claims, "nbf").is_some_and(|nbf| nbf > issuer.now() + window)
        {
            return Err(invalid("the proof is expired or not valid yet"));
        }
        if let Some(token) = access_token
            && !secret::same(self.text("ath"), &secret::s256(token))
        {
            return Err(invalid("ath is the hash of another token"));
        }
        self.check_nonce(issuer)
    }

    fn check_nonce(&self, issuer: &Issuer) -> Result<(), OAuthError> {
        if !issuer.config().dpop.nonce {
            return Ok(());
        }
        let now = epoch(issuer);
        let given = self.text("nonce");
        let good = [now, now - 1].iter().any(|epoch| secret::same(given, &nonce_of(issuer, *epoch)));
        if good { Ok(()) } else { Err(OAuthError::new("use_dpop_nonce", "the proof needs the nonce of DPoP-Nonce")) }
    }

    fn first_use(&self, issuer: &Issuer) -> Result<(), OAuthError> {
        let jti = self.text("jti");
        if jti.is_empty() || jti.len() > MAX_JTI {
            return Err(invalid("jti is missing"));
        }
        let name = format!("{}\n{jti}", self.jkt);
        let mut state = issuer.lock();
        if state.proofs.contains(&name) {
            return Err(invalid("the proof was used before"));
        }
        state.proofs.insert(name, ());
        Ok(())
    }

    fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Scheme, host, port and path; query and fragment do not count (section 4.3, and RFC 3986 section 6.2.2).
fn same_place(htu: &str, url: &str) -> bool {
    let place = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    place(htu).is_some_and(|htu| place(url).is_some_and(|url| htu == url))
}

/// The SHA-256 thumbprint of a public key (RFC 7638 section 3).
fn jwk_thumbprint(jwk: &Map<String, Value>) -> Option<String> {
    let names: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let members: Option<Vec<String>> = names
        .iter()
        .map(|name| jwk.get(*name)?.as_str().map(|value| format!("\"{name}\":{}", Value::from(value))))
        .collect();
    Some(secret::s256(&format!("{{{}}}", members?.join(","))))
}

fn epoch(issuer: &Issuer) -> i64 {
    issuer.now().div_euclid(seconds(issuer.config().dpop.nonce_ttl).max(1))
}

fn nonce_of(issuer: &Issuer, epoch: i64) -> String {
    let secret = issuer.lock().nonce_secret.clone();
    secret::s256(&format!("{secret}\n{epoch}"))[..22].to_owned()
}

fn invalid(why: &str) -> OAuthError {
    OAuthError::new("invalid_dpop_proof", why)
}

const HEADER: HeaderName = HeaderName::from_static("dpop");
/// The header that carries a nonce (section 8.2).
pub(crate) const NONCE_HEADER: HeaderName = HeaderName::from_static("dpop-nonce");
/// Members of a JWK that only its owner may know.
const PRIVATE: [&str; 8] = ["d", "dp", "dq", "k", "oth", "p", "q", "qi"];
/// Bytes.
const MAX_LEN: usize = 8192;
const MAX_JTI: usize = 256;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::object;

    #[test]
    fn thumbprint_matches_rfc_7638_section_3_1() {
        let key = json!({
            "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs\
                  tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI\
                  SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        let thumbprint = jwk_thumbprint(&object(key));
        assert_eq!(thumbprint.as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn places_are_compared_without_query() {
        assert!(same_place("HTTP://LocalHost:80/token?x#y", "http://localhost/token"));
        assert!(!same_place("http://localhost/token/", "http://localhost/token"));
        assert!(!same_place("token", "http://localhost/token"));
    }
}
