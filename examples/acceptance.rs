//! The line that a reference implementation adds to its own tests.
//!
//! Put it into `tests/oauth.rs` of your implementation, add to its `Cargo.toml`
//!
//! ```toml
//! [dev-dependencies]
//! authspec = { path = "..." }
//!
//! [[test]]
//! name = "oauth"
//! harness = false
//! ```
//!
//! and every case becomes a test of its own: `cargo test --test oauth token/` judges those of one area. The profile may launch your server.
//! Try it here: `cargo run --example acceptance` judges the reference deployment, launched as if it were yours.

use std::process::ExitCode;

fn main() -> ExitCode {
    authspec::acceptance::main("examples/acceptance.toml")
}
