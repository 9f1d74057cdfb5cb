//! `mock-idp [--port N]`: serves until it is ended.
#![expect(clippy::print_stdout, reason = "READY is what whoever starts it waits for")]

use std::net::{Ipv4Addr, SocketAddr};

use clap::Parser;
use mock_idp::{MockIdp, Options};

/// An identity provider for tests.
#[derive(Parser)]
struct Args {
    /// Port on 127.0.0.1 (default: a free one)
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let idp = MockIdp::start(Options { addr: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)) }).await?;
    println!("READY {}", idp.base_url());
    tokio::signal::ctrl_c().await
}
