//! The cookies of a browser as facts, and which of them can matter.

use serde_json::{Value, json};

use super::context::Seat;

/// Their values by name.
pub(super) fn values(seat: &Seat) -> Value {
    Value::Object(seat.browser.jar.cookies().into_iter().map(|c| (c.name, json!(c.value))).collect())
}

/// All of them with their attributes, and those that can matter for a session or for a consent.
pub(super) fn facts(seat: &Seat) -> [(&'static str, Value); 3] {
    let all: Vec<(String, Value)> = seat
        .browser
        .jar
        .cookies()
        .into_iter()
        .map(|c| {
            let told = json!({
                "name": c.name, "value": c.value, "path": c.path, "domain": c.domain, "secure": c.secure, "http-only": c.http_only,
                "same-site": c.same_site, "max-age": c.max_age.map(|age| age.as_secs()), "host-only": c.host_only,
                "names-domain": names_domain(seat, &c.name),
            });
            (c.name, told)
        })
        .collect();
    let those = |wanted: fn(&str) -> bool| -> Value {
        all.iter().filter(|(name, _)| wanted(name)).map(|(_, told)| told.clone()).collect()
    };
    let (session, consent) = (those(|name| !is_plain(name)), those(may_hold_consent));
    let all = all.into_iter().map(|(_, told)| told).collect();
    [("cookies", all), ("session-cookies", session), ("consent-cookies", consent)]
}

/// Whether the Set-Cookie text of a cookie had a `Domain`, if only its own host.
fn names_domain(seat: &Seat, name: &str) -> bool {
    let is_named = |text: &str| text.split('=').next().is_some_and(|n| n.trim() == name);
    let last = seat.browser.jar.received().iter().rfind(|r| is_named(&r.text));
    last.is_some_and(|r| r.text.split(';').skip(1).any(|a| a.trim().to_ascii_lowercase().starts_with("domain=")))
}

/// Cookies with these words in their names hold no session: scripts may have to read them, or a load balancer sets them.
const PLAIN_COOKIES: &[&str] = &[
    // What the script of OpenID Connect Session Management reads: a hash of the session, which opens nothing.
    "keycloak_session",
    "idsrv.session",
    "csrf",
    "xsrf",
    "lang",
    "locale",
    "theme",
    "timezone",
    "awsalb",
    "awselb",
    "arraffinity",
    "__cf_",
    "_cfuvid",
    "serverid",
    "srv_id",
    "bigip",
    "gclb",
    "incap_ses",
    "visid_incap",
    "nlbi_",
    "sticky",
    "affinity",
    "ak_bmsc",
    "bm_s",
    "ingresscookie",
];
/// Those that are known by how their names begin: analytics, firewalls.
const PLAIN_PREFIXES: [&str; 4] = ["_ga", "_gid", "_gcl", "ts01"];

/// Whether a cookie is one that holds neither a session nor a decision.
fn is_plain(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    PLAIN_COOKIES.iter().any(|word| name.contains(word)) || PLAIN_PREFIXES.iter().any(|word| name.starts_with(word))
}

/// Whether a cookie is named like one that goes with a login at an identity provider and back, and tracks no consent.
fn is_of_a_login(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["correlation", "nonce", "pkce", "state", "transaction", "txn", "verifier"].iter().any(|word| name.contains(word))
}

/// Whether a cookie can hold what a user approved.
fn may_hold_consent(name: &str) -> bool {
    !is_plain(name) && !is_of_a_login(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_with_a_login_or_a_firewall_holds_no_consent() {
        for name in [".AspNetCore.Correlation.abc", "oauth_state", "TS01a2b3c4", "_ga", "SERVERID", "XSRF-TOKEN"] {
            assert!(!may_hold_consent(name), "{name}");
        }
        for name in ["__Host-consent-approved", "sid", "tsession", "organisation"] {
            assert!(may_hold_consent(name), "{name}");
        }
    }
}
