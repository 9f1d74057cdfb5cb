//! The embedded reference deployments: started in this process, with our identity provider and document host beside them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fixtures::Faults;
use url::Url;

use crate::diag::Source;
use crate::run::Helpers;
use crate::target::Profile;
use crate::wire::host::DocumentHost;

/// A running reference deployment and the helpers that judge it.
pub struct Reference {
    /// The profile that judges it.
    pub profile: Profile,
    /// The harness's own servers.
    pub helpers: Helpers,
    server: fixtures::server::Running,
}

impl Reference {
    /// Starts the reference deployment `server`, with faults switched on, on a free loopback port.
    ///
    /// # Errors
    /// If no socket can be bound.
    pub async fn start(faults: Faults) -> std::io::Result<Reference> {
        Reference::start_with(&Helpers::start().await?, faults).await
    }

    /// Starts it beside helpers that run already: `prove` starts one deployment a fault, but one identity provider.
    ///
    /// # Errors
    /// If no socket can be bound.
    pub async fn start_with(helpers: &Helpers, faults: Faults) -> std::io::Result<Reference> {
        let mut helpers = helpers.clone();
        if let Some((idp, issuer)) = &mut helpers.idp {
            // An issuer of its own: cases of several deployments that run at once may all change what theirs does.
            *issuer = own_issuer(idp);
        }
        let trusted = helpers.idp.iter().map(|(_, issuer)| issuer.url()).collect();
        let hosts =
            helpers.host.iter().filter_map(|h| Some(Url::parse(&h.url("/")).ok()?.authority().to_owned())).collect();
        let server = fixtures::server::start(fixtures::server::Options {
            faults,
            trusted_issuers: trusted,
            metadata_hosts: hosts,
            jwks_cooldown: JWKS_COOLDOWN,
            expiry_leeway: Duration::ZERO,
            ..Default::default()
        })
        .await?;
        let profile = profile(server.mcp_url()).map_err(std::io::Error::other)?;
        Ok(Reference { profile, helpers, server })
    }

    /// The MCP URL.
    #[must_use]
    pub fn mcp_url(&self) -> &str {
        self.server.mcp_url()
    }

    /// Stops the deployment; the helpers go on.
    pub async fn stop(self) {
        self.server.stop().await;
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
        Ok(Helpers { host: Some(Arc::new(host)), idp: Some((idp, issuer)) })
    }
}

/// A new issuer of our identity provider.
fn own_issuer(idp: &mock_idp::MockIdp) -> mock_idp::Issuer {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let issuer = idp.issuer(&format!("harness-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    // ES256 signs far faster than RS256 (see `benches/`), and the references take both.
    issuer.configure(|config| config.alg = mock_idp::Alg::Es256);
    issuer.publish_alg(mock_idp::Alg::Rs256);
    issuer
}

/// The profile of the reference deployment, as a user would write it.
fn profile(mcp_url: &str) -> Result<Profile, String> {
    let mut text = format!("[target]\nname = \"reference\"\nmcp-url = \"{mcp_url}\"\n");
    text.push_str(include_str!("profile.toml"));
    Profile::parse(Source::new("reference profile", text), &|_| None)
        .map_err(|slips| crate::diag::render(&slips, false))
}

/// Short, so that the cases that rotate keys need not wait long; the profile says the same.
const JWKS_COOLDOWN: Duration = Duration::from_millis(400);

/// Where `serve` listens unless told otherwise.
#[must_use]
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
