//! The jwt-bearer grant (RFC 7523 section 2.1): assertions of workloads, and ID-JAGs of an identity provider.

use serde_json::{Map, Value};

use super::{Ask, Issue};
use crate::client::{Client, ClientAuth};
use crate::error::OAuthError;
use crate::params::Params;
use crate::presented::{self, Presented, SKEW};
use crate::settings::TokenType;
use crate::state::Grant;
use crate::{resource, scope, secret};

/// Redeems an assertion of an issuer that the settings trust.
pub(super) fn grant(ask: &Ask<'_>) -> Result<Issue, OAuthError> {
    let text = ask.form.get("assertion").ok_or_else(|| OAuthError::invalid_request("assertion is missing"))?;
    let assertion = presented::jwt(ask.issuer, text).map_err(refused)?;
    check(ask, &assertion)?;
    let identity = assertion.typ == ID_JAG;
    let (resources, scope) = if identity { identity_grant(ask, &assertion)? } else { workload_grant(ask, &assertion)? };
    // Last, so that a request that asks for too much does not spend the assertion.
    first_use(ask, &assertion)?;
    let sub = assertion.text("sub");
    let grant = Grant {
        id: secret::random_id(),
        claims: Map::from_iter([("sub".to_owned(), Value::from(sub))]),
        client_id: ask.client.id.clone(),
        resources: resources.clone(),
        scope: scope.clone(),
        ..Grant::default()
    };
    Ok(Issue { grant, scope, resources, ..Issue::default() })
}

/// The client of a request that only has an assertion: the workload itself.
///
/// # Errors
/// `invalid_request` without an assertion, `invalid_grant` for one without subject.
pub(super) fn workload(form: &Params) -> Result<Client, OAuthError> {
    let text = form.get("assertion").ok_or_else(|| OAuthError::invalid_request("assertion is missing"))?;
    let claims = presented::unverified(text).unwrap_or_default();
    let sub = claims.get("sub").and_then(Value::as_str).filter(|sub| !sub.is_empty());
    let id = sub.ok_or_else(|| refused("it has no sub"))?;
    Ok(Client { id: id.to_owned(), ..Client::default() })
}

/// What every assertion has to have (RFC 7523 section 3).
fn check(ask: &Ask<'_>, assertion: &Presented) -> Result<(), OAuthError> {
    let (config, now, own) = (ask.issuer.config(), ask.issuer.now(), ask.issuer.url());
    let from = assertion.text("iss");
    // An assertion of our own says nothing that we do not know (ID-JAG draft section 8.3).
    if from == own {
        return Err(refused("it is our own"));
    }
    if !["", "jwt", ID_JAG].contains(&assertion.typ.as_str()) {
        return Err(refused("it is a token of another type"));
    }
    let known = config.trusted_issuers.iter().find(|known| known.issuer == from);
    let known = known.ok_or_else(|| refused("its issuer is not trusted"))?;
    let sub = assertion.text("sub");
    if sub.is_empty() || !(known.subjects.is_empty() || known.subjects.iter().any(|subject| subject == sub)) {
        return Err(refused("its subject is nobody here"));
    }
    let token = ask.issuer.endpoint_url("token");
    let endpoint = assertion.typ != ID_JAG && !config.assertions.issuer_only;
    let ours = |name: &str| name == own || (endpoint && name == token);
    match presented::audiences(&assertion.claims).as_slice() {
        [one] if ours(one) => {}
        _ => return Err(refused("it is not for us alone")),
    }
    if assertion.time("exp").is_none_or(|exp| exp > now + LONGEST) {
        return Err(refused("it is valid for too long"));
    }
    Ok(())
}

/// An ID-JAG: by the client that it names, for the resource and at most the scope that it names.
fn identity_grant(ask: &Ask<'_>, assertion: &Presented) -> Result<(Vec<String>, String), OAuthError> {
    if ask.client.auth == ClientAuth::None {
        return Err(OAuthError::invalid_client("an ID-JAG is redeemed by a client that authenticates"));
    }
    if assertion.text("client_id") != ask.client.id {
        return Err(refused("it names another client"));
    }
    if assertion.text("jti").is_empty() || assertion.time("iat").is_none() {
        return Err(refused("it needs jti and iat"));
    }
    let bound = assertion.claims.get("cnf").and_then(|cnf| cnf.get("jkt"));
    if bound.is_some_and(|jkt| jkt.as_str() != ask.jkt) {
        return Err(refused("it is bound to another key"));
    }
    let named: Vec<&str> = match assertion.claims.get("resource") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let named = resource::permitted(&ask.issuer.config(), named.into_iter())
        .map_err(|_| refused("its resource is not ours"))?;
    let asked = resource::requested(&ask.issuer.config(), ask.form)?;
    let resources = if named.is_empty() { asked } else { resource::narrow(&named, asked)? };
    let held = assertion.text("scope");
    let wanted = match (ask.form.get("scope"), held) {
        (None, "") => String::new(),
        (None, held) => scope::grant(&ask.issuer.config(), ask.client, Some(held))?,
        (Some(asked), held) => scope::common(&scope::grant(&ask.issuer.config(), ask.client, Some(asked))?, held),
    };
    match wanted.is_empty() && ask.form.get("scope").is_some() {
        true => Err(OAuthError::invalid_scope("the assertion gives nothing of it")),
        false => Ok((resources, wanted)),
    }
}

/// A workload: what it asks for, as the client that it is. What the assertion claims beside its subject counts for nothing.
fn workload_grant(ask: &Ask<'_>, assertion: &Presented) -> Result<(Vec<String>, String), OAuthError> {
    let config = ask.issuer.config();
    if !config.assertions.allow_no_jti && assertion.text("jti").is_empty() {
        return Err(refused("it has no jti"));
    }
    let scope = match (ask.form.get("scope"), &ask.client.scope) {
        (None, None) => String::new(),
        (asked, _) => scope::grant(&config, ask.client, asked)?,
    };
    Ok((resource::requested(&config, ask.form)?, scope))
}

fn first_use(ask: &Ask<'_>, assertion: &Presented) -> Result<(), OAuthError> {
    let jti = assertion.text("jti");
    if jti.is_empty() || ask.issuer.config().assertions.allow_replay {
        return Ok(());
    }
    let name = format!("{}\n{}\n{jti}", TokenType::Jwt.urn(), assertion.text("iss"));
    ask.issuer.first_use(&secret::s256(&name)).then_some(()).ok_or_else(|| refused("it was used before"))
}

fn refused(why: &str) -> OAuthError {
    OAuthError::invalid_grant(&format!("the assertion is refused: {why}"))
}

const ID_JAG: &str = "oauth-id-jag+jwt";
/// How far away `exp` may be, in seconds.
const LONGEST: i64 = 3600 + SKEW;
