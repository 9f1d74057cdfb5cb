//! The token response (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{Issue, exchanged};
use crate::client::{Client, ClientAuth};
use crate::clock::seconds;
use crate::config::{AccessFormat, IssuerConfig, RefreshPolicy};
use crate::issuer::Issuer;
use crate::jose::merge;
use crate::keys::Alg;
use crate::mint::About;
use crate::reply::Reply;
use crate::script::Answer;
use crate::settings::TokenType;
use crate::state::{Grant, Refresh};
use crate::{quirks, scope, secret};

/// Issues what a grant gives; `script` may change the tokens.
pub(super) fn respond(issuer: &Issuer, client: &Client, issue: &Issue, script: &Answer) -> Reply {
    let (config, grant) = (issuer.config(), &issue.grant);
    let sub = grant.user.as_deref().map_or_else(|| client.id.clone(), |user| issuer.subject(user));
    let ttl = issue.until.map_or(i64::MAX, |until| until - issuer.now()).min(seconds(config.access_ttl));
    let access_token = match issue.exchange {
        None | Some(TokenType::Access) => access_token(issuer, client, issue, &sub, ttl, script),
        Some(kind) => exchanged::token(issuer, client, issue, kind, ttl, script),
    };
    let scheme = match (issue.exchange, &issue.jkt) {
        (None | Some(TokenType::Access), Some(_)) => "DPoP",
        (None | Some(TokenType::Access), None) => "Bearer",
        // RFC 8693 section 2.2.1: not an access token.
        (Some(_), _) => "N_A",
    };
    let id_token = identified(&config, issue).then(|| id_token(issuer, client, issue, &sub, &access_token, script));
    let mut body = Map::with_capacity(MEMBERS);
    let mut put = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    put("access_token", access_token.into());
    put("token_type", scheme.into());
    put("expires_in", ttl.into());
    if let Some(kind) = issue.exchange {
        put("issued_token_type", kind.urn().into());
        if kind == TokenType::IdJag {
            put("expires_in", ttl.min(exchanged::ID_JAG_TTL).into());
        }
    }
    if !issue.scope.is_empty() {
        put("scope", issue.scope.as_str().into());
    }
    if let Some(id_token) = id_token {
        put("id_token", id_token.into());
    }
    if issue.new_refresh && gets_refresh(&config, client, grant) && quirks::may_refresh(issuer, grant) {
        put("refresh_token", refresh_token(issuer, client, issue).into());
    }
    quirks::answer(&config.quirks, &mut body);
    Reply::json(StatusCode::OK, &body.into())
}

/// Whether an ID token goes with the access token: for a user, and for the scope `openid`.
fn identified(config: &IssuerConfig, issue: &Issue) -> bool {
    let of_user = issue.exchange.is_none() && issue.grant.user.is_some() && !config.quirks.no_id_token;
    of_user && scope::contains(&issue.scope, "openid")
}

/// What a scope tells about the user of that subject (OpenID Connect Core section 5.4).
pub(crate) fn about(config: &IssuerConfig, sub: &str, granted: &str) -> Map<String, Value> {
    let known = config.users.iter().find(|user| user.sub == sub);
    let Some(username) = known.map(|user| user.username.as_str()).or_else(|| sub.strip_prefix("user-")) else {
        return Map::new();
    };
    let mut claims = Map::new();
    if scope::contains(granted, "profile") {
        claims.insert("name".to_owned(), username.into());
        claims.insert("preferred_username".to_owned(), username.into());
    }
    if scope::contains(granted, "email") {
        claims.insert("email".to_owned(), format!("{username}@example.com").into());
        claims.insert("email_verified".to_owned(), true.into());
    }
    if let Some(user) = known {
        merge(&mut claims, &user.claims);
    }
    claims
}

/// A refresh token of the grant; a public client's is bound to its key (RFC 9449 section 5).
pub(super) fn refresh_token(issuer: &Issuer, client: &Client, issue: &Issue) -> String {
    let text = secret::random();
    let expires = issuer.now() + seconds(issuer.config().refresh_ttl);
    let public = matches!(client.auth, ClientAuth::Anything | ClientAuth::None);
    let jkt = issue.jkt.clone().filter(|_| public);
    let refresh = Refresh { expires, grant: issue.grant.clone(), jkt, used: None };
    issuer.lock().refresh.insert(secret::s256(&text), refresh);
    text
}

