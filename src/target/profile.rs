//! The profile as data: every section with its defaults.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use serde_json::{Map, Value};
use url::{Host, Url};

use super::{Exchange, KnownFailure, Secret, read};
use crate::diag::{Diagnostic, Source, nearest};
use crate::oauth::client_key::ClientKey;
use crate::rule::words::words;
use crate::rule::{McpVersion, Role, Rules};

/// Everything the operator says about one target.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Where the target is and what it is.
    pub target: Target,
    /// How the harness becomes a client.
    pub registration: Registration,
    /// How users log in and approve.
    pub login: Login,
    /// The identity provider that the harness plays behind the target.
    pub upstream: Option<Upstream>,
    /// Who may exchange tokens, and for which target.
    pub exchange: Option<Exchange>,
    /// What honest tokens of that provider look like.
    pub token: TokenLook,
    /// Where a target that logs users in for itself has its pages and endpoints, by name (see [`PROVISIONING`]).
    pub provisioning: BTreeMap<String, String>,
    /// How to start and stop the target.
    pub launch: Option<super::Launch>,
    /// How gently to treat it.
    pub limits: Limits,
    /// What the operator says it can and cannot do, against what discovery finds.
    pub abilities: Abilities,
    /// Tools of the MCP server with the scopes that they need.
    pub scopes: Scopes,
    /// Failures that are accepted for now.
    pub known_failures: Vec<KnownFailure>,
    /// The file as complaints may show it: secrets are blotted out.
    pub source: Source,
}

/// `[target]`
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// A name for reports; by default host and port of the MCP URL.
    pub name: String,
    /// The MCP endpoint; absent until a launched target names it.
    pub mcp_url: Option<String>,
    /// The roles to judge; empty means: find out by discovery.
    pub roles: Vec<Role>,
    /// The MCP version to judge by; absent means: the newest that the target speaks.
    pub mcp_version: Option<McpVersion>,
    /// The issuer, where discovery must not decide.
    pub issuer: Option<String>,
    /// The resource indicator (RFC 8707), where it is not the MCP URL.
    pub resource: Option<String>,
    /// For how long a used refresh token is taken again on purpose, for clients that lost the answer; absent means: found out.
    pub refresh_grace: Option<Duration>,
    /// Further origins that requests may go to, such as `https://login.example.com`.
    pub allow: Vec<String>,
}

impl Target {
    /// Whether it is an MCP client, which has no place of its own and is sent to servers of ours.
    #[must_use]
    pub fn is_client(&self) -> bool {
        self.roles == [Role::Client]
    }
}

words! {
    /// Where the client of a run comes from.
    pub enum RegistrationHow as "way of registration" {
        /// Metadata document, then dynamic registration, then preset: the first that the target offers.
        Auto = "auto",
        /// A client ID metadata document, served by the harness.
        MetadataDocument = "metadata-document",
        /// Dynamic registration (RFC 7591).
        Dynamic = "dynamic",
        /// A client that exists already.
        Preset = "preset",
    }
}

words! {
    /// How a client authenticates at the token endpoint.
    pub enum AuthMethod as "authentication method" {
        /// Not at all: a public client.
        None = "none",
        /// HTTP Basic (RFC 6749, section 2.3.1).
        ClientSecretBasic = "client_secret_basic",
        /// Secret in the form body.
        ClientSecretPost = "client_secret_post",
        /// An assertion that the client signs (RFC 7523, section 2.2).
        PrivateKeyJwt = "private_key_jwt",
    }
}

words! {
    /// What a client registers as (OpenID Connect Dynamic Client Registration, section 2).
    pub enum ApplicationType as "application type" {
        /// An application on the user's device.
        Native = "native",
        /// An application on a web server.
        Web = "web",
    }
}

/// `[registration]`
#[derive(Clone, Debug)]
pub struct Registration {
    /// Which way.
    pub how: RegistrationHow,
    /// The preset client.
    pub client: Option<PresetClient>,
    /// A second preset client, for cases that need a stranger.
    pub other: Option<PresetClient>,
    /// Redirect URIs to register, or those the preset client has; empty means: loopback URIs of the harness.
    pub redirect_uris: Vec<String>,
    /// The name that consent pages show.
    pub client_name: Option<String>,
    /// The `scope` member of registrations; absent means: the member is left out.
    pub scope: Option<String>,
    /// The `application_type` member of registrations; absent means: it follows the redirect URIs.
    pub application_type: Option<ApplicationType>,
    /// Where the target can fetch client metadata documents.
    pub document_host: Option<DocumentHost>,
    /// How the client authenticates; absent means: as the target offers.
    pub token_endpoint_auth_method: Option<AuthMethod>,
}

