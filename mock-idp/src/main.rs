//! The identity provider as a program: prints `READY URL`, ends on SIGINT or SIGTERM.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Parser;
use mock_idp::{MockIdp, Options, Personality};
use tokio::signal::unix::{SignalKind, signal};

// Most of what a token costs beside its signature is small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An identity provider for tests: any path below its URL is an issuer.
#[derive(Parser)]
struct Args {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Serve the control API below /.control/
    #[arg(long)]
    control: bool,
    /// Approve every request as the first user, or as the one in login_hint, without a page
    #[arg(long)]
    auto_approve: bool,
    /// Take registered clients only
    #[arg(long)]
    known_clients: bool,
    /// Every issuer has the habits of this provider: auth0, cognito, entra, entra-v1, github, google, keycloak, okta, strict
    #[arg(long, value_name = "NAME", value_parser = Personality::find)]
    personality: Option<&'static Personality>,
    /// An issuer whose path begins with the name of a personality has it: /entra/tenant/v2.0
    #[arg(long)]
    personalities: bool,
    /// Speak https, and write the certificate that clients must trust into this file (PEM)
    #[arg(long, value_name = "CA_FILE")]
    tls: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let args = Args::parse();
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let mut options = Options { addr, control: args.control, ..Options::default() };
    options.personalities = args.personalities;
    options.tls = args.tls.is_some();
    if let Some(personality) = args.personality {
        options.defaults = personality.config();
    }
    options.defaults.auto_approve = args.auto_approve;
    options.defaults.unknown_clients &= !args.known_clients;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let idp = MockIdp::start(options).await?;
    if let (Some(file), Some(ca)) = (&args.tls, idp.ca_pem()) {
        std::fs::write(file, ca)?;
    }
    writeln!(io::stdout(), "READY {}", idp.base_url())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    idp.stop().await;
    Ok(())
}
