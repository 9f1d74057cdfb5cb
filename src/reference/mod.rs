//! The embedded reference deployments: started in this process, with our identity provider and document host beside them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fixtures::{Fault, Faults};

use crate::diag::Source;
use crate::run::{Helpers, Party, helpers};
use crate::step;
use crate::target::Profile;
use crate::wire::host::DocumentHost;

/// A reference deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deployment {
    /// An MCP client.
    Client,
    /// An MCP server with its own authorization server.
    Server,
    /// An MCP server whose authorization server logs users in at an identity provider: ours.
    ConsentProxy,
    /// The same before an identity provider that speaks https.
    HttpsProxy,
    /// An MCP server that takes the tokens of an identity provider, ours, and calls its API with exchanged ones; over https.
    ExchangeGateway,
    /// An MCP server that takes the tokens of an identity provider, ours, over https, and makes none itself.
    ScopedApi,
    /// An MCP server whose clients are all one client at an identity provider, ours, which speaks https and answers them
    /// itself.
    SingleClientProxy,
    /// An MCP server that passes its clients on to an identity provider: ours.
    TransparentProxy,
    /// The same, with a second login in the browser that gives the server access of its own.
    ProvisioningServer,
}

impl Deployment {
    /// All of them.
    pub const ALL: [Deployment; 9] = [
        Deployment::Server,
        Deployment::ConsentProxy,
        Deployment::HttpsProxy,
        Deployment::SingleClientProxy,
        Deployment::TransparentProxy,
        Deployment::ProvisioningServer,
        Deployment::ExchangeGateway,
        Deployment::ScopedApi,
        Deployment::Client,
    ];

    /// Its name, as `run`, `serve` and the fault catalogue have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Deployment::Client => "client",
            Deployment::Server => "server",
            Deployment::ConsentProxy => "consent-proxy",
            Deployment::HttpsProxy => "https-proxy",
            Deployment::ExchangeGateway => "exchange-gateway",
            Deployment::ScopedApi => "scoped-api",
            Deployment::SingleClientProxy => "single-client-proxy",
            Deployment::TransparentProxy => "transparent-proxy",
            Deployment::ProvisioningServer => "provisioning-server",
        }
    }

    /// The deployment of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Deployment> {
        Deployment::ALL.into_iter().find(|deployment| deployment.name() == name)
    }

    /// The deployment that can have a fault.
    #[must_use]
    pub fn of(fault: &Fault) -> Deployment {
        Deployment::parse(fault.deployment).unwrap_or(Deployment::Server)
    }

    /// Whether its identity provider speaks https.
    fn is_behind_tls(self) -> bool {
        use Deployment::{ExchangeGateway, HttpsProxy, ScopedApi, SingleClientProxy};

        matches!(self, ExchangeGateway | HttpsProxy | ScopedApi | SingleClientProxy)
    }

    fn profile(self) -> &'static str {
        match self {
            Deployment::Client => include_str!("client.toml"),
            Deployment::Server => include_str!("server.toml"),
            Deployment::ConsentProxy | Deployment::HttpsProxy => include_str!("consent-proxy.toml"),
            Deployment::ExchangeGateway => include_str!("exchange-gateway.toml"),
            Deployment::ScopedApi => include_str!("scoped-api.toml"),
            Deployment::SingleClientProxy | Deployment::TransparentProxy => include_str!("transparent-proxy.toml"),
            Deployment::ProvisioningServer => include_str!("provisioning-server.toml"),
        }
    }
}

/// A running reference deployment and the helpers that judge it.
pub struct Reference {
    /// The profile that judges it.
    pub profile: Profile,
    /// The harness's own servers.
    pub helpers: Helpers,
    /// Absent for a client, which is started by each case.
    server: Option<fixtures::server::Running>,
}

impl Reference {
    /// Starts a reference deployment, with faults switched on, on a free loopback port.
    ///
    /// # Errors
    /// If no socket can be bound.
    pub async fn start(deployment: Deployment, faults: Faults) -> std::io::Result<Reference> {
        Reference::start_with(&Helpers::start().await?, deployment, faults).await
    }

