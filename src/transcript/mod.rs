//! What passed between the harness and the target, and the redacted view of it that reports may show.

mod exchange;
mod learn;
mod needles;
mod places;
mod redact;
mod show;
mod spelling;
mod sse;
mod vault;

pub use exchange::{Exchange, Failure, Outcome, Request, Response, certificate};
pub use redact::{RedactedExchange, RedactedRequest, RedactedResponse};
pub use sse::EventStream;
pub use vault::{Secret, Vault};

/// A text that goes out of a run with those of its parts masked that are secrets by the name before them: a URL with a key in its
/// query, say.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    Vault::default().redact(text)
}
