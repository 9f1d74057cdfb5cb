//! The client credentials grant (RFC 6749 section 4.4).

use super::Issue;
use crate::client::{Client, ClientAuth};
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::params::Params;
use crate::state::Grant;
use crate::{resource, scope, secret};

/// A token for the client itself.
pub(super) fn grant(issuer: &Issuer, client: &Client, form: &Params) -> Result<Issue, OAuthError> {
    if client.auth == ClientAuth::None {
        return Err(OAuthError::unauthorized_client("a public client cannot act for itself"));
    }
    let config = issuer.config();
    let scope = match (form.get("scope"), &client.scope) {
        // The default of users, openid, means nothing without one.
        (None, None) => String::new(),
        (asked, _) => scope::grant(&config, client, asked)?,
    };
    let resources = resource::requested(&config, form)?;
    let grant = Grant {
        id: secret::random_id(),
        auth_time: None,
        client_id: client.id.clone(),
        nonce: None,
        resources: resources.clone(),
        scope: scope.clone(),
        user: None,
    };
    Ok(Issue { grant, scope, resources, new_refresh: false })
}
