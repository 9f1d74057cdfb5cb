//! The token endpoint (RFC 6749 section 3.2): who asks, by which grant; one file for each grant.

mod authorization_code;
mod client_credentials;
mod issue;
mod refresh_token;

pub(crate) use issue::about;

use crate::client::{Client, authenticate};
use crate::endpoint::form_only;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::params::Params;
use crate::reply::Reply;
use crate::request::Request;
use crate::script::Answer;
use crate::state::Grant;
use crate::{quirks, resource};

/// `POST /token`.
///
/// # Errors
/// Any of RFC 6749 section 5.2 and `invalid_target` (RFC 8707 section 2).
pub(crate) fn token(issuer: &Issuer, request: &Request, script: &Answer) -> Result<Reply, OAuthError> {
    form_only(request)?;
    let client = authenticate(issuer, request)?;
    let form = &request.form;
    let kind = form.get("grant_type").ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?;
    let (_, handler) = GRANTS
        .iter()
        .find(|(name, _)| *name == kind)
        .ok_or_else(|| OAuthError::new("unsupported_grant_type", "the grant type is not supported"))?;
    if !client.may_use(kind) {
        return Err(OAuthError::unauthorized_client("the client did not register this grant type"));
    }
    quirks::request(&issuer.config(), form, false)?;
    let issue = handler(issuer, &client, form)?;
    quirks::remember(issuer, &issue.grant, form);
    Ok(issue::respond(issuer, &client, &issue, script))
}

/// The grant types as advertised.
pub(crate) fn grant_types() -> Vec<&'static str> {
    GRANTS.iter().map(|(name, _)| *name).collect()
}

/// What a grant gives out.
struct Issue {
    grant: Grant,
    /// The scope of this access token: at most that of the grant.
    scope: String,
    /// The audience of this access token: at most that of the grant.
    resources: Vec<String>,
    new_refresh: bool,
}

/// How a grant answers: what to issue, or why not.
type Handler = fn(&Issuer, &Client, &Params) -> Result<Issue, OAuthError>;

/// A new grant type is a file of its own and a line here.
const GRANTS: [(&str, Handler); 3] = [
    ("authorization_code", authorization_code::redeem),
    ("refresh_token", refresh_token::refresh),
    ("client_credentials", client_credentials::grant),
];

/// The resources for this token: asked for now, within those of the grant (RFC 8707 section 2.2).
fn narrowed(issuer: &Issuer, grant: &Grant, form: &Params) -> Result<Vec<String>, OAuthError> {
    resource::narrow(&grant.resources, resource::requested(&issuer.config(), form)?)
}
