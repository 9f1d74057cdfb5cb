//! What all cases of a run share: the target as discovery found it, users, clients and the helpers around it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::clock::Clock;
use super::driven::Driven;
use super::exchange::Exchange;
use super::noted::{Noted, Reads, part};
use super::pool::Pool;
use crate::oauth::redirect::Redirect;
use crate::rule::McpVersion;
use crate::target::TokenLook;
use crate::wire::{Http, host::DocumentHost};

/// The target and everything that the harness holds ready around it.
#[derive(Clone)]
pub struct World {
    /// The HTTP client of the run.
    pub http: Arc<Http>,
    /// The MCP URL as the user gave it; compared byte for byte with `resource`.
    pub mcp_url: String,
    /// The MCP version that the harness speaks with this target.
    pub version: McpVersion,
    /// What discovery found.
    pub found: Noted<Found>,
    /// What an honest authorization request to this target needs.
    pub recipe: Noted<Recipe>,
    /// How tokens are exchanged here.
    pub exchange: Noted<Exchange>,
    /// Users that can log in, by name (`alice`, `mallory`).
    pub users: BTreeMap<String, User>,
    /// Hints for the login and consent pages from the profile.
    pub forms: LoginForm,
    /// How clients come into being.
    pub registration: Noted<Registration>,
    /// Clients that no case is using at the moment.
    pub pool: Arc<Pool>,
    /// Serves client metadata documents and key sets to the target.
    pub host: Option<Arc<DocumentHost>>,
    /// Our identity provider, if the target trusts it.
    pub idp: Option<Idp>,
    /// The MCP client under test, where the target is one.
    pub client: Option<Driven>,
    /// Tools by the scope they need: `read` works with the default grant, `write` needs more.
    pub tools: Noted<BTreeMap<String, Tool>>,
    /// Pages and endpoints of the target's own login, by name (profile section `[provisioning]`).
    pub provisioning: BTreeMap<String, String>,
    /// Authorities that count as the target's own: a redirect to one of these is followed.
    pub own_authorities: Noted<Vec<String>>,
    /// What waiting takes, and what time it is.
    pub clock: Clock,
    /// What cases read of all this, if a proof wants to know.
    pub reads: Reads,
}

/// What discovery found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The protected resource metadata (RFC 9728).
    pub prm: Option<Value>,
    /// Where it stood.
    pub prm_url: Option<String>,
    /// The issuer that was chosen from `authorization_servers`.
    pub issuer: String,
    /// The authorization server metadata (RFC 8414 or OpenID Connect Discovery).
    pub metadata: Value,
    /// Where it stood.
    pub as_url: Option<String>,
    /// The authorization server's key set, if it publishes one.
    pub jwks: Option<Value>,
    /// `scope` of the 401 challenge.
    pub challenge_scope: Option<String>,
}

/// What an honest authorization request needs at this target.
#[derive(Debug, Clone, Default)]
pub struct Recipe {
    /// The scope to ask for: the challenge's, else all of `scopes_supported` (MCP Scope Selection Strategy).
    pub scope: Option<String>,
    /// The `resource` to send (RFC 8707): the metadata's, else the MCP URL.
    pub resource: String,
    /// Whether `resource` is sent at all (MCP from 2025-06-18).
    pub send_resource: bool,
    /// Whether authorization requests are pushed (RFC 9126), because the authorization server takes no others.
    pub push: bool,
    /// Whether consent is remembered for a user and a client, so that the page comes once: cases about it need new clients.
    pub consent_kept: bool,
    /// Whether each token request carries a DPoP proof unless the step says otherwise, because the authorization server gives
    /// nothing without one (RFC 9449). Bare authorization servers only: calls are sent with plain tokens.
    pub prove: bool,
    /// Whether our identity provider makes the bound tokens that the MCP server takes (RFC 9449).
    pub minted_bound: bool,
    /// Whether honest tokens are minted by our identity provider: no client can get one, but the target trusts it.
    pub minted: bool,
    /// Whether the honest tokens are those that the operator gives for each user (profile: `login.how = "token"`).
    pub given: bool,
    /// Whether each authorization request carries a `nonce` unless the step says otherwise, because the authorization server
    /// takes none without. OpenID Connect Core section 3.1.2.1 lets requests for a code do without.
    pub nonce: bool,
    /// What client assertions name as their audience, where it is not the issuer.
    pub assertion_audience: Option<String>,
    /// Whether clients that act without a user have no credentials, because assertions are taken from clients without any.
    pub public_machines: bool,
    /// Whether clients that act without a user send their secret in the form, because HTTP Basic, though offered, does not work.
    pub post_machines: bool,
    /// For how long used refresh tokens may be taken again (a grace for clients that lost an answer); absent: not at all.
    pub refresh_grace: Option<Duration>,
    /// Further parameters, for instance `prompt=consent` where refresh tokens need it.
    pub extra: Vec<(String, String)>,
}

