//! Who an exchanged token is for, and what it may do there (RFC 8693 sections 2.1 and 2.2.2).

use super::Ask;
use super::party::Party;
use crate::error::OAuthError;
use crate::resource;
use crate::scope::{self, common};
use crate::settings::{ExchangeTarget, TokenType};

/// The target of a request.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// `aud`; empty: the issuer's default.
    pub(super) audience: Vec<String>,
    /// Who the client is there, in an ID-JAG.
    pub(super) client_id: Option<String>,
    /// `resource` of an ID-JAG, whose audience is the authorization server.
    pub(super) resource_claim: Vec<String>,
    /// What may be had there; none: anything.
    limit: Option<String>,
}

impl Target {
    /// Reads `audience` and `resource`.
    ///
    /// # Errors
    /// `invalid_target` for a target that is not served; `invalid_request` for an ID-JAG without audience.
    pub(super) fn read(ask: &Ask<'_>, wanted: TokenType) -> Result<Self, OAuthError> {
        let config = ask.issuer.config();
        let known = &config.exchange.targets;
        let named: Vec<&str> = ask.form.all("audience").collect();
        let resources = resource::requested(&config, ask.form)?;
        if wanted == TokenType::IdJag && named.len() != 1 {
            return Err(OAuthError::invalid_request("an ID-JAG is for one audience: an authorization server"));
        }
        let mut target = Self::default();
        for name in &named {
            if name.len() > MAX_AUDIENCE || name.contains(char::is_whitespace) {
                return Err(refused("the audience is no name"));
            }
            let has = |own: &str| own == *name;
            let mapped =
                ask.client.audiences.iter().any(|own| has(own)) || config.default_audience.as_deref().is_some_and(has);
            if config.exchange.audience_filters && !mapped {
                return Err(OAuthError::invalid_request(&format!("Requested audience not available: {name}")));
            }
            if !known.is_empty() {
                let entry = entry(ask, known, name)?;
                target.restrict(entry);
                target.client_id = entry.client_ids.get(&ask.client.id).cloned();
                let elsewhere = |resource: &&String| !entry.resources.is_empty() && !entry.resources.contains(resource);
                if resources.iter().find(elsewhere).is_some() {
                    return Err(refused("the resource does not belong to the audience"));
                }
            }
        }
        // Beside an audience, a resource may be one of the audience's own.
        let own = |resource: &str| known.iter().any(|t| named.contains(&t.audience.as_str()) && has(t, resource));
        for resource in resources.iter().filter(|resource| !known.is_empty() && !own(resource)) {
            let entry = entry(ask, known, resource)?;
            target.restrict(entry);
        }
        if wanted == TokenType::IdJag {
            target.audience = named.into_iter().map(str::to_owned).collect();
            target.resource_claim = resources;
            return Ok(target);
        }
        target.client_id = None;
        for one in named.into_iter().map(str::to_owned).chain(resources) {
            if !target.audience.contains(&one) {
                target.audience.push(one);
            }
        }
        match target.audience.len() > MAX_TARGETS {
            true => Err(refused("too many targets")),
            false => Ok(target),
        }
    }

    /// Scopes of two targets in one token: only what both have.
    fn restrict(&mut self, entry: &ExchangeTarget) {
        let Some(scope) = &entry.scope else { return };
        self.limit = Some(match self.limit.take() {
            None => scope.clone(),
            Some(before) => common(&before, scope),
        });
    }
}

/// The scope of the new token: asked for, within the subject token's, the client's and the target's.
///
/// # Errors
/// `invalid_scope`: malformed, more than the subject token has (unless the settings reduce it), or nothing is left.
pub(super) fn scope(ask: &Ask<'_>, subject: &Party, target: &Target) -> Result<String, OAuthError> {
    let config = ask.issuer.config();
    let asked = ask.form.get("scope");
    let held = subject.scope().filter(|_| !config.exchange.own_scope);
    let within = match (held, asked) {
        (None, None) if config.exchange.own_scope => scope::grant(&config, ask.client, None)?,
        (None, None) => String::new(),
        // A token that says nothing of scopes: what the client may have anyway.
        (None, Some(asked)) => scope::grant(&config, ask.client, Some(asked))?,
        (Some(held), None) => held,
        (Some(held), Some(asked)) if config.exchange.reduce_scope => common(&scope::well_formed(asked)?, &held),
        (Some(held), Some(asked)) => scope::narrow(&held, Some(&scope::well_formed(asked)?))?,
    };
    let limits = [ask.client.scope.as_deref(), target.limit.as_deref()];
    let granted = limits.into_iter().flatten().fold(within, |scope, limit| common(&scope, limit));
    match asked.is_some() && granted.is_empty() {
        true => Err(OAuthError::invalid_scope("nothing of the requested scope is left for this client and target")),
        false => Ok(granted),
    }
}

fn entry<'a>(ask: &Ask<'_>, known: &'a [ExchangeTarget], name: &str) -> Result<&'a ExchangeTarget, OAuthError> {
    let entry = known.iter().find(|target| target.audience == name);
    let entry = entry.ok_or_else(|| refused("the target is not known here"))?;
    match entry.clients.is_empty() || entry.clients.contains(&ask.client.id) {
        true => Ok(entry),
        false => Err(refused("the client may not have tokens for that target")),
    }
}

fn has(target: &ExchangeTarget, resource: &str) -> bool {
    target.audience == resource || target.resources.iter().any(|own| own == resource)
}

fn refused(why: &str) -> OAuthError {
    OAuthError::invalid_target(why)
}

/// Bytes.
const MAX_AUDIENCE: usize = 2048;
const MAX_TARGETS: usize = 10;
