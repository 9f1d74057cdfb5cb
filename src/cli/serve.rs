//! `authspec serve NAME`: the mock identity provider or a reference deployment, until SIGTERM or Ctrl-C.

use std::time::Duration;

use authspec::diag::nearest;
use authspec::reference::{Deployment, loopback};
use fixtures::Faults;

use super::explain::broken_by;
use super::signals::Signals;
use super::{OK, ServeArgs, USAGE, faults, runtime, text};

/// Serves and gives the exit code.
pub fn main(args: &ServeArgs) -> u8 {
    let faults = match faults(&args.fault) {
        Ok(faults) => faults,
        Err(code) => return code,
    };
    let deployment = if args.name == "proxy" { Some(Deployment::ConsentProxy) } else { Deployment::parse(&args.name) };
    if let Some(stray) = deployment.and_then(|deployment| stray(deployment, &faults)) {
        text::error(&stray);
        return USAGE;
    }
    runtime().block_on(async {
        let served = match (deployment, args.name.as_str()) {
            (Some(_), _) if args.personality.is_some() => {
                Err("only the mock IdP has personalities: authspec serve idp --personality NAME".to_owned())
            }
            (Some(Deployment::Client), _) => {
                Err("a client is no server: each case starts it against a server of its own (authspec run client)"
                    .to_owned())
            }
            (Some(Deployment::Server), _) => server(args.port, faults).await,
            (Some(deployment @ (Deployment::ExchangeGateway | Deployment::ScopedApi)), _) => {
                behind(deployment, args, faults).await
            }
            (Some(deployment), _) => proxy(deployment, args, faults).await,
            (None, "idp") if !faults.is_empty() => {
                Err("the mock IdP has no faults: script it at its control API (docs/tokens.md)".to_owned())
            }
            (None, "idp") => idp(args).await,
            (None, other) => {
                let servers = || Deployment::ALL.into_iter().filter(|deployment| *deployment != Deployment::Client);
                let known = || ["idp"].into_iter().chain(servers().map(Deployment::name));
                let near = nearest(other, known()).map_or_else(String::new, |n| format!(" Did you mean `{n}`?"));
                let known = known().collect::<Vec<_>>().join("`, `");
                Err(format!("nothing is called `{other}`: `{known}` can be served.{near}"))
            }
        };
        match served {
            Ok(()) => OK,
            Err(reason) => {
                text::error(&reason);
                USAGE
            }
        }
    })
}

/// A fault that this deployment cannot have.
fn stray(deployment: Deployment, faults: &Faults) -> Option<String> {
    let mut known = fixtures::catalogue().iter().filter(|fault| faults.ids().contains(&fault.id));
    let fault = known.find(|fault| Deployment::of(fault) != deployment)?;
    Some(format!("`{}` is a fault of `{}`: {}", fault.id, fault.deployment, broken_by(fault)))
}

/// The mock identity provider, with its control API: `authspec mint` asks there. It does not answer web pages.
async fn idp(args: &ServeArgs) -> Result<(), String> {
    let defaults = match &args.personality {
        None => mock_idp::IssuerConfig::default(),
        Some(name) => mock_idp::Personality::find(name)?.config(),
    };
    let tls = args.tls.is_some();
    let options = mock_idp::Options { addr: loopback(args.port), control: true, defaults, tls, ..Default::default() };
    let idp = mock_idp::MockIdp::start(options).await.map_err(|e| taken(args.port, &e))?;
    write_ca(args, &idp)?;
    text::line(&format!("READY {}", idp.base_url()));
    stopped().await;
    idp.stop().await;
    Ok(())
}

/// Writes what clients of the identity provider must trust.
fn write_ca(args: &ServeArgs, idp: &mock_idp::MockIdp) -> Result<(), String> {
    let (Some(file), Some(ca)) = (&args.tls, idp.ca_pem()) else { return Ok(()) };
    std::fs::write(file, ca).map_err(|e| format!("the certificate cannot be written to {}: {e}", file.display()))
}

async fn server(port: u16, faults: Faults) -> Result<(), String> {
    let options = fixtures::server::Options { addr: loopback(port), faults, ..Default::default() };
    let server = fixtures::server::start(options).await.map_err(|e| taken(port, &e))?;
    text::remark("its users: alice (password alice-password) and mallory (mallory-password)");
    text::line(&format!("READY {}", server.mcp_url()));
    stopped().await;
    server.stop().await;
    Ok(())
}

/// A proxy in front of an identity provider.
async fn proxy(deployment: Deployment, args: &ServeArgs, faults: Faults) -> Result<(), String> {
    let tls = deployment == Deployment::HttpsProxy;
    if tls && args.upstream.is_none() && args.tls.is_none() {
        return Err("the browser must trust the identity provider: name a file for its certificate with --tls".into());
    }
    // Whoever is passed on to it knows the proxy as issuer.
    let (issuer, own) = upstream(args, tls || deployment == Deployment::ConsentProxy, tls).await?;
    let ca = authority(args, own.as_ref())?;
    let server =
        start_proxy(deployment, loopback(args.port), issuer, ca, faults).await.map_err(|e| taken(args.port, &e))?;
    until_stopped(server, own).await;
    Ok(())
}

/// What the deployment trusts at the identity provider, as PEM: the file that was named, else what ours shows.
fn authority(args: &ServeArgs, own: Option<&mock_idp::MockIdp>) -> Result<Option<String>, String> {
    match &args.upstream_ca {
        Some(file) => std::fs::read_to_string(file).map(Some).map_err(|e| format!("{}: {e}", file.display())),
        None => Ok(own.and_then(|idp| idp.ca_pem().map(str::to_owned))),
    }
}

