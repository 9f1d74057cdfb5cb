//! The wire against servers that behave badly, and the browser against servers that behave as real ones do.

#[path = "wire/bounds.rs"]
mod bounds;
#[path = "wire/browsing.rs"]
mod browsing;
#[path = "wire/cookies.rs"]
mod cookies;
#[path = "wire/documents.rs"]
mod documents;
#[path = "wire/sending.rs"]
mod sending;
#[path = "wire/server.rs"]
mod server;
