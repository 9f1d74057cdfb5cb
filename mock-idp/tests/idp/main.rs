//! The identity provider over real HTTP.

mod browser;
mod clients;
mod flow;
mod misbehaviour;
mod tokens;
