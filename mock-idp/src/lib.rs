//! An identity provider for tests: every path is an issuer, every answer can be scripted, every token can be wrong.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use mock_idp::{Answer, Endpoint, MockIdp, Options, TokenSpec};
//!
//! let idp = MockIdp::start(Options::default()).await?;
//! let corp = idp.issuer("corp");
//! corp.configure(|config| config.auto_approve = true);
//! corp.script(Endpoint::Token, Answer::error("invalid_grant"));
//! let token = corp.mint(TokenSpec { audience: vec!["https://mcp.example/mcp".into()], ..TokenSpec::default() });
//! # drop(token);
//! idp.stop().await;
//! # Ok(())
//! # }
//! ```

mod client;
mod clock;
mod config;
mod connection;
mod control;
mod dispatch;
mod dpop;
mod endpoint;
mod error;
mod html;
mod issuer;
mod jose;
mod journal;
mod keys;
mod mint;
mod params;
mod personality;
mod presented;
mod quirks;
mod reply;
mod request;
mod resource;
mod route;
mod scope;
mod script;
mod secret;
mod server;
mod settings;
mod state;
mod store;
mod tls;
mod token;

pub use client::{Client, ClientAuth};
pub use clock::Clock;
pub use config::{AccessFormat, IssuerConfig, Options, RefreshPolicy, ResourcePolicy, User};
pub use issuer::Issuer;
pub use jose::Sign;
pub use journal::Received;
pub use keys::{Alg, Former};
pub use mint::{TokenKind, TokenSpec};
pub use personality::{Personality, Quirk};
pub use quirks::{
    AudienceFrom, BareScopes, ClosedRegistration, ExpiresIn, MachineScope, Place, Quirks, Refusal, RefusedScopes,
    ScopeClaim,
};
pub use script::{Answer, AnswerBody, Endpoint, Redirect, Times, TokenChange};
pub use server::MockIdp;
pub use settings::{
    ApiSettings, AssertionSettings, DpopSettings, ExchangeSettings, ExchangeTarget, IntrospectionSettings, ParSettings,
    TokenType, TrustedIssuer,
};
pub use tls::Certificate;
