//! Token exchange (RFC 8693): a token for somebody else, made from one that was presented.

use serde_json::{Map, Value, json};

use super::party::{self, Party};
use super::target::{self, Target};
use super::{Ask, Issue};
use crate::client::ClientAuth;
use crate::error::OAuthError;
use crate::secret;
use crate::settings::TokenType;
use crate::state::Grant;

/// Exchanges the subject token.
pub(super) fn exchange(ask: &Ask<'_>) -> Result<Issue, OAuthError> {
    let config = ask.issuer.config();
    match ask.client.auth {
        _ if config.exchange.public_clients => {}
        ClientAuth::None => {
            return Err(OAuthError::unauthorized_client("a client that does not authenticate cannot exchange tokens"));
        }
        // Whoever nobody registered may have any secret, but has to have one.
        ClientAuth::Anything if ask.bare => {
            return Err(OAuthError::invalid_client("an exchange needs a client that authenticates"));
        }
        _ => {}
    }
    let wanted = wanted(ask)?;
    let subject = party::subject(ask)?;
    let actor = party::actor(ask)?;
    if let Some(actor) = &actor {
        party::may_act(&subject, &Value::Object(actor.claims.clone()))?;
    }
    check_binding(ask, &subject)?;
    if wanted == TokenType::IdJag {
        check_identity(ask, &subject)?;
    }
    let mut claims = Map::new();
    match impersonated(ask, &subject)? {
        Some(sub) => {
            claims.insert("sub".to_owned(), sub.into());
            claims.insert("act".to_owned(), json!({ "sub": subject.text("sub") }));
        }
        None => {
            claims.insert("sub".to_owned(), subject.text("sub").into());
            if let Some(act) = act(ask, &subject, actor.as_ref()) {
                claims.insert("act".to_owned(), act);
            }
        }
    }
    let target = Target::read(ask, wanted)?;
    let scope = target::scope(ask, &subject, &target)?;
    if let Some(client_id) = target.client_id {
        claims.insert("client_id".to_owned(), client_id.into());
    }
    if !target.resource_claim.is_empty() {
        claims.insert("resource".to_owned(), one_or_many(target.resource_claim));
    }
    let grant = Grant {
        id: subject.grant.clone().unwrap_or_else(secret::random_id),
        auth_time: subject.claims.get("auth_time").and_then(Value::as_i64),
        claims,
        client_id: ask.client.id.clone(),
        resources: target.audience.clone(),
        scope: scope.clone(),
        ..Grant::default()
    };
    let resources = target.audience;
    Ok(Issue { grant, scope, resources, exchange: Some(wanted), until: Some(subject.expires), ..Issue::default() })
}

/// What is asked for; an access token if nothing is said.
fn wanted(ask: &Ask<'_>) -> Result<TokenType, OAuthError> {
    let wanted = match ask.form.get("requested_token_type") {
        None => Some(TokenType::Access),
        Some(urn) => TokenType::parse(urn),
    };
    wanted
        .filter(|wanted| ask.issuer.config().exchange.requested_types.contains(wanted))
        .ok_or_else(|| OAuthError::invalid_request("the requested_token_type is not supported"))
}

/// A token bound to a key must not become one that anybody can use.
fn check_binding(ask: &Ask<'_>, subject: &Party) -> Result<(), OAuthError> {
    let Some(cnf) = subject.claims.get("cnf") else { return Ok(()) };
    if cnf.get("jkt").is_none() {
        return Err(OAuthError::invalid_request("the subject token is bound in a way that is not supported here"));
    }
    match ask.jkt.is_none() {
        true => {
            Err(OAuthError::invalid_request("the subject token is bound to a key: send a proof, to bind the new one"))
        }
        false => Ok(()),
    }
}

/// An ID-JAG is made from an identity: an ID token, or the refresh token that came with one.
fn check_identity(ask: &Ask<'_>, subject: &Party) -> Result<(), OAuthError> {
    if !matches!(subject.kind, TokenType::Id | TokenType::Refresh) {
        return Err(OAuthError::invalid_request("an ID-JAG is made from an ID token or a refresh token"));
    }
    match ask.form.get("actor_token") {
        Some(_) => Err(OAuthError::invalid_request("an ID-JAG knows no actor")),
        None => Ok(()),
    }
}

/// Who the token is to be about, where `requested_subject` names somebody: an extension that some providers have. Only
/// for clients that are trusted with it, and only from a token about the client itself.
fn impersonated(ask: &Ask<'_>, subject: &Party) -> Result<Option<String>, OAuthError> {
    let Some(name) = ask.form.get("requested_subject") else { return Ok(None) };
    let config = ask.issuer.config();
    if !config.exchange.impersonators.contains(&ask.client.id) {
        return Err(OAuthError::new("access_denied", "the client may not act as somebody else"));
    }
    if subject.text("sub") != ask.client.id {
        return Err(OAuthError::invalid_request("requested_subject goes with a token about the client itself"));
    }
    let known = config.users.iter().find(|user| user.username == name || user.sub == name);
    known
        .map(|user| Some(user.sub.clone()))
        .ok_or_else(|| OAuthError::invalid_request("requested_subject is nobody's name"))
}

/// The `act` claim of the new token (RFC 8693 section 4.1): who acts now, and inside who acted before.
fn act(ask: &Ask<'_>, subject: &Party, actor: Option<&Party>) -> Option<Value> {
    let before = subject.claims.get("act").cloned();
    let mut act = match actor {
        Some(actor) => {
            let mut act = Map::from_iter([("sub".to_owned(), Value::from(actor.text("sub")))]);
            if actor.text("iss") != ask.issuer.url() {
                act.insert("iss".to_owned(), actor.text("iss").into());
            }
            act
        }
        None if ask.issuer.config().exchange.client_as_actor => {
            Map::from_iter([("sub".to_owned(), Value::from(ask.client.id.as_str()))])
        }
        None => return before,
    };
    if let Some(before) = before {
        act.insert("act".to_owned(), before);
    }
    Some(act.into())
}

fn one_or_many(mut values: Vec<String>) -> Value {
    match values.len() {
        1 => values.remove(0).into(),
        _ => values.into(),
    }
}
