//! Protocol words as types and pure functions: challenges, PKCE, JWTs, well-known places, entropy.

pub mod challenge;
pub mod client_key;
pub mod dpop;
pub mod encrypt;
pub mod entropy;
pub mod forge;
pub mod jwt;
pub mod pkce;
pub mod redirect;
pub mod stranger;
pub mod wellknown;
