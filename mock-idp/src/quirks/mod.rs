//! What real providers do otherwise than the specifications say, as settings of an issuer.
//!
//! A [`Personality`](crate::Personality) is a set of these; the default is none of them.

mod check;
mod documents;
mod grant;
mod paths;
mod profile;
mod reply;
mod shape;

pub(crate) use check::{registration, request};
pub(crate) use documents::{offers, published};
pub(crate) use grant::{Memory, audience, is_offline, may_refresh, mints_opaque, opaque, remember};
pub(crate) use paths::{endpoint_at, issuer_at, path_of};
pub(crate) use profile::profile;
pub(crate) use reply::{answer, encode, reworded};
pub(crate) use shape::{is_access, reshapes, restore_scope, shape};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Departures of real providers from the specifications; each is off by default.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Quirks {
    /// Endpoints that are not there, by name (`introspect`, `revoke`, `userinfo`): 404, and not in the metadata.
    pub absent: Vec<String>,
    /// Claims of access tokens to add or replace. Texts may name `{base}` (the provider's URL), `{client-id}`, `{issuer}`,
    /// `{sub}` and `{tenant}` (the last segment of the issuer's name that is no version).
    pub access_claims: Map<String, Value>,
    /// Claims that access tokens do not have.
    pub access_claims_drop: Vec<String>,
    /// `typ` in the header of access tokens; an empty text: none.
    pub access_typ: Option<String>,
    /// Tokens of a client for itself have these in `roles`, and no scope.
    pub app_roles: Option<Vec<String>>,
    /// Where the `aud` of access tokens comes from.
    pub audience: AudienceFrom,
    /// Scopes without a resource in front belong to one fixed resource.
    pub bare_scopes: Option<BareScopes>,
    /// Registration refuses, though the metadata offers it.
    pub closed_registration: Option<ClosedRegistration>,
    /// Where the metadata stands; empty: everywhere.
    pub documents: Vec<Place>,
    /// Errors of the token endpoint come with status 200.
    pub errors_with_200: bool,
    /// `expires_in` of the token response.
    pub expires_in: ExpiresIn,
    /// The token endpoint answers as a form unless the request accepts JSON.
    pub form_answers: bool,
    /// What the scope of a client for itself has to end with: one resource and this.
    pub machine_scope: Option<MachineScope>,
    /// Members that the metadata lacks.
    pub metadata_drop: Vec<String>,
    /// Gives no ID token, whatever the scope.
    pub no_id_token: bool,
    /// Gives opaque access tokens where the request named no audience of its own.
    pub opaque_without_audience: bool,
    /// Where endpoints are, by their names: paths below the issuer, or from the provider's root with a leading slash. The
    /// metadata tells the first; the others, and the endpoint's own name below the issuer, are answered as well.
    pub paths: BTreeMap<String, Vec<String>>,
    /// An end of the issuer's name that the paths stand beside, not below: `v2.0`.
    pub paths_beside: String,
    /// What userinfo answers, whatever the scope, in place of the claims of OpenID Connect. Texts may name `{username}`;
    /// `{number}` alone is a number that stands for the user.
    pub profile: Map<String, Value>,
    /// Gives refresh tokens only if the authorization request had these parameters.
    pub refresh_needs: Map<String, Value>,
    /// Gives a user's refresh token to a client once; again only for `prompt=consent`.
    pub refresh_once: bool,
    /// Scopes that are refused instead of dropped.
    pub refused_scopes: Option<RefusedScopes>,
    /// A `resource` has to be the resource in front of the scopes.
    pub resource_agrees_with_scope: Option<Refusal>,
    /// How access tokens carry their scope.
    pub scope_claim: ScopeClaim,
    /// A request for scopes has to name some: at the authorization endpoint, and of a client for itself.
    pub scope_required: Option<Refusal>,
    /// The token response lists scopes with commas.
    pub scopes_with_commas: bool,
    /// The scope in access tokens is without the resource in front, and without the scopes of OpenID Connect.
    pub short_scopes: bool,
    /// The grant type of a token request that names none.
    pub silent_grant: Option<String>,
    /// Errors of the token endpoint in other words: by their code here, or by `redirect_uri` for a redirect URI that is not
    /// the one of the authorization request.
    pub token_errors: BTreeMap<String, Refusal>,
    /// What opaque access tokens begin with.
    pub token_prefix: String,
}