/// A client that exists at the target already.
#[derive(Clone, Debug)]
pub struct PresetClient {
    /// Its `client_id`.
    pub id: String,
    /// Its `client_secret`; absent for a public client, and for one that has a key.
    pub secret: Option<Secret>,
    /// The private key that it signs assertions with.
    pub key: Option<Arc<ClientKey>>,
}

impl PresetClient {
    /// Whether it can authenticate.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.secret.is_some() || self.key.is_some()
    }

    /// How it authenticates where nobody says.
    #[must_use]
    pub fn default_method(&self) -> AuthMethod {
        match (&self.key, &self.secret) {
            (Some(_), _) => AuthMethod::PrivateKeyJwt,
            (None, Some(_)) => AuthMethod::ClientSecretBasic,
            (None, None) => AuthMethod::None,
        }
    }
}

/// Where the harness serves client metadata documents.
#[derive(Clone, Debug)]
pub struct DocumentHost {
    /// The address to listen on; port 0 means any free one.
    pub listen: SocketAddr,
    /// The base URL under which the target reaches that address; absent means: the address itself over http.
    pub url: Option<String>,
}

words! {
    /// How a user gets past the login of the target.
    pub enum LoginHow as "way of login" {
        /// Forms if there are any, else nothing.
        Auto = "auto",
        /// HTML forms are filled in and submitted.
        Form = "form",
        /// A command of the operator is given the authorization URL and prints where the browser ended.
        Command = "command",
        /// No login: an access token is given.
        Token = "token",
        /// The target approves without asking.
        None = "none",
    }
}

/// `[login]`
#[derive(Clone, Debug)]
pub struct Login {
    /// Which way.
    pub how: LoginHow,
    /// The users in the order of the file; never empty, the first one is the honest user.
    pub users: Vec<User>,
    /// The command of `how = "command"`; empty otherwise.
    pub command: Vec<String>,
    /// Which fields of the login form are which.
    pub form: FormHints,
    /// The name, value or text of the button that approves.
    pub approve_button: Option<String>,
    /// The name, value or text of the button that denies.
    pub deny_button: Option<String>,
}

impl Login {
    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }
}

/// A person with an account at the target.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// What cases call this person, such as `alice`.
    pub name: String,
    /// What to type as user name; absent means: the name.
    pub username: Option<String>,
    /// What to type as password; absent means: any text will do.
    pub password: Option<Secret>,
    /// Further form fields by name.
    pub fields: Vec<(String, Secret)>,
    /// An access token of this person, for `how = "token"`.
    pub token: Option<Secret>,
}

/// Which parts of the login form are which, where they cannot be told from their types and names.
#[derive(Clone, Debug, Default)]
pub struct FormHints {
    /// The name of the user name field.
    pub username_field: Option<String>,
    /// The name of the password field.
    pub password_field: Option<String>,
    /// The name, value or text of the button to press.
    pub submit: Option<String>,
}

/// `[upstream]`: the identity provider behind the target, played by the harness.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Where it listens; port 0 means any free one.
    pub listen: SocketAddr,
    /// It speaks https, and writes the certificate that the target must trust into this file; absent means: plain http.
    pub ca_file: Option<PathBuf>,
    /// The path of its issuer, with a leading slash; empty for none.
    pub issuer_path: String,
    /// The client that the target is at the upstream.
    pub client_id: Option<String>,
    /// The secret of that client.
    pub client_secret: Option<Secret>,
    /// The signature algorithm of its tokens; absent means: the default of the mock IdP.
    pub alg: Option<String>,
    /// The `aud` claim of its access tokens; absent means: what was asked for.
    pub audience: Option<String>,
    /// How long the target waits before it fetches the key set again for a `kid` that it does not know.
    pub jwks_cooldown: Duration,
    /// The provider whose documented habits it takes on, such as `entra`; absent means: nobody's.
    pub personality: Option<String>,
    /// Paths of its endpoints by their names, below the issuer or, with a leading slash, below its root. They come before
    /// those of the personality: for targets that have the paths of another product written into them.
    pub paths: Vec<(String, String)>,
    /// Whether it takes registered clients only, which the target passes on to it, and answers in the target's name: no
    /// `iss`, and tokens for the MCP server only.
    pub registers: bool,
    /// The scopes that it grants; empty means: any.
    pub scopes: Vec<String>,
    /// Its users, in the order of the file; empty means: whoever logs in exists.
    pub users: Vec<UpstreamUser>,
    /// The subject of an employee that the target knows by it, for identity assertions (ID-JAG).
    pub employee: Option<String>,
    /// A workload that the target lets in when this provider vouches for it.
    pub workload: Option<UpstreamWorkload>,
}

impl Upstream {
    /// What common libraries wait before they fetch a key set again (jose: 30 seconds).
    pub const JWKS_COOLDOWN: Duration = Duration::from_secs(30);

