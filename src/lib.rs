//! The acceptance test for MCP OAuth, as a library.
//!
//! [`acceptance::main`] makes every case a test of your own test run. All else is there for the command line and for our own
//! tests, and changes as they need it.
//!
//! Layers, lowest first: `diag`; `rule`, `transcript`, `oauth`; `suite`, `target`, `wire`; `step`, `judge`; `event`;
//! `run`, `report`. A module uses lower layers only (`docs/architecture.md`, held by `tests/layers.rs`).

pub mod acceptance;
pub mod diag;
pub mod event;
pub mod fact;
pub mod inspect;
pub mod judge;
pub mod oauth;
pub mod prove;
pub mod reference;
pub mod report;
pub mod rule;
pub mod run;
pub mod step;
pub mod suite;
pub mod target;
pub mod transcript;
pub mod wire;
