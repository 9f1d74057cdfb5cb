//! The identity provider over real HTTP.

mod api;
mod assertions;
mod browser;
mod clients;
mod control;
mod dpop;
mod exchange;
mod flow;
mod misbehaviour;
mod pages;
mod par;
mod personalities;
mod products;
mod program;
mod subjects;
mod tls;
mod tokens;
