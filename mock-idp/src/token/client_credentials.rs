//! The client credentials grant (RFC 6749 section 4.4).

use super::{Ask, Issue};
use crate::client::ClientAuth;
use crate::error::OAuthError;
use crate::state::Grant;
use crate::{resource, scope, secret};

/// A token for the client itself.
pub(super) fn grant(ask: &Ask<'_>) -> Result<Issue, OAuthError> {
    let Ask { issuer, client, form, .. } = *ask;
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
        client_id: client.id.clone(),
        resources: resources.clone(),
        scope: scope.clone(),
        ..Grant::default()
    };
    Ok(Issue { grant, scope, resources, ..Issue::default() })
}