/// Where the `aud` of access tokens comes from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AudienceFrom {
    /// The parameter `audience`; with the scope `openid`, the userinfo endpoint as well.
    Parameter,
    /// The `resource` (RFC 8707), else the issuer's default.
    #[default]
    Resource,
    /// The `resource`, and no `aud` without one.
    ResourceOnly,
    /// The resource in front of the scopes, else the issuer's default.
    Scope,
    /// The same without `api://`: the id of the application that stands for the resource.
    ScopeId,
}

/// Where metadata can stand.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Nowhere.
    Nowhere,
    /// `ISSUER/.well-known/oauth-authorization-server`, as some servers have it beside RFC 8414 section 3.
    OauthAppended,
    /// `/.well-known/oauth-authorization-server/PATH` (RFC 8414 section 3).
    OauthInserted,
    /// `ISSUER/.well-known/openid-configuration` (OpenID Connect Discovery section 4).
    OidcAppended,
    /// `/.well-known/openid-configuration/PATH` (RFC 8414 section 5).
    OidcInserted,
}

/// `expires_in` of the token response.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiresIn {
    /// Left out.
    Absent,
    /// A number, as RFC 6749 section 5.1 has it.
    #[default]
    Number,
    /// A text.
    Text,
}

/// How access tokens carry their scope.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeClaim {
    /// `scope`, with spaces (RFC 9068 section 2.2.3).
    #[default]
    Scope,
    /// `scp`, with spaces.
    Scp,
    /// `scp`, a list.
    ScpList,
}

/// An error in a provider's own words. The description may name `{resource}` and `{scope}`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Refusal {
    /// `error`.
    pub error: String,
    /// `error_description`.
    pub description: String,
}

/// Scopes without a resource in front.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BareScopes {
    /// Those that are known; any other is refused. The ones of OpenID Connect are known anyway.
    pub known: Vec<String>,
    /// How.
    pub refusal: Refusal,
}

/// The scope of a client for itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MachineScope {
    /// What follows the resource: `/.default`.
    pub suffix: String,
    /// How anything else is refused.
    pub refusal: Refusal,
}

/// Registration that is offered and refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClosedRegistration {
    /// How.
    pub refusal: Refusal,
    /// The status code.
    pub status: u16,
    /// Hosts of redirect URIs that may register after all.
    #[serde(default)]
    pub trusted_hosts: Vec<String>,
}

/// Scopes that are refused.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RefusedScopes {
    /// Which.
    pub scopes: Vec<String>,
    /// How.
    pub refusal: Refusal,
}

/// The resource in front of a scope: `api://app` of `api://app/read`, or the id of an application (a UUID). None for a scope
/// that stands alone.
fn resource_of(scope: &str) -> Option<&str> {
    let (resource, _) = scope.rsplit_once('/')?;
    (resource.contains("://") || is_uuid(resource)).then_some(resource)
}

/// Whether a text is a UUID (RFC 9562 section 4).
fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len()));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

/// Whether OpenID Connect gives the scope its meaning (OpenID Connect Core sections 3.1.2.1, 5.4 and 11).
fn is_openid(scope: &str) -> bool {
    ["openid", "profile", "email", "address", "phone", "offline_access"].contains(&scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_stands_in_front_of_the_scope() {
        assert_eq!(resource_of("api://app/read"), Some("api://app"));
        assert_eq!(resource_of("https://h.example/mcp/.default"), Some("https://h.example/mcp"));
        let id = "6a8b4b39-c021-437c-b060-5a14a3fd65f3";
        assert_eq!(resource_of(&format!("{id}/full_access")), Some(id));
        for bare in ["read", "User.Read", "api://app", "6a8b4b39-c021-437c-b060/read"] {
            assert_eq!(resource_of(bare).filter(|resource| resource.len() > 6), None, "{bare}");
        }
    }
}
