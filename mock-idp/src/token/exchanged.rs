//! What a token exchange gives out beside access tokens: ID tokens, assertions, refresh tokens.

use serde_json::{Map, Value, json};

use super::{Issue, issue};
use crate::client::Client;
use crate::issuer::Issuer;
use crate::jose::{Unsigned, merge};
use crate::script::Answer;
use crate::secret;
use crate::settings::TokenType;
use crate::state::Grant;

/// The token of that type; `script` may change it as it changes an access token. Lives for `ttl` seconds at most.
pub(super) fn token(
    issuer: &Issuer,
    client: &Client,
    issue: &Issue,
    kind: TokenType,
    ttl: i64,
    script: &Answer,
) -> String {
    let (typ, ttl) = match kind {
        TokenType::Refresh => return refresh(issuer, client, issue),
        TokenType::IdJag => ("oauth-id-jag+jwt", ttl.min(ID_JAG_TTL)),
        TokenType::Access | TokenType::Id | TokenType::Jwt => ("JWT", ttl),
    };
    let mut token = Unsigned::honest(typ, claims(issuer, client, issue, kind, ttl));
    if let Some(change) = &script.access_token {
        change.apply(issuer.now(), &mut token);
    }
    issuer.sign(&token)
}

fn claims(issuer: &Issuer, client: &Client, issue: &Issue, kind: TokenType, ttl: i64) -> Map<String, Value> {
    let (now, grant) = (issuer.now(), &issue.grant);
    let audience = match kind {
        // Who asked for an ID token reads it, unless it is for somebody else.
        TokenType::Id if issue.resources.is_empty() => vec![client.id.clone()],
        _ => issuer.audience_or_default(&issue.resources),
    };
    let aud = match audience.as_slice() {
        [one] => Value::from(one.as_str()),
        many => many.into(),
    };
    let mut claims = Map::from_iter([
        ("iss".to_owned(), Value::from(issuer.url())),
        ("aud".to_owned(), aud),
        ("iat".to_owned(), now.into()),
        ("exp".to_owned(), now.saturating_add(ttl).into()),
        ("jti".to_owned(), format!("{}.{}", grant.id, secret::random_id()).into()),
    ]);
    if kind != TokenType::Id {
        claims.insert("client_id".to_owned(), client.id.as_str().into());
        if !issue.scope.is_empty() {
            claims.insert("scope".to_owned(), issue.scope.as_str().into());
        }
    }
    if let Some(auth_time) = grant.auth_time {
        claims.insert("auth_time".to_owned(), auth_time.into());
    }
    if let Some(jkt) = &issue.jkt {
        claims.insert("cnf".to_owned(), json!({ "jkt": jkt }));
    }
    claims.extend(grant.claims.clone());
    if kind == TokenType::Id {
        let sub = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        merge(&mut claims, &issue::about(&issuer.config(), &sub, &issue.scope));
    }
    claims
}

/// A refresh token for the exchanged grant, which the client redeems by itself.
fn refresh(issuer: &Issuer, client: &Client, issue: &Issue) -> String {
    let grant = Grant { resources: issue.resources.clone(), ..issue.grant.clone() };
    let issue = Issue { grant, jkt: issue.jkt.clone(), ..Issue::default() };
    issue::refresh_token(issuer, client, &issue)
}

/// Lifetime of an ID-JAG in seconds: it is redeemed at once.
pub(super) const ID_JAG_TTL: i64 = 300;
