//! Subject and actor of a token exchange (RFC 8693 section 2.1): whose token was presented, and whether to believe it.

use serde_json::{Map, Value, json};

use super::Ask;
use crate::error::OAuthError;
use crate::presented::{self, Presented};
use crate::settings::TokenType;
use crate::state::Refresh;
use crate::{quirks, secret};

/// Somebody, as a verified token tells.
#[derive(Debug)]
pub(super) struct Party {
    pub(super) claims: Map<String, Value>,
    /// `exp`.
    pub(super) expires: i64,
    /// The grant that the token comes from, if it is ours: whoever ends it ends what was made from the token.
    pub(super) grant: Option<String>,
    pub(super) kind: TokenType,
}

impl Party {
    /// A claim that is a text, or nothing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.claims.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The scope that the token stands for; none if it is of a type that says nothing of scopes.
    pub(super) fn scope(&self) -> Option<String> {
        let words = ["scope", "scp"].iter().find_map(|name| self.claims.get(*name)).map(|value| match value {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            other => other.as_str().unwrap_or_default().to_owned(),
        });
        // An access token without scope allows nothing; an ID token does not speak of it.
        words.or_else(|| matches!(self.kind, TokenType::Access | TokenType::Refresh).then(String::new))
    }
}

/// The subject of the request.
///
/// # Errors
/// `invalid_request` for a token that is missing, invalid, or not for this client (RFC 8693 section 2.2.2).
pub(super) fn subject(ask: &Ask<'_>) -> Result<Party, OAuthError> {
    let config = ask.issuer.config();
    let missing = |name: &str| OAuthError::invalid_request(&format!("{name} is missing"));
    let token = ask.form.get("subject_token").ok_or_else(|| missing("subject_token"))?;
    let urn = ask.form.get("subject_token_type").ok_or_else(|| missing("subject_token_type"))?;
    let kind = TokenType::parse(urn).filter(|kind| config.exchange.subject_types.contains(kind));
    let kind = kind.ok_or_else(|| OAuthError::invalid_request("the subject_token_type is not supported"))?;
    let party = read(ask, token, kind).map_err(|why| refused("subject", why))?;
    if config.exchange.only_concerned && !concerns(ask, &party) {
        return Err(refused("subject", "the token is neither this client's nor for it"));
    }
    match ask.form.get("actor_token") {
        None => may_act(&party, &json!({ "sub": ask.client.id, "client_id": ask.client.id, "iss": ask.issuer.url() })),
        // Held against the actor token, when that is verified.
        Some(_) => Ok(()),
    }?;
    Ok(party)
}

/// The actor of the request, if it names one.
///
/// # Errors
/// `invalid_request`, as for the subject; also for an actor that the subject token's `may_act` does not name.
pub(super) fn actor(ask: &Ask<'_>) -> Result<Option<Party>, OAuthError> {
    let (token, urn) = match (ask.form.get("actor_token"), ask.form.get("actor_token_type")) {
        (None, None) => return Ok(None),
        (Some(token), Some(urn)) => (token, urn),
        (Some(_), None) => return Err(OAuthError::invalid_request("actor_token_type is missing")),
        (None, Some(_)) => return Err(OAuthError::invalid_request("actor_token_type without actor_token")),
    };
    if !ask.issuer.config().exchange.actors {
        return Err(OAuthError::invalid_request("actor tokens are not supported"));
    }
    // A refresh token is between a client and its issuer: it shows nobody who acts.
    let kind = TokenType::parse(urn).filter(|kind| matches!(kind, TokenType::Access | TokenType::Id | TokenType::Jwt));
    let kind = kind.ok_or_else(|| OAuthError::invalid_request("the actor_token_type is not supported"))?;
    let actor = read(ask, token, kind).map_err(|why| refused("actor", why))?;
    Ok(Some(actor))
}

/// Whether the subject token lets that party act (RFC 8693 section 4.4). Members that `may_act` does not name do not count.
///
/// # Errors
/// `invalid_request`: the subject token names somebody else.
pub(super) fn may_act(subject: &Party, actor: &Value) -> Result<(), OAuthError> {
    let Some(named) = subject.claims.get("may_act") else { return Ok(()) };
    let fits = named.as_object().is_some_and(|named| {
        !named.is_empty() && named.iter().all(|(name, value)| actor.get(name).is_some_and(|own| own == value))
    });
    match fits {
        true => Ok(()),
        false => Err(refused("subject", "its may_act names somebody else")),
    }
}

