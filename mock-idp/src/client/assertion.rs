//! `private_key_jwt`: client assertions of RFC 7523 section 2.2, checked in full.

use serde_json::Value;

use super::Client;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::presented::{SKEW, signed_by, unverified};

/// Who the assertion says it is; nothing is verified yet.
pub(crate) fn subject(jwt: &str) -> Option<String> {
    unverified(jwt)?.get("sub")?.as_str().map(str::to_owned)
}

/// Checks signature, issuer, subject, audience, times and single use.
///
/// # Errors
/// `invalid_client`, whatever is wrong (RFC 7521 section 4.2.1).
pub(crate) fn verify(issuer: &Issuer, client: &Client, jwt: &str) -> Result<(), OAuthError> {
    let keys = client.jwks.as_ref();
    let claims = keys.and_then(|keys| signed_by(keys, jwt)).map(|signed| Value::Object(signed.claims));
    let claims = claims.ok_or_else(|| refused("the assertion's signature does not verify"))?;
    let settings = &issuer.config().assertions;
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    if text("iss") != client.id || text("sub") != client.id {
        return Err(refused("iss and sub of an assertion have to be the client_id"));
    }
    let ours = [issuer.url(), issuer.endpoint_url("token")];
    if !audience_is(&claims["aud"], if settings.issuer_only { &ours[..1] } else { &ours }) {
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
    if jti.is_empty() && settings.allow_no_jti {
        return Ok(());
    }
    if jti.is_empty() || jti.len() > MAX_JTI {
        return Err(refused("the assertion needs a jti"));
    }
    match settings.allow_replay || issuer.first_use(&format!("{}\n{jti}", client.id)) {
        true => Ok(()),
        false => Err(refused("the assertion was used before")),
    }
}

/// One audience, and it is ours: an assertion that others could use too is not for us.
fn audience_is(aud: &Value, ours: &[String]) -> bool {
    let named = match aud {
        Value::Array(list) if list.len() == 1 => list[0].as_str(),
        other => other.as_str(),
    };
    named.is_some_and(|named| ours.iter().any(|own| own == named))
}

fn refused(why: &'static str) -> OAuthError {
    OAuthError::invalid_client(why)
}

/// Seconds.
const LONGEST: i64 = 3600;
const MAX_JTI: usize = 256;
