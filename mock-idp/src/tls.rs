//! Serving over TLS, with certificates made at the start: an honest one, and those that no client may put up with.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

/// Which certificate a provider shows to whoever connects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Certificate {
    /// Of the authority that clients were told to trust, but past its end.
    Expired,
    /// Good for the address of the provider.
    #[default]
    Honest,
    /// Of that authority, but for another host.
    OtherHost,
    /// Good for the address, but of an authority that nobody was told to trust.
    Stranger,
}

impl Certificate {
    /// All of them, in order of name.
    pub const ALL: [Certificate; 4] =
        [Certificate::Expired, Certificate::Honest, Certificate::OtherHost, Certificate::Stranger];

    /// The name: `expired`, `honest`, `other-host`, `stranger`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Certificate::Expired => "expired",
            Certificate::Honest => "honest",
            Certificate::OtherHost => "other-host",
            Certificate::Stranger => "stranger",
        }
    }

    /// The certificate of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Certificate> {
        Certificate::ALL.into_iter().find(|certificate| certificate.name() == name)
    }
}

/// The TLS side of a provider. The authority's key is forgotten once its certificates are made: trusting it opens the door
/// to nobody else.
#[derive(Clone)]
pub(crate) struct Tls {
    ca: Arc<str>,
    acceptor: TlsAcceptor,
    failed: Arc<AtomicUsize>,
    shown: Arc<Shown>,
}

impl Tls {
    /// Makes the authority and its certificates for these names and addresses.
    pub(crate) fn new(names: &[String]) -> io::Result<Tls> {
        let (authority, stranger) = (Authority::new("authspec mock IdP")?, Authority::new("nobody knows me")?);
        let elsewhere = ["idp.elsewhere.example".to_owned()];
        let (current, past) = ((-1, 30), (-30, -1));
        let keys = Certificate::ALL.map(|certificate| match certificate {
            Certificate::Expired => authority.certify(names, past),
            Certificate::Honest => authority.certify(names, current),
            Certificate::OtherHost => authority.certify(&elsewhere, current),
            Certificate::Stranger => stranger.certify(names, current),
        });
        let keys = keys.into_iter().collect::<io::Result<Vec<_>>>()?;
        let shown = Arc::new(Shown { keys, which: watch::Sender::new(Certificate::Honest) });
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session shows no certificate: a careful client would go on without having seen the bad one.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Tls { ca: authority.pem().into(), acceptor, failed: Arc::default(), shown })
    }

    /// The certificate of the authority, as PEM.
    pub(crate) fn ca(&self) -> &str {
        &self.ca
    }

    /// Shows another certificate from now on, and ends the connections that saw a former one.
    pub(crate) fn show(&self, certificate: Certificate) {
        self.shown.which.send_replace(certificate);
    }

    /// The certificate that is shown, and changes of it.
    pub(crate) fn shown(&self) -> watch::Receiver<Certificate> {
        self.shown.which.subscribe()
    }

    /// Takes up a connection. A client that does not like the certificate ends it here.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let accepted = tokio::time::timeout(HANDSHAKE, self.acceptor.accept(stream)).await.map_err(io::Error::from);
        let accepted = accepted.and_then(|accepted| accepted);
        if accepted.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        accepted
    }

    /// Connections that came to nothing.
    pub(crate) fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("shown", &*self.shown.which.borrow()).finish_non_exhaustive()
    }
}

/// The names of a provider that listens at `address`: it, and this machine.
pub(crate) fn names(address: IpAddr, public_url: Option<&str>) -> Vec<String> {
    let public = public_url.and_then(|url| url::Url::parse(url).ok()?.host_str().map(str::to_owned));
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    for name in [Some(address.to_string()), public].into_iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The certificates with their keys, in the order of [`Certificate::ALL`], and which of them is shown.
#[derive(Debug)]
struct Shown {
    keys: Vec<Arc<CertifiedKey>>,
    which: watch::Sender<Certificate>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = *self.which.borrow();
        let at = Certificate::ALL.iter().position(|certificate| *certificate == shown)?;
        self.keys.get(at).cloned()
    }
}

/// A certificate authority that lives as long as it takes to start.
struct Authority {
    issuer: rcgen::Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

impl Authority {
    fn new(name: &str) -> io::Result<Authority> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        last(&mut params, (-31, 30));
        let certificate = params.self_signed(&key).map_err(io::Error::other)?.der().to_vec();
        Ok(Authority { issuer: rcgen::Issuer::new(params, key), certificate })
    }

    /// A certificate for a server of these names, good from a day to another, counted from now.
    fn certify(&self, names: &[String], days: (i64, i64)) -> io::Result<Arc<CertifiedKey>> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "authspec mock IdP, server");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        last(&mut params, days);
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        let key = aws_lc_rs::sign::any_supported_type(&key).map_err(|error: rustls::Error| io::Error::other(error))?;
        Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)))
    }

    /// RFC 7468 section 5.
    fn pem(&self) -> String {
        let text = STANDARD.encode(&self.certificate);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for line in text.as_bytes().chunks(64) {
            pem.extend(line.iter().map(|byte| char::from(*byte)));
            pem.push('\n');
        }
        pem + "-----END CERTIFICATE-----\n"
    }
}

/// Sets the validity, in days from now.
fn last(params: &mut CertificateParams, (from, to): (i64, i64)) {
    let now = SystemTime::now();
    let day = |days: i64| {
        let span = Duration::from_secs(days.unsigned_abs() * 24 * 3600);
        if days < 0 { now - span } else { now + span }
    };
    (params.not_before, params.not_after) = (day(from).into(), day(to).into());
}

/// How long a client may take to greet.
const HANDSHAKE: Duration = Duration::from_secs(10);
