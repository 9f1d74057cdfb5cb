//! What a grant gives, where that hangs on the request that began it.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{AudienceFrom, Quirks, is_openid, resource_of};
use crate::config::{AccessFormat, IssuerConfig};
use crate::issuer::Issuer;
use crate::jose::Sign;
use crate::mint::TokenSpec;
use crate::params::Params;
use crate::scope;
use crate::state::Grant;
use crate::store::Store;

/// What an issuer with quirks remembers beside everything else.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The request that began a grant, by the grant's id.
    asked: Store<Params>,
    /// Users and clients with a refresh token.
    refreshed: Store<()>,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self { asked: Store::new(limit), refreshed: Store::new(limit) }
    }
}

/// Keeps the request that began a grant, for issuers whose tokens hang on it.
pub(crate) fn remember(issuer: &Issuer, grant: &Grant, asked: &Params) {
    static NONE: LazyLock<Quirks> = LazyLock::new(Quirks::default);
    if issuer.config().quirks == *NONE {
        return;
    }
    let mut state = issuer.lock();
    if !state.quirks.asked.contains(&grant.id) {
        state.quirks.asked.insert(grant.id.as_str(), asked.clone());
    }
}

/// The audience of an access token for these scopes and resources.
pub(crate) fn audience(issuer: &Issuer, grant: &Grant, granted: &str, resources: &[String]) -> Vec<String> {
    let config = issuer.config();
    let in_front = || granted.split(' ').filter(|scope| !is_openid(scope)).find_map(resource_of);
    match config.quirks.audience {
        AudienceFrom::Resource => issuer.audience_or_default(resources),
        AudienceFrom::ResourceOnly => resources.to_vec(),
        AudienceFrom::Scope | AudienceFrom::ScopeId => match in_front() {
            None => issuer.audience_or_default(&[]),
            Some(resource) if config.quirks.audience == AudienceFrom::Scope => vec![resource.to_owned()],
            Some(resource) => vec![resource.strip_prefix("api://").unwrap_or(resource).to_owned()],
        },
        AudienceFrom::Parameter => {
            let userinfo = issuer.endpoint_url("userinfo");
            match asked(issuer, grant, "audience").or_else(|| config.default_audience.clone()) {
                None => vec![userinfo],
                Some(audience) if scope::contains(granted, "openid") => vec![audience, userinfo],
                Some(audience) => vec![audience],
            }
        }
    }
}

/// Whether the access token of a grant is opaque though those of the issuer are JWTs.
pub(crate) fn opaque(issuer: &Issuer, grant: &Grant) -> bool {
    let config = issuer.config();
    config.quirks.opaque_without_audience
        && config.default_audience.is_none()
        && asked(issuer, grant, "audience").is_none()
}

/// Whether a login that leads to such a token gives an opaque one; what only a JWT has asks for a JWT.
pub(crate) fn mints_opaque(config: &IssuerConfig, spec: &TokenSpec) -> bool {
    let jwt = spec.alg.is_some() || spec.payload.is_some() || spec.typ.is_some() || !spec.header.is_empty();
    let unheard =
        config.quirks.opaque_without_audience && config.default_audience.is_none() && spec.audience.is_empty();
    !jwt && spec.sign == Sign::Current && (config.access_format == AccessFormat::Opaque || unheard)
}

/// Whether the request that began a grant earns a refresh token. From then on the client has one for this user.
pub(crate) fn may_refresh(issuer: &Issuer, grant: &Grant) -> bool {
    let config = issuer.config();
    let quirks = &config.quirks;
    let earned =
        quirks.refresh_needs.iter().all(|(name, value)| asked(issuer, grant, name).as_deref() == value.as_str());
    if !earned || !quirks.refresh_once {
        return earned;
    }
    let again = asked(issuer, grant, "prompt").is_some_and(|prompt| scope::contains(&prompt, "consent"));
    let key = format!("{} {}", grant.client_id, grant.user.as_deref().unwrap_or_default());
    let mut state = issuer.lock();
    let known = state.quirks.refreshed.contains(&key);
    if !known {
        state.quirks.refreshed.insert(key, ());
    }
    again || !known
}

/// Whether the request that began a token's grant asked for access while the user is away, Google's way.
pub(crate) fn is_offline(issuer: &Issuer, claims: &Map<String, Value>) -> bool {
    let grant = claims.get("jti").and_then(Value::as_str).and_then(|jti| jti.split('.').next()).unwrap_or_default();
    asked_for(issuer, grant, "access_type").as_deref() == Some("offline")
}

/// A parameter of the request that began a grant.
fn asked(issuer: &Issuer, grant: &Grant, name: &str) -> Option<String> {
    asked_for(issuer, &grant.id, name)
}

fn asked_for(issuer: &Issuer, grant: &str, name: &str) -> Option<String> {
    issuer.lock().quirks.asked.get(grant)?.get(name).map(str::to_owned)
}