    /// Where a target finds the certificate that it must trust, from whatever folder it runs in; empty over plain http.
    #[must_use]
    pub fn ca_file_anywhere(&self) -> String {
        let absolute = |file: &PathBuf| std::path::absolute(file).unwrap_or_else(|_| file.clone());
        self.ca_file.as_ref().map(|file| absolute(file).display().to_string()).unwrap_or_default()
    }
}

/// A workload for which the upstream vouches.
#[derive(Clone, Debug)]
pub struct UpstreamWorkload {
    /// The `sub` claim.
    pub subject: String,
    /// Further claims that the target asks for, such as a tenant.
    pub claims: Map<String, Value>,
}

/// A person with an account at the upstream.
#[derive(Clone, Debug)]
pub struct UpstreamUser {
    /// The login name.
    pub name: String,
    /// The claims of this person's tokens.
    pub claims: Map<String, Value>,
}

/// `[token]`: what an honest access token of our identity provider has to look like for this target.
#[derive(Clone, Debug)]
pub struct TokenLook {
    /// The `aud` claim; absent means: the resource indicator.
    pub audience: Option<String>,
    /// The claim in which the target looks for scopes: `scope`, or `scp` with some providers.
    pub scope_claim: String,
    /// The `typ` header parameter; absent means: that of RFC 9068.
    pub typ: Option<String>,
    /// Further claims, such as `tid`.
    pub claims: Map<String, Value>,
}

impl TokenLook {
    /// What a case changes about the claims of an honest token. Where it speaks of `scope`, the claim is meant in which
    /// the target looks for scopes, unless the case names that one too: then it is taken by its word.
    #[must_use]
    pub fn changes(&self, claims: Map<String, Value>, drop: Vec<String>) -> Map<String, Value> {
        let own = self.scope_claim.as_str();
        let literal = claims.contains_key(own) || drop.iter().any(|name| name == own);
        let said = claims.into_iter().chain(drop.into_iter().map(|name| (name, Value::Null)));
        said.map(|(name, value)| if name == "scope" && !literal { (own.to_owned(), value) } else { (name, value) })
            .collect()
    }
}

impl Default for TokenLook {
    fn default() -> TokenLook {
        TokenLook { audience: None, scope_claim: "scope".to_owned(), typ: None, claims: Map::new() }
    }
}

words! {
    /// The signal that asks a launched target to stop.
    pub enum StopSignal as "signal" {
        /// What service managers send.
        Term = "SIGTERM",
        /// What a terminal sends.
        Int = "SIGINT",
    }
}

/// `[limits]`
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests a second to one authority; absent means: no limit (the default for loopback targets).
    pub requests_per_second: Option<u32>,
    /// Clients that a run may register.
    pub registrations: u32,
    /// Time for one answer.
    pub timeout: Duration,
    /// Longest body that is read, in bytes.
    pub max_body: u64,
    /// Cases at a time; absent means: the caller decides.
    pub jobs: Option<usize>,
    /// Loopback addresses that requests are sent from, in turn; empty means: the system decides.
    pub source_addresses: Vec<IpAddr>,
    /// Longest `Retry-After` that is waited for.
    pub max_retry_after: Duration,
}

/// `[abilities]`
#[derive(Clone, Debug, Default)]
pub struct Abilities {
    /// Abilities the target has, whatever discovery finds.
    pub with: Vec<Stated>,
    /// Abilities it has not.
    pub without: Vec<Stated>,
}

/// A word of the profile with its place, to be checked by whoever knows the vocabulary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stated {
    /// The word.
    pub word: String,
    /// Where it stands.
    pub span: Range<usize>,
}

/// `[scopes]`
#[derive(Clone, Debug, Default)]
pub struct Scopes {
    /// A tool that needs little; absent means: the first tool that `tools/list` shows.
    pub tool_read: Option<Tool>,
    /// A tool that needs more than the first.
    pub tool_write: Option<Tool>,
    /// A tool whose result shows what the writing one has done.
    pub tool_show: Option<Tool>,
    /// A tool that only the first user may use, whatever the scope of the token.
    pub tool_restricted: Option<Tool>,
    /// A tool that asks the upstream identity provider about the caller.
    pub tool_upstream: Option<Tool>,
    /// A tool of a gateway that reads from the API of our identity provider on behalf of the caller.
    pub tool_downstream: Option<Tool>,
    /// A tool of a gateway that writes there.
    pub tool_downstream_write: Option<Tool>,
}

/// A tool of the MCP server.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The scopes it needs.
    pub scopes: Vec<String>,
    /// Arguments for an honest call.
    pub arguments: Map<String, Value>,
}

