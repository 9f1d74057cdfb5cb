//! The user's profile at providers whose userinfo is none of OpenID Connect.

use serde_json::{Map, Value};

use crate::config::IssuerConfig;
use crate::jose::merge;

/// What userinfo says of the user of that subject, whatever the scope; none where OpenID Connect says it.
pub(crate) fn profile(config: &IssuerConfig, sub: &str) -> Option<Map<String, Value>> {
    if config.quirks.profile.is_empty() {
        return None;
    }
    let known = config.users.iter().find(|user| user.sub == sub);
    let username = known.map_or_else(|| sub.strip_prefix("user-").unwrap_or(sub), |user| user.username.as_str());
    let filled = |value: &Value| match value.as_str() {
        Some("{number}") => number(sub).into(),
        Some(text) => text.replace("{username}", username).into(),
        None => value.clone(),
    };
    let mut body: Map<String, Value> =
        config.quirks.profile.iter().map(|(name, value)| (name.clone(), filled(value))).collect();
    if let Some(user) = known {
        merge(&mut body, &user.claims);
    }
    Some(body)
}

/// A number that stands for a subject; the same one every time.
fn number(sub: &str) -> u32 {
    sub.bytes().fold(0, |number: u32, byte| number.wrapping_mul(31).wrapping_add(byte.into()))
}
