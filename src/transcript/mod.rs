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

pub use exchange::{Exchange, Failure, Outcome, Request, Response, is_untrusted};
pub use redact::{RedactedExchange, RedactedRequest, RedactedResponse};
pub use sse::EventStream;
pub use vault::{Secret, Vault};