/// A user of the target.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// What goes into the user field.
    pub username: String,
    /// What goes into the password field.
    pub password: String,
    /// Further form fields.
    pub fields: Vec<(String, String)>,
    /// The access token that the operator gives instead of a login.
    pub token: Option<String>,
}

impl User {
    pub(super) fn member(&self, name: &str) -> Option<Value> {
        match name {
            "username" => Some(self.username.clone().into()),
            "password" => Some(self.password.clone().into()),
            _ => None,
        }
    }
}

/// Hints for pages that cannot be understood by themselves.
#[derive(Debug, Clone, Default)]
pub struct LoginForm {
    /// Name of the user field.
    pub username_field: Option<String>,
    /// Name of the password field.
    pub password_field: Option<String>,
    /// Text, name or value of the button that logs in.
    pub submit: Option<String>,
    /// Text, name or value of the approving button.
    pub approve: Option<String>,
    /// Text, name or value of the denying button or link.
    pub deny: Option<String>,
    /// User names of the profile: a page that offers them asks which account.
    pub users: Vec<String>,
    /// Names of the clients: a page that says one may ask for consent to it.
    pub clients: Vec<String>,
    /// Pages that the honest journey passed on its way to the one that names the client ([`mark`](super::between::mark)).
    pub steps: Vec<String>,
    /// The command that answers the pages instead, because a script builds them; empty: there is none.
    pub command: Vec<String>,
}

impl LoginForm {
    /// Nothing is said.
    const NO_HINTS: LoginForm = LoginForm {
        username_field: None,
        password_field: None,
        submit: None,
        approve: None,
        deny: None,
        users: Vec::new(),
        clients: Vec::new(),
        steps: Vec::new(),
        command: Vec::new(),
    };
}

/// How clients come into being.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    /// The way to take.
    pub how: super::client::How,
    /// The preset client, if there is one.
    pub preset: Option<super::client::Client>,
    /// A second preset client.
    pub other: Option<super::client::Client>,
    /// `client_name` of registered clients.
    pub client_name: String,
    /// Redirect URIs of registered clients; the first one is used.
    pub redirect_uris: Vec<String>,
    /// How an ordinary client authenticates that registers; not at all, if the target serves clients without a secret.
    pub method: Option<String>,
    /// `scope` of a registration; usually left out, because some servers refuse to widen it later.
    pub scope: Option<String>,
}

/// A tool and the scope it needs.
#[derive(Debug, Clone)]
pub struct Tool {
    /// The tool's name.
    pub name: String,
    /// Arguments of an honest call.
    pub arguments: Map<String, Value>,
    /// The scope it needs, if known.
    pub scope: Option<String>,
}

/// Our identity provider, as the target knows it.
#[derive(Clone)]
pub struct Idp {
    /// The provider.
    pub idp: mock_idp::MockIdp,
    /// The issuer that the target trusts.
    pub issuer: mock_idp::Issuer,
    /// Host and port of that issuer.
    pub authority: String,
    /// The audience that tokens for the target carry.
    pub audience: Noted<String>,
    /// The scope of an honest token.
    pub scope: Noted<Option<String>>,
    /// What else an honest token has to look like.
    pub look: TokenLook,
    /// How long the target waits before it fetches the key set again for a `kid` that it does not know.
    pub cooldown: Duration,
    /// The subject of an employee that the target knows.
    pub employee: String,
    /// A workload that the target lets in.
    pub workload: Noted<Option<IdpWorkload>>,
}

/// A workload for which our identity provider vouches.
#[derive(Debug, Clone)]
pub struct IdpWorkload {
    /// The `sub` claim.
    pub subject: String,
    /// Further claims that the target asks for.
    pub claims: Map<String, Value>,
    /// `aud`; empty means: the token endpoint.
    pub audience: String,
}

impl World {
    /// Scheme, host and port of the MCP URL.
    #[must_use]
    pub fn origin(&self) -> String {
        Url::parse(&self.mcp_url).map(|u| u.origin().ascii_serialization()).unwrap_or_default()
    }

    /// The MCP URL as it may be written as well: without a path, with or without slash (RFC 9110 section 4.2.3). With a path
    /// there is no other way.
    #[must_use]
    pub fn mcp_url_twin(&self) -> String {
        twin(&self.mcp_url, &self.origin())
    }