    /// Starts it beside helpers that run already: `prove` starts one deployment a fault, but one identity provider.
    ///
    /// # Errors
    /// If no socket can be bound.
    pub async fn start_with(helpers: &Helpers, deployment: Deployment, faults: Faults) -> std::io::Result<Reference> {
        let mut helpers = helpers.clone();
        if deployment.is_behind_tls() {
            let options = mock_idp::Options { tls: true, ..mock_idp::Options::default() };
            let idp = mock_idp::MockIdp::start(options).await?;
            helpers.idp = Some((idp.clone(), idp.issuer("")));
        }
        if let Some((idp, issuer)) = &mut helpers.idp {
            // An issuer of its own: cases of several deployments that run at once may all change what theirs does.
            *issuer = own_issuer(idp);
        }
        let kept = faults.clone();
        let server = match deployment {
            Deployment::Client => {
                helpers.client = Some(driven(faults));
                // It looks at no clock.
                helpers.clock = step::Clock::that_passes(|_| {});
                let profile = profile(deployment, "").map_err(std::io::Error::other)?;
                return Ok(Reference { profile, helpers, server: None });
            }
            Deployment::Server => fixtures::server::start(server_options(&helpers, faults)).await?,
            Deployment::ConsentProxy | Deployment::HttpsProxy => {
                fixtures::proxy::start(proxy_options(&helpers, faults)).await?
            }
            Deployment::ExchangeGateway => fixtures::gateway::start(gateway_options(&helpers, faults)).await?,
            Deployment::ScopedApi => fixtures::api::start(api_options(&helpers, faults)).await?,
            Deployment::SingleClientProxy => {
                fixtures::single_client::start(single_client_options(&helpers, faults)).await?
            }
            Deployment::TransparentProxy => fixtures::transparent::start(transparent_options(&helpers, faults)).await?,
            Deployment::ProvisioningServer => {
                fixtures::provisioning::start(provisioning_options(&helpers, faults)).await?
            }
        };
        let profile = profile(deployment, server.mcp_url()).map_err(std::io::Error::other)?;
        helpers.clock = clock(&server, &helpers);
        if let Some((_, issuer)) = &helpers.idp {
            helpers::users(issuer, &profile);
            helpers::registrar(issuer, &profile, server.mcp_url());
            misfit(issuer, &kept);
        }
        Ok(Reference { profile, helpers, server: Some(server) })
    }

    /// Starts all deployments, healthy, each with an issuer of its own.
    ///
    /// # Errors
    /// If no socket can be bound.
    pub async fn start_all() -> std::io::Result<Vec<Reference>> {
        let helpers = Helpers::start().await?;
        let starting = Deployment::ALL.map(|deployment| Reference::start_with(&helpers, deployment, Faults::none()));
        futures_util::future::try_join_all(starting).await
    }

    /// What a run over several deployments needs of this one.
    #[must_use]
    pub fn party(&self) -> Party {
        Party {
            profile: self.profile.clone(),
            helpers: self.helpers.clone(),
            again: format!("authspec run {}", self.profile.target.name),
        }
    }

    /// The MCP URL; empty for a client.
    #[must_use]
    pub fn mcp_url(&self) -> &str {
        self.server.as_ref().map_or("", |server| server.mcp_url())
    }

    /// Stops the deployment; the helpers go on.
    pub async fn stop(self) {
        if let Some(server) = self.server {
            server.stop().await;
        }
        if let Some((idp, issuer)) = &self.helpers.idp {
            idp.remove_issuer(issuer);
        }
    }
}

impl Helpers {
    /// Starts a document host and an identity provider on free loopback ports.
    ///
    /// # Errors
    /// If no socket can be bound.
    pub async fn start() -> std::io::Result<Helpers> {
        let idp = mock_idp::MockIdp::start(mock_idp::Options::default()).await?;
        let issuer = own_issuer(&idp);
        let host = DocumentHost::start().await?;
        Ok(Helpers { host: Some(Arc::new(host)), idp: Some((idp, issuer)), ..Helpers::default() })
    }
}

