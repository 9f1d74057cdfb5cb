//! Client authentication at the token, introspection and revocation endpoints (RFC 6749 section 2.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;

use super::{Client, ClientAuth, assertion};
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::request::Request;
use crate::secret;

/// Finds out who asks.
///
/// # Errors
/// `invalid_request` when the request itself is ambiguous, else `invalid_client`.
pub(crate) fn authenticate(issuer: &Issuer, request: &Request) -> Result<Client, OAuthError> {
    let credential = Credential::of(request)?;
    let id = credential.client_id(request)?;
    let client = issuer.client(&id).ok_or_else(|| OAuthError::invalid_client("the client is not known here"))?;
    proves(issuer, &client, &credential).map(|()| client)
}

/// Who a request says it comes from, for the journal: nothing is verified.
pub(crate) fn claimed_id(request: &Request) -> Option<String> {
    let named = || request.query.get("client_id").map(str::to_owned);
    Credential::of(request).and_then(|credential| credential.client_id(request)).ok().or_else(named)
}

/// Whether a request says which client it comes from, rightly or not.
pub(crate) fn named(request: &Request) -> bool {
    let form = ["client_id", "client_secret", "client_assertion"];
    request.headers.contains_key(AUTHORIZATION) || form.iter().any(|name| request.form.get(name).is_some())
}

/// Whether a request comes with a credential of a client, right or wrong.
pub(crate) fn offers_credential(request: &Request) -> bool {
    !matches!(Credential::of(request), Ok(Credential::None))
}

/// The methods of client authentication, as advertised.
pub(crate) fn credential_methods() -> [&'static str; 4] {
    ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
}

/// What the request offers as proof.
enum Credential {
    Assertion(String),
    Basic { id: String, secret: String },
    None,
    Post(String),
}

impl Credential {
    /// At most one method in one request.
    fn of(request: &Request) -> Result<Self, OAuthError> {
        let basic = match request.headers.get(AUTHORIZATION) {
            None => None,
            Some(value) => Some(basic(value.to_str().unwrap_or_default())?),
        };
        let post = request.form.get("client_secret").map(|secret| Self::Post(secret.to_owned()));
        let assertion = request.form.get("client_assertion").map(|jwt| Self::Assertion(jwt.to_owned()));
        if assertion.is_some() && request.form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(OAuthError::invalid_request("client_assertion_type is not jwt-bearer"));
        }
        let mut offered = [basic, post, assertion].into_iter().flatten();
        let first = offered.next().unwrap_or(Self::None);
        match offered.next() {
            None => Ok(first),
            Some(_) => Err(OAuthError::invalid_request("more than one client authentication method")),
        }
    }

    fn client_id(&self, request: &Request) -> Result<String, OAuthError> {
        let named = request.form.get("client_id");
        let proven = match self {
            Self::Basic { id, .. } => Some(id.clone()),
            Self::Assertion(jwt) => assertion::subject(jwt),
            Self::None | Self::Post(_) => None,
        };
        match (named, proven) {
            (Some(named), Some(proven)) if named != proven => {
                Err(OAuthError::invalid_request("client_id and the authenticated client differ"))
            }
            (_, Some(id)) => Ok(id),
            (Some(id), None) => Ok(id.to_owned()),
            (None, None) => Err(OAuthError::invalid_client("no client authentication")),
        }
    }
}

/// RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined.
fn basic(header: &str) -> Result<Credential, OAuthError> {
    let refused = || OAuthError::invalid_client("the Authorization header is not HTTP Basic");
    let (scheme, value) = header.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refused());
    }
    let text =
        STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refused)?;
    let (id, secret) = text.split_once(':').ok_or_else(refused)?;
    Ok(Credential::Basic { id: form_decode(id), secret: form_decode(secret) })
}

fn form_decode(text: &str) -> String {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    match (pairs.next(), pairs.next()) {
        // An unencoded '=' or '&' is not form encoding: the client sent it raw, so it is taken raw.
        (Some((key, value)), None) if value.is_empty() && !text.contains('=') => key.into_owned(),
        _ => text.to_owned(),
    }
}

fn proves(issuer: &Issuer, client: &Client, credential: &Credential) -> Result<(), OAuthError> {
    use ClientAuth::{Anything, Basic, None, Post, PrivateKeyJwt, Secret};
    match (client.auth, credential) {
        (Anything, _) | (None, Credential::None) => Ok(()),
        (Basic | Secret, Credential::Basic { secret, .. }) | (Post | Secret, Credential::Post(secret)) => {
            let known = client.secret.as_deref().unwrap_or_default();
            // Both sides are compared even if no secret is registered, so that time tells nothing.
            let equal = secret::same(known, secret) & !known.is_empty();
            if equal { Ok(()) } else { Err(OAuthError::invalid_client("client authentication failed")) }
        }
        (PrivateKeyJwt, Credential::Assertion(jwt)) => assertion::verify(issuer, client, jwt),
        (_, Credential::None) => Err(OAuthError::invalid_client("the client has to authenticate")),
        _ => Err(OAuthError::invalid_client("not the authentication method the client registered")),
    }
}

/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_decodes_reserved_characters() {
        let header = format!("Basic {}", STANDARD.encode("a%3Ab:se%2Bc%25+r"));
        let Ok(Credential::Basic { id, secret }) = basic(&header) else { panic!("not read as Basic") };
        assert_eq!((id.as_str(), secret.as_str()), ("a:b", "se+c% r"));
        assert!(basic("Bearer x").is_err());
    }

    #[test]
    fn raw_reserved_characters_stay() {
        assert_eq!(form_decode("a=b&c"), "a=b&c");
    }
}