/// A deployment that takes the tokens of an identity provider.
async fn behind(deployment: Deployment, args: &ServeArgs, faults: Faults) -> Result<(), String> {
    let (issuer, own) = upstream(args, true, args.tls.is_some()).await?;
    let ca = authority(args, own.as_ref())?;
    let (addr, jwks_cooldown, provider) = (loopback(args.port), JWKS_COOLDOWN, issuer.clone());
    let (started, look) = if deployment == Deployment::ScopedApi {
        let options = fixtures::api::Options { addr, faults, issuer, ca, jwks_cooldown, ..Default::default() };
        let look = Look { audience: Some(options.audience.clone()), tenant: Some(options.tenant.clone()) };
        (fixtures::api::start(options).await, look)
    } else {
        let options = fixtures::gateway::Options { addr, faults, issuer, ca, jwks_cooldown, ..Default::default() };
        (fixtures::gateway::start(options).await, Look { audience: None, tenant: None })
    };
    let server = started.map_err(|e| taken(args.port, &e))?;
    let (demanded, options) = look.told(server.mcp_url());
    text::remark(&format!("it takes the tokens of {provider}, with {demanded}"));
    // Only our own provider makes them for anybody.
    if own.is_some() {
        let trust = args.tls.as_ref().map_or_else(String::new, |file| format!("SSL_CERT_FILE={} ", file.display()));
        text::remark(&format!("  such a token: {trust}authspec mint --idp {provider} {options}"));
    }
    let name = deployment.name();
    text::remark(&format!(
        "  to have one judged: authspec run fixtures/profiles/{name}.toml (of the source), or authspec run {name}; either starts its own"
    ));
    until_stopped(server, own).await;
    Ok(())
}

/// What tokens must say that such a deployment takes.
struct Look {
    /// `aud`; absent means: the MCP URL.
    audience: Option<String>,
    /// `tid`, where there are tenants; scopes then stand in `scp`.
    tenant: Option<String>,
}

impl Look {
    /// In words, and as options of `authspec mint`.
    fn told(&self, mcp_url: &str) -> (String, String) {
        let audience = self.audience.as_deref().unwrap_or(mcp_url);
        match &self.tenant {
            Some(tenant) => (
                format!("aud {audience}, tid {tenant}, and Notes.Read or Notes.Write in scp"),
                format!("--aud {audience} --claim tid={tenant} --claim scp=Notes.Read"),
            ),
            None => (
                format!("aud {audience}, and mcp:read or mcp:write in scope"),
                format!("--aud {audience} --scope mcp:read"),
            ),
        }
    }
}

/// The identity provider at `--upstream`, or else ours, started beside the deployment.
async fn upstream(args: &ServeArgs, sends_iss: bool, tls: bool) -> Result<(String, Option<mock_idp::MockIdp>), String> {
    if let Some(issuer) = &args.upstream {
        return Ok((issuer.clone(), None));
    }
    // With its control API, so that `authspec mint` can ask for tokens that the deployment takes.
    let options = mock_idp::Options { tls, control: true, ..Default::default() };
    let idp = mock_idp::MockIdp::start(options).await.map_err(|e| taken(0, &e))?;
    write_ca(args, &idp)?;
    let issuer = idp.issuer("default");
    issuer.configure(|config| config.iss_in_response = sends_iss);
    Ok((issuer.url(), Some(idp)))
}

async fn until_stopped(server: fixtures::server::Running, idp: Option<mock_idp::MockIdp>) {
    text::line(&format!("READY {}", server.mcp_url()));
    stopped().await;
    server.stop().await;
    if let Some(idp) = idp {
        idp.stop().await;
    }
}

async fn start_proxy(
    deployment: Deployment,
    addr: std::net::SocketAddr,
    issuer: String,
    ca: Option<String>,
    faults: Faults,
) -> std::io::Result<fixtures::server::Running> {
    if deployment == Deployment::SingleClientProxy {
        let mut options = fixtures::single_client::Options { addr, faults, ..Default::default() };
        (options.upstream.issuer, options.upstream.ca) = (issuer, ca);
        return fixtures::single_client::start(options).await;
    }
    if deployment == Deployment::TransparentProxy {
        let upstream = fixtures::transparent::Upstream { issuer, ca, ..Default::default() };
        let options = fixtures::transparent::Options { addr, faults, upstream, ..Default::default() };
        return fixtures::transparent::start(options).await;
    }
    if deployment == Deployment::ProvisioningServer {
        let mut options = fixtures::provisioning::Options { addr, faults, ..Default::default() };
        (options.upstream.issuer, options.upstream.ca) = (issuer, ca);
        return fixtures::provisioning::start(options).await;
    }
    let upstream = fixtures::proxy::Upstream { issuer, ca, ..Default::default() };
    fixtures::proxy::start(fixtures::proxy::Options { addr, faults, upstream, ..Default::default() }).await
}

fn taken(port: u16, error: &std::io::Error) -> String {
    format!(
        "port {port} of 127.0.0.1 cannot be used: {error}. Choose another with --port, or leave it out for a free one"
    )
}

/// Until SIGTERM, Ctrl-C, or the end of the terminal.
pub(super) async fn stopped() {
    Signals::listen().next().await;
}

/// How soon the key set is fetched again for an unknown `kid`: shorter than by default, as with the proxies, so that a profile need not
/// wait long.
const JWKS_COOLDOWN: Duration = Duration::from_secs(5);