/// The reference client, in this process.
fn driven(faults: Faults) -> step::Driven {
    step::Driven::within(move |url| {
        let faults = faults.clone();
        Box::pin(async move {
            let ended = fixtures::client::run(&url, &faults).await;
            step::Ended {
                code: Some(ended.code),
                how: format!("ended with exit code {}", ended.code),
                lines: ended.lines,
                opened: ended.opened,
                shown: ended.shown,
            }
        })
    })
}

/// A new issuer of our identity provider.
fn own_issuer(idp: &mock_idp::MockIdp) -> mock_idp::Issuer {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let issuer = idp.issuer(&format!("harness-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    // ES256 signs far faster than RS256 (see `benches/`), and the references take both.
    issuer.configure(|config| config.alg = mock_idp::Alg::Es256);
    issuer.publish_alg(mock_idp::Alg::Rs256);
    let upstream = fixtures::proxy::Upstream::default();
    helpers::client(&issuer, &upstream.client_id, upstream.client_secret.as_deref().unwrap_or_default());
    let provisioning = fixtures::provisioning::Options::default().upstream;
    helpers::client(&issuer, &provisioning.client_id, &provisioning.client_secret);
    let single = fixtures::single_client::Options::default().upstream;
    for transparent in [fixtures::transparent::Upstream::default(), single] {
        issuer.add_client(mock_idp::Client {
            any_loopback_redirect: true,
            ..mock_idp::Client::confidential(&transparent.client_id, &transparent.client_secret, &[])
        });
    }
    issuer
}

/// A clock that passes over what cases wait for, and over the delays of our identity provider: all who let things expire are ours here.
fn clock(server: &fixtures::server::Running, helpers: &Helpers) -> step::Clock {
    let server = server.clock();
    let issuer = helpers.idp.as_ref().map(|(_, issuer)| issuer.clock());
    let clock = step::Clock::that_passes(move |span| {
        server.pass(span);
        if let Some(issuer) = &issuer {
            issuer.pass(span);
        }
    });
    if let Some((_, issuer)) = &helpers.idp {
        let clock = clock.clone();
        issuer.pass_delays(move |delay| {
            clock.pass(delay);
        });
    }
    clock
}

fn server_options(helpers: &Helpers, faults: Faults) -> fixtures::server::Options {
    fixtures::server::Options {
        faults,
        trusted_issuers: helpers.idp.iter().map(|(_, issuer)| issuer.url()).collect(),
        metadata_hosts: metadata_hosts(helpers),
        jwks_cooldown: JWKS_COOLDOWN,
        expiry_leeway: Duration::ZERO,
        push_lifetime: PUSH_LIFETIME,
        id_token_lifetime: Some(ID_TOKEN_LIFETIME),
        ..Default::default()
    }
}

fn proxy_options(helpers: &Helpers, faults: Faults) -> fixtures::proxy::Options {
    let issuer = helpers.idp.as_ref().map(|(_, issuer)| issuer.url()).unwrap_or_default();
    fixtures::proxy::Options {
        faults,
        upstream: fixtures::proxy::Upstream { issuer, ca: ca(helpers), ..Default::default() },
        metadata_hosts: metadata_hosts(helpers),
        upstream_metadata_age: documents_age(helpers),
        // As its profile says.
        jwks_cooldown: Duration::from_millis(10),
        jwks_max_age: documents_age(helpers),
        ..Default::default()
    }
}

/// What clients of an identity provider that speaks https must trust.
fn ca(helpers: &Helpers) -> Option<String> {
    helpers.idp.as_ref().and_then(|(idp, _)| idp.ca_pem().map(str::to_owned))
}

/// How long documents of our identity provider are kept. Where it speaks https they are fetched for every login: cases show
/// another certificate then, and see whether it is looked at.
fn documents_age(helpers: &Helpers) -> Duration {
    if ca(helpers).is_some() { Duration::ZERO } else { Duration::from_secs(60) }
}

fn gateway_options(helpers: &Helpers, faults: Faults) -> fixtures::gateway::Options {
    let (issuer, ca) = (issuer_without_clients(helpers), ca(helpers));
    fixtures::gateway::Options { faults, issuer, ca, jwks_cooldown: JWKS_COOLDOWN, ..Default::default() }
}

fn api_options(helpers: &Helpers, faults: Faults) -> fixtures::api::Options {
    let (issuer, ca) = (issuer_without_clients(helpers), ca(helpers));
    fixtures::api::Options { faults, issuer, ca, jwks_cooldown: JWKS_COOLDOWN, ..Default::default() }
}

/// The issuer of a deployment that has no authorization server of its own: its clients are known beforehand, so that the
/// tokens of a run are made by the harness, with all that they must say.
fn issuer_without_clients(helpers: &Helpers) -> String {
    let Some((_, issuer)) = &helpers.idp else { return String::new() };
    issuer.configure(|config| config.dcr = false);
    issuer.url()
}

fn transparent_options(helpers: &Helpers, faults: Faults) -> fixtures::transparent::Options {
    let issuer = helpers.idp.as_ref().map(|(_, issuer)| issuer.url()).unwrap_or_default();
    fixtures::transparent::Options {
        faults,
        upstream: fixtures::transparent::Upstream { issuer, ..Default::default() },
        upstream_metadata_age: documents_age(helpers),
        jwks_cooldown: JWKS_COOLDOWN,
        expiry_leeway: Duration::ZERO,
        ..Default::default()
    }
}

fn single_client_options(helpers: &Helpers, faults: Faults) -> fixtures::single_client::Options {
    let issuer = helpers.idp.as_ref().map(|(_, issuer)| issuer.url()).unwrap_or_default();
    let upstream = fixtures::single_client::Options::default().upstream;
    fixtures::single_client::Options {
        faults,
        upstream: fixtures::transparent::Upstream { issuer, ca: ca(helpers), ..upstream },
        upstream_metadata_age: documents_age(helpers),
        jwks_cooldown: JWKS_COOLDOWN,
        expiry_leeway: Duration::ZERO,
        ..Default::default()
    }
}

fn provisioning_options(helpers: &Helpers, faults: Faults) -> fixtures::provisioning::Options {
    let issuer = helpers.idp.as_ref().map(|(_, issuer)| issuer.url()).unwrap_or_default();
    let upstream = fixtures::provisioning::Options::default().upstream;
    fixtures::provisioning::Options {
        faults,
        upstream: fixtures::transparent::Upstream { issuer, ..upstream },
        upstream_metadata_age: documents_age(helpers),
        jwks_cooldown: JWKS_COOLDOWN,
        expiry_leeway: Duration::ZERO,
        ..Default::default()
    }
}

/// Some faults of a transparent proxy show only before a provider that it does not suit.
fn misfit(issuer: &mock_idp::Issuer, faults: &Faults) {
    if fixtures::transparent::wants_iss(faults) {
        issuer.configure(|config| config.iss_in_response = true);
    }
    if fixtures::transparent::wants_optional_pkce(faults) {
        issuer.configure(|config| config.require_pkce = false);
    }
}

fn metadata_hosts(helpers: &Helpers) -> Vec<String> {
    helpers.host.iter().map(|host| host.authority()).collect()
}

/// The profile of a reference deployment, as a user would write it.
fn profile(deployment: Deployment, mcp_url: &str) -> Result<Profile, String> {
    let place = if mcp_url.is_empty() { String::new() } else { format!("mcp-url = \"{mcp_url}\"\n") };
    let mut text = format!("[target]\nname = \"{}\"\n{place}", deployment.name());
    let origin = mcp_url.strip_suffix("/mcp").unwrap_or(mcp_url);
    text.push_str(&deployment.profile().replace("{origin}", origin));
    Profile::parse(Source::new("reference profile", text), &|_| None)
        .map_err(|slips| crate::diag::render(&slips, false))
}

/// Short, so that the cases that rotate keys need not wait long; the profile says the same.
const JWKS_COOLDOWN: Duration = Duration::from_millis(200);

/// Short for the same reason, but long enough for a browser's journey on a busy machine.
const PUSH_LIFETIME: Duration = Duration::from_secs(3);

/// Short for the same reason: a client hands it in at once.
const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(4);

/// Where `serve` listens unless told otherwise.
#[must_use]
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