/// Reads a token as the type it is said to be.
fn read(ask: &Ask<'_>, token: &str, kind: TokenType) -> Result<Party, &'static str> {
    match kind {
        TokenType::Refresh => refresh(ask, token),
        TokenType::Access => match opaque(ask, token)? {
            Some(party) => Ok(party),
            None => {
                let config = ask.issuer.config();
                of_type(ask, token, kind, |presented| quirks::is_access(&config.quirks, presented))
            }
        },
        TokenType::Id => {
            let config = ask.issuer.config();
            // What was remembered is an access token, whatever its `typ`.
            let access = ask.issuer.lock().opaque.contains(&secret::s256(token));
            let party = of_type(ask, token, kind, |presented| {
                ["jwt", ""].contains(&&*presented.typ) && !access && !quirks::is_access(&config.quirks, presented)
            })?;
            let names = presented::audiences(&party.claims);
            // An ID token is for the client that the user logged in to.
            names.contains(&ask.client.id.as_str()).then_some(()).ok_or("the ID token is for another client")?;
            Ok(party)
        }
        TokenType::Jwt => of_type(ask, token, kind, |presented| ["at+jwt", "jwt", ""].contains(&&*presented.typ)),
        TokenType::IdJag => Err("an ID-JAG is an assertion, not a subject"),
    }
}

fn of_type(
    ask: &Ask<'_>,
    token: &str,
    kind: TokenType,
    fits: impl FnOnce(&Presented) -> bool,
) -> Result<Party, &'static str> {
    let presented = presented::jwt(ask.issuer, token)?;
    if !fits(&presented) || presented.claims.contains_key("events") {
        return Err("the token is of another type");
    }
    if presented.text("sub").is_empty() {
        return Err("the token has no sub");
    }
    let party = party(ask, presented, kind);
    // A foreign issuer's token for somebody else is one that somebody else may have leaked.
    match party.text("iss") == ask.issuer.url() || is_for_us(ask, &party) {
        true => Ok(party),
        false => Err("the token of another issuer is neither for us nor for this client"),
    }
}

fn party(ask: &Ask<'_>, presented: Presented, kind: TokenType) -> Party {
    let ours = presented.text("iss") == ask.issuer.url();
    let grant = presented.text("jti").split('.').next().filter(|id| ours && !id.is_empty()).map(str::to_owned);
    let expires = presented.time("exp").unwrap_or_default();
    Party { claims: presented.claims, expires, grant, kind }
}

/// An opaque access token of ours.
fn opaque(ask: &Ask<'_>, token: &str) -> Result<Option<Party>, &'static str> {
    let found = ask.issuer.lock().opaque.get(&secret::s256(token)).cloned();
    let Some(claims) = found else { return Ok(None) };
    if ask.issuer.ended(&claims) {
        return Err("the token was revoked");
    }
    presented::in_time(ask.issuer, &claims)?;
    Ok(Some(party(ask, Presented { claims, typ: "at+jwt".to_owned() }, TokenType::Access)))
}

/// A refresh token of this client.
fn refresh(ask: &Ask<'_>, token: &str) -> Result<Party, &'static str> {
    let found: Option<Refresh> = ask.issuer.lock().refresh.get(&secret::s256(token)).cloned();
    let refresh = found
        .filter(|refresh| refresh.grant.client_id == ask.client.id)
        .ok_or("the refresh token is not known for this client")?;
    if refresh.used.is_some() || refresh.expires <= ask.issuer.now() || !ask.issuer.lives(&refresh.grant) {
        return Err("the refresh token is used, expired or revoked");
    }
    if refresh.jkt.is_some() && refresh.jkt.as_deref() != ask.jkt {
        return Err("the refresh token is bound to another key");
    }
    let grant = &refresh.grant;
    let sub = grant.user.as_deref().map_or_else(|| grant.client_id.clone(), |user| ask.issuer.subject(user));
    let mut claims = Map::from_iter([
        ("iss".to_owned(), Value::from(ask.issuer.url())),
        ("sub".to_owned(), sub.into()),
        ("client_id".to_owned(), grant.client_id.as_str().into()),
        ("scope".to_owned(), grant.scope.as_str().into()),
    ]);
    if let Some(auth_time) = grant.auth_time {
        claims.insert("auth_time".to_owned(), auth_time.into());
    }
    claims.extend(grant.claims.clone());
    Ok(Party { claims, expires: refresh.expires, grant: Some(grant.id.clone()), kind: TokenType::Refresh })
}

/// Whether a token was given to the client, or is for it.
fn concerns(ask: &Ask<'_>, party: &Party) -> bool {
    let id = ask.client.id.as_str();
    party.text("client_id") == id || party.text("azp") == id || is_for(ask, party)
}

/// Whether a token's audience is this issuer, or the client.
fn is_for_us(ask: &Ask<'_>, party: &Party) -> bool {
    let ours = [ask.issuer.url(), ask.issuer.endpoint_url("token")];
    is_for(ask, party) || presented::audiences(&party.claims).iter().any(|name| ours.iter().any(|own| own == name))
}

/// Whether a token's audience is the client, or one of its resource servers.
fn is_for(ask: &Ask<'_>, party: &Party) -> bool {
    let own = |name: &str| ask.client.id == name || ask.client.audiences.iter().any(|own| own == name);
    presented::audiences(&party.claims).iter().any(|name| own(name))
}

fn refused(which: &str, why: &str) -> OAuthError {
    OAuthError::invalid_request(&format!("the {which} token is refused: {why}"))
}