fn access_token(issuer: &Issuer, client: &Client, issue: &Issue, sub: &str, ttl: i64, script: &Answer) -> String {
    let config = issuer.config();
    let audience = match issue.exchange {
        None => quirks::audience(issuer, &issue.grant, &issue.scope, &issue.resources),
        Some(_) => issuer.audience_or_default(&issue.resources),
    };
    // The grant's name in front: whoever ends the grant ends the token, which is remembered nowhere.
    let jti = format!("{}.{}", issue.grant.id, secret::random_id());
    let about = About { sub, client_id: &client.id, scope: &issue.scope, audience: &audience, jti };
    let mut token = issuer.access_token(about);
    if let Some(auth_time) = issue.grant.auth_time {
        token.claims.insert("auth_time".to_owned(), auth_time.into());
    }
    if issue.until.is_some() {
        token.claims.insert("exp".to_owned(), issuer.now().saturating_add(ttl).into());
    }
    if let Some(jkt) = &issue.jkt {
        token.claims.insert("cnf".to_owned(), json!({ "jkt": jkt }));
    }
    token.claims.extend(issue.grant.claims.clone());
    let opaque = config.access_format == AccessFormat::Opaque || quirks::opaque(issuer, &issue.grant);
    // Userinfo, introspection and revocation read the claims as RFC 9068 has them.
    let mut plain = (opaque || quirks::reshapes(&config.quirks)).then(|| token.claims.clone());
    quirks::shape(issuer, &mut token);
    if let Some(change) = &script.access_token {
        change.apply(issuer.now(), &mut token);
        if let Some(plain) = &mut plain {
            change.apply_to_claims(issuer.now(), plain);
            quirks::restore_scope(&config.quirks, &change.claims, plain);
        }
    }
    let text = match opaque {
        false => issuer.sign(&token),
        true => format!("{}{}", config.quirks.token_prefix, secret::random()),
    };
    let known = opaque || script.access_token.is_none();
    let ours = |plain: &Map<String, Value>| token.payload.is_none() && issuer.would_issue(&text, plain);
    if let Some(plain) = plain.filter(|plain| known || ours(plain)) {
        issuer.lock().opaque.insert(secret::s256(&text), plain);
    }
    text
}

fn id_token(issuer: &Issuer, client: &Client, issue: &Issue, sub: &str, access_token: &str, script: &Answer) -> String {
    let config = issuer.config();
    let mut token = issuer.id_token(sub, &client.id);
    let hash = at_hash(config.alg, access_token);
    for (name, value) in
        [("nonce", json!(issue.grant.nonce)), ("auth_time", json!(issue.grant.auth_time)), ("at_hash", hash.into())]
    {
        if !value.is_null() {
            token.claims.insert(name.to_owned(), value);
        }
    }
    merge(&mut token.claims, &about(&config, sub, &issue.scope));
    if let Some(change) = &script.id_token {
        change.apply(issuer.now(), &mut token);
    }
    issuer.sign(&token)
}

/// The left half of the hash that belongs to the signature algorithm (OpenID Connect Core section 3.1.3.6). For Ed25519,
/// which hashes with SHA-512 inside, clients took up SHA-512.
fn at_hash(alg: Alg, access_token: &str) -> String {
    let hash = match alg {
        Alg::Es256 | Alg::Ps256 | Alg::Rs256 => Sha256::digest(access_token).to_vec(),
        Alg::Es384 => Sha384::digest(access_token).to_vec(),
        Alg::EdDsa | Alg::Rs512 => Sha512::digest(access_token).to_vec(),
    };
    URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
}

fn gets_refresh(config: &IssuerConfig, client: &Client, grant: &Grant) -> bool {
    // A client's own grant needs none: it can ask again.
    (grant.user.is_some() || !grant.claims.is_empty())
        && config.refresh != RefreshPolicy::Never
        && client.may_use("refresh_token")
        && (!config.refresh_needs_offline_access || scope::contains(&grant.scope, "offline_access"))
}

/// Members of a token response, at most.
const MEMBERS: usize = 7;