    /// Whether the target is an authorization server alone: everything about MCP is then beside the point.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.mcp_url.is_empty()
    }

    /// Where the target is: the MCP URL, or the issuer of a bare authorization server.
    #[must_use]
    pub fn place(&self) -> &str {
        if self.is_bare() { &part!(self.found, issuer) } else { &self.mcp_url }
    }

    /// Path of the MCP URL.
    #[must_use]
    pub fn mcp_path(&self) -> String {
        Url::parse(&self.mcp_url).map(|u| u.path().to_owned()).unwrap_or_default()
    }

    /// Host and port of the MCP URL.
    #[must_use]
    pub fn mcp_authority(&self) -> String {
        authority(&self.mcp_url)
    }

    /// The scope to ask for where no user is there: without what concerns a login.
    #[must_use]
    pub fn machine_scope(&self) -> Option<String> {
        let words = part!(self.recipe, scope).as_deref().unwrap_or_default().split(' ');
        let kept: Vec<&str> = words.filter(|word| !word.is_empty() && !OPENID_SCOPES.contains(word)).collect();
        (!kept.is_empty()).then(|| kept.join(" "))
    }

    /// The issuer as the authorization server itself writes it.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.found.member("issuer").and_then(Value::as_str).unwrap_or_else(|| &part!(self.found, issuer)).to_owned()
    }

    /// Scheme, host and port of the issuer.
    #[must_use]
    pub fn as_origin(&self) -> String {
        Url::parse(&part!(self.found, issuer)).map(|u| u.origin().ascii_serialization()).unwrap_or_default()
    }

    /// An endpoint of the authorization server by its metadata name.
    ///
    /// # Errors
    /// If the metadata does not name it.
    pub fn endpoint(&self, name: &str) -> Result<String, String> {
        let known = self.found.member(name).and_then(Value::as_str);
        known.map(str::to_owned).ok_or_else(|| format!("the authorization server's metadata has no `{name}`"))
    }

    /// A tool by what it needs: `read`, `write`.
    #[must_use]
    pub fn tool(&self, which: &str) -> Option<&Tool> {
        self.tools.get(which)
    }

    /// The scope that a kind of tool needs.
    #[must_use]
    pub fn scope(&self, which: &str) -> Option<String> {
        self.tools.get(which).and_then(|t| t.scope.clone())
    }

    /// Every scope of the resource that is known: what its metadata lists, else what the authorization server lists
    /// without the scopes that concern the login (OpenID Connect Core section 5.4 and 11).
    #[must_use]
    pub fn resource_scopes(&self) -> Vec<String> {
        let listed = |list: Option<&Value>| {
            let words = list
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .filter(|s| !OPENID_SCOPES.contains(s));
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        let name = "scopes_supported";
        let (own, server) = (listed(self.found.prm_member(name)), listed(self.found.member(name)));
        // Resource metadata names what basic use needs (MCP, Scope Selection Strategy), not all that there is.
        [own, server].concat().into_iter().fold(Vec::new(), add_new)
    }

    /// Whether a `Location` points into the target itself, so that a browser would simply go on.
    #[must_use]
    pub fn is_own(&self, location: &str) -> bool {
        if let Some(plain) = plain_authority(location) {
            return self.own_authorities.iter().any(|own| own == plain);
        }
        let Ok(url) = Url::parse(location) else { return false };
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && self.own_authorities.iter().any(|a| a == url.authority())
    }

    /// What the profile says of a page at this URL; those of our identity provider need no hints.
    #[must_use]
    pub fn hints(&self, url: &str) -> &LoginForm {
        static NONE: LoginForm = LoginForm::NO_HINTS;
        if self.is_upstream(url) { &NONE } else { &self.forms }
    }

    /// Whether a URL is one of our identity provider.
    #[must_use]
    pub fn is_upstream(&self, url: &str) -> bool {
        self.idp.as_ref().is_some_and(|idp| match plain_authority(url) {
            Some(plain) => plain == idp.authority,
            None => authority(url) == idp.authority,
        })
    }
}

impl Noted<Found> {
    /// A member of the authorization server metadata.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.at(&["metadata", name]).metadata.get(name)
    }

    /// A member of the protected resource metadata.
    #[must_use]
    pub fn prm_member(&self, name: &str) -> Option<&Value> {
        self.at(&["prm", name]).prm.as_ref()?.get(name)
    }
}

/// Host and port of a URL; empty if it is none.
#[must_use]
pub fn authority(url: &str) -> String {
    let plain = plain_authority(url).map(str::to_owned);
    plain.or_else(|| Some(Url::parse(url).ok()?.authority().to_owned())).unwrap_or_default()
}