impl Profile {
    /// Reads a profile. `env` answers for the environment, which is not read here.
    ///
    /// # Errors
    /// All slips of the file, in its order.
    pub fn parse(source: Source, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Diagnostic>> {
        read::profile(source, env)
    }

    /// The profile of somebody who only gave an MCP URL: everything is found out.
    ///
    /// # Errors
    /// Why the text is not the URL of an MCP endpoint.
    pub fn for_url(url: &str) -> Result<Self, String> {
        let parsed = read::web_url(url)?;
        let local = is_loopback(&parsed);
        Ok(Self {
            target: Target { name: host_and_port(&parsed), mcp_url: Some(url.to_owned()), ..Target::default() },
            registration: Registration::default(),
            login: Login::default(),
            upstream: None,
            exchange: None,
            token: TokenLook::default(),
            provisioning: BTreeMap::new(),
            launch: None,
            limits: Limits::for_target(local),
            abilities: Abilities::default(),
            scopes: Scopes::default(),
            known_failures: Vec::new(),
            source: Source::new(url, ""),
        })
    }

    /// Notes where a launched target answers, unless the profile already says so.
    ///
    /// # Errors
    /// Why `url` is not the URL of an MCP endpoint.
    pub fn launched_at(&mut self, url: &str) -> Result<(), String> {
        let parsed = read::web_url(url)?;
        if self.target.mcp_url.is_none() {
            self.target.mcp_url = Some(url.to_owned());
        }
        if self.target.name.is_empty() {
            self.target.name = host_and_port(&parsed);
        }
        Ok(())
    }

    /// Whether the target is on this machine: started by the profile, or reached over loopback.
    pub fn is_loopback(&self) -> bool {
        match self.target.mcp_url.as_ref().or(self.target.issuer.as_ref()) {
            Some(url) => Url::parse(url).is_ok_and(|url| is_loopback(&url)),
            None => self.launch.is_some(),
        }
    }

    /// Complaints about words whose vocabulary the profile itself does not know: rules of known failures, abilities.
    pub fn lint(&self, rules: &Rules, abilities: &[&str]) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for known in &self.known_failures {
            if let Some(rule) = known.rule.as_deref().filter(|rule| rules.get(rule).is_none()) {
                found.push(self.unknown("rule", rule, known.span.clone(), rules.iter().map(|rule| rule.id.as_str())));
            }
        }
        for stated in self.abilities.with.iter().chain(&self.abilities.without) {
            if !abilities.contains(&stated.word.as_str()) {
                found.push(self.unknown("ability", &stated.word, stated.span.clone(), abilities.iter().copied()));
            }
        }
        found.sort_by_key(|slip| slip.span.start);
        found
    }

    fn unknown<'a>(
        &self,
        kind: &str,
        word: &str,
        span: Range<usize>,
        known: impl Iterator<Item = &'a str>,
    ) -> Diagnostic {
        let slip = Diagnostic::new("unknown-word", &self.source, span, format!("unknown {kind} `{word}`"));
        match nearest(word, known) {
            Some(near) => slip.label(format!("did you mean `{near}`?")),
            None => slip,
        }
    }
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            how: RegistrationHow::Auto,
            client: None,
            other: None,
            redirect_uris: Vec::new(),
            client_name: None,
            scope: None,
            application_type: None,
            document_host: None,
            token_endpoint_auth_method: None,
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        Self {
            how: LoginHow::Auto,
            users: vec![User { name: FIRST_USER.to_owned(), ..User::default() }],
            command: Vec::new(),
            form: FormHints::default(),
            approve_button: None,
            deny_button: None,
        }
    }
}

impl Limits {
    /// The defaults: gentle, but as fast as it goes against a target on this machine.
    pub fn for_target(local: bool) -> Self {
        Self {
            requests_per_second: (!local).then_some(20),
            registrations: 15,
            timeout: Duration::from_secs(10),
            max_body: 1 << 20,
            jobs: None,
            source_addresses: Vec::new(),
            max_retry_after: Duration::from_secs(30),
        }
    }
}

/// Whether a URL points to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `localhost-3000`: a name that is also a file name.
pub(super) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or("target").trim_matches(['[', ']']).replace(':', "-");
    match url.port() {
        Some(port) => format!("{host}-{port}"),
        None => host,
    }
}

/// Whether a pattern says which part of a line is the URL.
pub(super) fn names_url(pattern: &Regex) -> bool {
    pattern.capture_names().flatten().any(|name| name == "url")
}

/// The first `count` loopback addresses.
pub(super) fn loopback_addresses(count: u8) -> Vec<IpAddr> {
    (1..=count).map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))).collect()
}

/// The keys of `[provisioning]`: paths of the target, and the name of its session cookie.
pub const PROVISIONING: [&str; 9] =
    ["account", "callback", "cookie", "login", "login-callback", "logout", "page", "start", "status"];

/// The user of a profile that names none.
pub(super) const FIRST_USER: &str = "alice";
