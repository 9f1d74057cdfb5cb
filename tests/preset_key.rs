//! A client that the operator registered with its public key: it authenticates by assertions signed with the private half.

use std::collections::BTreeSet;

use authspec::event::Verdict;
use authspec::oauth::client_key::ClientKey;
use fixtures::Faults;
use fixtures::server::Options;
use serde_json::{Map, json};

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN};

const RSA: &str = include_str!("../mock-idp/keys/rs256-1.pem");
const P256: &str = include_str!("../mock-idp/keys/es256-1.pem");
const ED25519: &str = include_str!("../mock-idp/keys/eddsa-1.pem");
const OTHER: &str = include_str!("../mock-idp/keys/es256-2.pem");

/// The `client_id` under which the operator registers the public half of a key.
async fn registered(issuer: &str, pem: &str) -> String {
    let header = Map::from_iter([("kid".to_owned(), json!("operators-key"))]);
    let key = ClientKey::read(pem, header).expect("a key");
    let metadata = json!({
        "client_name": "machine", "redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": key.alg(), "jwks": key.jwks(),
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    });
    unusual_server::registered(issuer, &metadata).await
}

async fn judged(pem: &str, faults: Faults) -> Judged {
    let options = Options { faults, ..Options::default() };
    let only = ["token", "refresh", "machine", "discovery/assertion*", "discovery/listed*"];
    unusual_server::judged(options, &only, async |server| {
        let (id, other) = (registered(server.issuer(), pem).await, registered(server.issuer(), OTHER).await);
        let header = "client-key-header = { kid = \"operators-key\" }";
        format!(
            "[target]\nmcp-url = \"{}\"\n[registration]\nhow = \"preset\"\nclient-id = \"{id}\"\nclient-key = '''{pem}'''\n\
             {header}\nother = {{ client-id = \"{other}\", client-key = '''{OTHER}''', {header} }}\n{LOGIN}",
            server.mcp_url()
        )
    })
    .await
}

#[tokio::test]
async fn a_client_with_a_key_is_judged_as_one() {
    for pem in [RSA, P256, ED25519] {
        let judged = judged(pem, Faults::none()).await;
        let odd = judged.odd();
        assert!(odd.is_empty(), "{odd}");
        let passed =
            |case: &str| judged.results.iter().filter(|r| r.case == case && r.verdict == Verdict::Pass).count();
        for case in
            ["machine/assertion-checked", "token/private-key-jwt", "machine/assertion-once", "refresh/bound-to-client"]
        {
            assert!(passed(case) > 0, "{case} passed nowhere");
        }
    }
}

#[tokio::test]
async fn what_is_wrong_about_its_assertions_is_found() {
    for (fault, variants) in [
        ("token.assertion-hmac", ["hmac-of-public-key"].as_slice()),
        ("machine.assertion-key-embedded", &["key-in-header"]),
        ("token.assertion-signature-unchecked", &["key-not-registered"]),
    ] {
        // The fault knows no file form of Ed25519 keys.
        let without_ed25519 = fault.ends_with("hmac");
        for pem in [RSA, P256, ED25519].into_iter().filter(|&pem| !(pem == ED25519 && without_ed25519)) {
            let judged = judged(pem, Faults::one(fault).expect("a fault of the catalogue")).await;
            let red: BTreeSet<_> = judged
                .results
                .iter()
                .filter(|r| r.case == "machine/assertion-checked" && r.verdict == Verdict::Fail)
                .filter_map(|r| r.variant.as_deref())
                .collect();
            for variant in variants {
                assert!(red.contains(variant), "{fault}: {red:?}\n{}", judged.odd());
            }
        }
    }
}