/// The authority of an http(s) URL in which it can be read as it stands: every journey asks for those of many URLs, and taking
/// one apart is a hundred times the work. `None` says nothing.
fn plain_authority(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    // A default port is not written, and which one that is depends on the scheme.
    let is_port = |port: &str| {
        let number = port.parse::<u16>().ok().filter(|number| !matches!(number, 80 | 443));
        number.is_some_and(|number| number.to_string() == port)
    };
    let is_label = |label: &str| label.bytes().all(|byte| byte.is_ascii_lowercase()) && !label.is_empty();
    let is_host = host.parse::<Ipv4Addr>().is_ok() || host.split('.').all(is_label);
    (is_host && port.is_none_or(is_port)).then_some(authority)
}

fn add_new(mut list: Vec<String>, word: String) -> Vec<String> {
    if !list.contains(&word) {
        list.push(word);
    }
    list
}

/// Scopes that concern the login and not a resource.
pub const OPENID_SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

impl Idp {
    /// Whether a `Location` is an authorization request to it: the moment at which a proxy sends the user upstream.
    #[must_use]
    pub fn is_asked_at(&self, location: &str) -> bool {
        let place = location.split(['?', '#']).next().unwrap_or_default();
        self.issuer.answers_at(place, mock_idp::Endpoint::Authorize)
    }

    /// The authorization request that a `Location` means: itself, or with the parameters that were pushed before (RFC 9126 section 4).
    #[must_use]
    pub fn request_at(&self, location: &str) -> String {
        let redirect = Redirect::parse(location);
        let Some(pushed) = redirect.query("request_uri").and_then(|uri| self.issuer.pushed(uri)) else {
            return location.to_owned();
        };
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pushed).finish();
        format!("{}?{query}", redirect.base)
    }

    pub(super) fn member(&self, name: &str) -> Option<Value> {
        match name {
            "issuer" => Some(self.issuer.url().into()),
            "audience" => Some(self.audience.as_str().into()),
            "employee" => Some(self.employee.clone().into()),
            "workload" => self.workload.as_ref().map(|workload| workload.subject.clone().into()),
            "token" => Some(self.issuer.mint(self.honest_token()).into()),
            _ => None,
        }
    }

    /// An honest access token for the target.
    #[must_use]
    pub fn honest_token(&self) -> mock_idp::TokenSpec {
        let mut claims = self.look.claims.clone();
        claims.extend(self.scope_claim(self.scope.as_deref().unwrap_or_default()));
        mock_idp::TokenSpec {
            audience: vec![String::clone(&self.audience)],
            claims,
            client_id: "authspec".into(),
            typ: self.look.typ.clone(),
            ..mock_idp::TokenSpec::default()
        }
    }

    /// A scope in the claim in which the target looks for it; nothing for an empty one.
    #[must_use]
    pub fn scope_claim(&self, scope: &str) -> Option<(String, Value)> {
        (!scope.is_empty()).then(|| (self.look.scope_claim.clone(), scope.into()))
    }
}

/// The scopes of the first text that are not in the second: what has to be added.
#[must_use]
pub fn beyond(scope: &str, held: &str) -> String {
    let is_held = |word: &&str| held.split(' ').any(|known| known == *word);
    scope.split(' ').filter(|word| !word.is_empty() && !is_held(word)).collect::<Vec<_>>().join(" ")
}

fn twin(url: &str, origin: &str) -> String {
    match url.strip_prefix(origin) {
        Some("") => format!("{origin}/"),
        Some("/") => origin.to_owned(),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_authority_is_what_parsing_finds() {
        let parsed = |url: &str| Url::parse(url).expect("a URL").authority().to_owned();
        for url in ["http://127.0.0.1:8080/cb?x", "https://localhost", "http://a.b:1#c", "https://mcp.example/"] {
            assert_eq!(plain_authority(url), Some(parsed(url).as_str()), "{url}");
        }
        let others = [
            "http://127.1/",
            "http://127.0.0.01/",
            "http://h:80/",
            "https://h:443/",
            "http://h:081/",
            "http://h:+81/",
            "http://H/",
            "http://u@h/",
            "http://h\\x/",
            "http://h.1/",
            "http://xn--a/",
            "http://[::1]/",
            "ftp://h/",
            "http:///",
            "http://h:/",
            "h",
        ];
        for url in others {
            assert_eq!(plain_authority(url), None, "{url}");
        }
    }

    #[test]
    fn a_url_without_a_path_is_written_in_two_ways() {
        let origin = "https://mcp.example";
        assert_eq!(twin("https://mcp.example", origin), "https://mcp.example/");
        assert_eq!(twin("https://mcp.example/", origin), "https://mcp.example");
        assert_eq!(twin("https://mcp.example/mcp/", origin), "https://mcp.example/mcp/");
    }
}
