//! An identity provider for tests: zero-config issuers by path, both discovery documents, key sets, and tokens minted on
//! demand with any claim or header changed. It has no login and no grants yet: whoever holds an [`Issuer`] mints.

mod mint;
mod serve;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

pub use mint::{TokenKind, TokenSpec};
use tokio::task::JoinHandle;

/// How the provider starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 picks a free one.
    pub addr: SocketAddr,
}

impl Default for Options {
    fn default() -> Self {
        Self { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) }
    }
}

/// The signature algorithm of an issuer's tokens (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Alg {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256: the one every verifier knows.
    #[default]
    Rs256,
}

impl Alg {
    /// The algorithm by its JOSE name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "EdDSA" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

/// Settings of one issuer.
#[derive(Clone, Debug, Default)]
pub struct IssuerConfig {
    /// What its tokens are signed with.
    pub alg: Alg,
}

/// A running provider; it ends with the last handle.
#[derive(Clone, Debug)]
pub struct MockIdp {
    base: String,
    server: Arc<Server>,
}

#[derive(Debug)]
struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl MockIdp {
    /// Starts a provider.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(options.addr).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let app = serve::router(base.clone());
        let server = tokio::spawn(async move {
            // It serves until the task is aborted; an error of the listener ends it as well.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { base, server: Arc::new(Server(server)) })
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base.clone()
    }

    /// The issuer at a path without a leading slash; the empty path is the provider itself.
    #[must_use]
    pub fn issuer(&self, path: &str) -> Issuer {
        let url = if path.is_empty() { self.base.clone() } else { format!("{}/{path}", self.base) };
        Issuer { url, config: Arc::default() }
    }

    /// Stops it for all handles.
    pub async fn stop(self) {
        self.server.0.abort();
    }
}

/// One issuer: its settings and its tokens.
#[derive(Clone, Debug)]
pub struct Issuer {
    url: String,
    config: Arc<Mutex<IssuerConfig>>,
}

impl Issuer {
    /// The issuer identifier (RFC 8414 section 2).
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Changes its settings.
    pub fn configure(&self, change: impl FnOnce(&mut IssuerConfig)) {
        change(&mut self.config.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Mints a token: honest but for what the spec changes.
    #[must_use]
    pub fn mint(&self, spec: TokenSpec) -> String {
        let alg = self.config.lock().unwrap_or_else(PoisonError::into_inner).alg;
        mint::token(&self.url, alg, spec)
    }
}
