//! The identity provider over real HTTP.

mod browser;
mod clients;
mod control;
mod flow;
mod misbehaviour;
mod pages;
mod personalities;
mod program;
mod tokens;
