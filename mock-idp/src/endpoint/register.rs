//! Dynamic client registration (RFC 7591).

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::client::{Client, ClientAuth, redirect};
use crate::config::IssuerConfig;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::reply::Reply;
use crate::request::Request;
use crate::{quirks, secret, token};

/// `POST /register`.
pub(super) fn register(issuer: &Issuer, request: &Request) -> Result<Reply, OAuthError> {
    let config = issuer.config();
    if !config.dcr {
        return Err(OAuthError {
            status: StatusCode::FORBIDDEN,
            ..OAuthError::access_denied("registration is closed")
        });
    }
    if !request.is_of_type("application/json") {
        return Err(OAuthError::invalid_metadata("the body has to be application/json"));
    }
    let metadata: Map<String, Value> = serde_json::from_slice(&request.body)
        .map_err(|_| OAuthError::invalid_metadata("the body is not a JSON object"))?;
    quirks::registration(&config.quirks, &metadata)?;
    let metadata = if config.lenient_clients { tolerable(metadata) } else { metadata };
    let client = read(&config, &metadata)?;
    let answer = describe(&client, issuer.now());
    // No list means: every grant; and what a client learns later that it needs is not in its registration.
    let client = match config.lenient_clients {
        true => Client {
            any_redirect: true,
            any_pkce: true,
            auth: ClientAuth::Anything,
            grant_types: Vec::new(),
            scope: None,
            ..client
        },
        false => client,
    };
    issuer.lock().clients.insert(client.id.clone(), client);
    Ok(Reply::json(StatusCode::CREATED, &answer))
}

/// What a server may replace or leave out (RFC 7591 section 3.2.1) is left out where a strict one would refuse it.
fn tolerable(mut metadata: Map<String, Value>) -> Map<String, Value> {
    metadata.remove("response_types");
    let mut keep = |name: &str, known: &dyn Fn(&str) -> bool| {
        if let Some(Value::Array(words)) = metadata.get_mut(name) {
            words.retain(|word| word.as_str().is_none_or(known));
        }
    };
    keep("grant_types", &|kind| token::ALL_GRANTS.contains(&kind));
    keep("redirect_uris", &|uri| redirect::may_be_registered(uri).is_ok());
    if metadata.get("grant_types").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        metadata.remove("grant_types");
    }
    metadata
}

fn read(config: &IssuerConfig, metadata: &Map<String, Value>) -> Result<Client, OAuthError> {
    let auth = match metadata.get("token_endpoint_auth_method") {
        None => ClientAuth::Basic,
        Some(method) if method == "client_secret" || method == "anything" => return Err(unsupported()),
        Some(method) => serde_json::from_value(method.clone()).map_err(|_| unsupported())?,
    };
    let grant_types = words(metadata, "grant_types")?.unwrap_or_else(|| vec![CODE.to_owned()]);
    if grant_types.is_empty() || !grant_types.iter().all(|kind| token::ALL_GRANTS.contains(&kind.as_str())) {
        return Err(OAuthError::invalid_metadata("a grant type is not supported"));
    }
    if words(metadata, "response_types")?.is_some_and(|types| types.iter().any(|one| one != "code")) {
        return Err(OAuthError::invalid_metadata("the only response type is code"));
    }
    let redirect_uris = words(metadata, "redirect_uris")?.unwrap_or_default();
    if redirect_uris.is_empty() && grant_types.iter().any(|kind| kind == CODE) {
        return Err(OAuthError::new("invalid_redirect_uri", "redirect_uris is missing"));
    }
    for uri in &redirect_uris {
        redirect::may_be_registered(uri).map_err(|why| OAuthError::new("invalid_redirect_uri", why))?;
    }
    let jwks = metadata.get("jwks").cloned();
    if auth == ClientAuth::PrivateKeyJwt && jwks.is_none() {
        return Err(OAuthError::invalid_metadata("private_key_jwt needs jwks"));
    }
    let secret = matches!(auth, ClientAuth::Basic | ClientAuth::Post).then(secret::random);
    Ok(Client {
        any_loopback_redirect: false,
        any_redirect: false,
        any_pkce: false,
        audiences: Vec::new(),
        auth,
        dpop_bound: flag(metadata, "dpop_bound_access_tokens")?,
        grant_types,
        id: secret::random_id(),
        jwks,
        name: text(metadata, "client_name")?,
        pkce_optional: false,
        redirect_uris,
        require_par: flag(metadata, "require_pushed_authorization_requests")?,
        scope: text(metadata, "scope")?.and_then(|scope| known(config, &scope)),
        secret,
    })
}

/// What was registered, with the defaults that were filled in (RFC 7591 section 3.2.1).
fn describe(client: &Client, now: i64) -> Value {
    let mut answer = json!({
        "client_id": client.id,
        "client_id_issued_at": now,
        "token_endpoint_auth_method": client.auth,
        "grant_types": client.grant_types,
        "redirect_uris": client.redirect_uris,
    });
    if client.may_use(CODE) {
        answer["response_types"] = json!(["code"]);
    }
    if let Some(secret) = &client.secret {
        answer["client_secret"] = secret.as_str().into();
        answer["client_secret_expires_at"] = 0.into();
    }
    let flags = [
        ("dpop_bound_access_tokens", client.dpop_bound),
        ("require_pushed_authorization_requests", client.require_par),
    ];
    for (name, _) in flags.iter().filter(|(_, set)| *set) {
        answer[*name] = true.into();
    }
    let optional = [("client_name", json!(client.name)), ("scope", json!(client.scope)), ("jwks", json!(client.jwks))];
    for (name, value) in optional {
        if !value.is_null() {
            answer[name] = value;
        }
    }
    answer
}

/// The words of a scope that the issuer has; none of them means no restriction.
fn known(config: &IssuerConfig, scope: &str) -> Option<String> {
    let kept = scope.split(' ').filter(|word| config.any_scope || config.scopes.iter().any(|known| known == word));
    let kept = kept.collect::<Vec<_>>().join(" ");
    (!kept.is_empty()).then_some(kept)
}

fn words(metadata: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, OAuthError> {
    let wrong = |_| OAuthError::invalid_metadata("a list of texts is something else");
    metadata.get(name).map(|value| serde_json::from_value(value.clone()).map_err(wrong)).transpose()
}

fn text(metadata: &Map<String, Value>, name: &str) -> Result<Option<String>, OAuthError> {
    let wrong = || OAuthError::invalid_metadata("a text is something else");
    metadata.get(name).map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).transpose()
}

fn flag(metadata: &Map<String, Value>, name: &str) -> Result<bool, OAuthError> {
    let wrong = || OAuthError::invalid_metadata("true or false is something else");
    metadata.get(name).map_or(Ok(false), |value| value.as_bool().ok_or_else(wrong))
}

fn unsupported() -> OAuthError {
    OAuthError::invalid_metadata("the token_endpoint_auth_method is not supported")
}

/// The grant type that needs redirect URIs (RFC 7591 section 2).
const CODE: &str = "authorization_code";
