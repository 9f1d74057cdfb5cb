//! The token endpoint (RFC 6749 section 3.2): who asks, by which grant; one file for each grant.

mod authorization_code;
mod client_credentials;
mod exchanged;
mod issue;
mod jwt_bearer;
mod party;
mod refresh_token;
mod target;
mod token_exchange;

pub(crate) use issue::about;

use crate::client::{Client, authenticate, named, offers_credential};
use crate::config::IssuerConfig;
use crate::dpop;
use crate::endpoint::form_only;
use crate::error::OAuthError;
use crate::issuer::Issuer;
use crate::params::{EXCHANGE, Params};
use crate::reply::Reply;
use crate::request::Request;
use crate::script::Answer;
use crate::settings::TokenType;
use crate::state::Grant;
use crate::{quirks, resource};

/// `POST /token`.
///
/// # Errors
/// Any of RFC 6749 section 5.2, `invalid_target` (RFC 8707 section 2), `invalid_dpop_proof` and `use_dpop_nonce` (RFC 9449).
pub(crate) fn token(issuer: &Issuer, request: &Request, script: &Answer) -> Result<Reply, OAuthError> {
    let config = issuer.config();
    granted(issuer, &config, request, script).map_err(|error| quirks::reworded(&config.quirks, error))
}

fn granted(issuer: &Issuer, config: &IssuerConfig, request: &Request, script: &Answer) -> Result<Reply, OAuthError> {
    form_only(request)?;
    let form = &request.form;
    let kind = form.get("grant_type").or(config.quirks.silent_grant.as_deref());
    let client = match kind {
        // The assertion says who asks (RFC 7523 section 2.1: client authentication is optional).
        Some(JWT_BEARER) if !named(request) => jwt_bearer::workload(form)?,
        _ => authenticate(issuer, request)?,
    };
    let kind = kind.ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?;
    let handler = GRANTS.iter().find(|(name, _)| *name == kind && offered(config, name));
    let (_, handler) =
        handler.ok_or_else(|| OAuthError::new("unsupported_grant_type", "the grant type is not supported"))?;
    if !client.may_use(kind) {
        return Err(OAuthError::unauthorized_client("the client did not register this grant type"));
    }
    quirks::request(config, form, Some(kind))?;
    let jkt = dpop::at_token_endpoint(issuer, &client, request)?;
    let ask = Ask { issuer, client: &client, form, jkt: jkt.as_deref(), bare: !offers_credential(request) };
    let mut issue = handler(&ask)?;
    issue.jkt = jkt;
    quirks::remember(issuer, &issue.grant, form);
    Ok(issue::respond(issuer, &client, &issue, script))
}

/// The grant types as advertised: those that work.
pub(crate) fn grant_types(config: &IssuerConfig) -> Vec<&'static str> {
    ALL_GRANTS.into_iter().filter(|name| offered(config, name)).collect()
}

fn offered(config: &IssuerConfig, grant: &str) -> bool {
    match grant {
        EXCHANGE => config.exchange.enabled,
        JWT_BEARER => !config.trusted_issuers.is_empty(),
        _ => true,
    }
}

/// A token request whose client is known.
struct Ask<'a> {
    issuer: &'a Issuer,
    client: &'a Client,
    form: &'a Params,
    /// Thumbprint of the key that the request proved to have.
    jkt: Option<&'a str>,
    /// Whether the request came without any credential of the client.
    bare: bool,
}

/// What a grant gives out.
#[derive(Default)]
struct Issue {
    grant: Grant,
    /// The scope of this access token: at most that of the grant.
    scope: String,
    /// The audience of this access token: at most that of the grant.
    resources: Vec<String>,
    new_refresh: bool,
    /// What a token exchange was asked for; the other grants give access tokens.
    exchange: Option<TokenType>,
    /// Thumbprint of the key that the token is bound to.
    jkt: Option<String>,
    /// When the token expires at the latest.
    until: Option<i64>,
}

/// How a grant answers: what to issue, or why not.
type Handler = fn(&Ask<'_>) -> Result<Issue, OAuthError>;

/// A new grant type is a file of its own and a line here.
const GRANTS: [(&str, Handler); 5] = [
    ("authorization_code", authorization_code::redeem),
    ("refresh_token", refresh_token::refresh),
    ("client_credentials", client_credentials::grant),
    (EXCHANGE, token_exchange::exchange),
    (JWT_BEARER, jwt_bearer::grant),
];
/// Every grant type there is, offered or not.
pub(crate) const ALL_GRANTS: [&str; 5] =
    ["authorization_code", "refresh_token", "client_credentials", EXCHANGE, JWT_BEARER];
/// RFC 7523 section 2.1.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The resources for this token: asked for now, within those of the grant (RFC 8707 section 2.2).
fn narrowed(issuer: &Issuer, grant: &Grant, form: &Params) -> Result<Vec<String>, OAuthError> {
    resource::narrow(&grant.resources, resource::requested(&issuer.config(), form)?)
}
