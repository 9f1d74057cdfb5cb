//! Servers whose pages are lawful and unusual: error pages on another host, consent pages with several forms or boxes to tick,
//! pages between login and consent.

use authspec::event::Verdict;
use fixtures::server::{AfterLogin, Options};

#[path = "common/unusual_server.rs"]
mod unusual_server;

use unusual_server::{Judged, LOGIN};

async fn judged(options: Options) -> Judged {
    unusual_server::judged(options, &["authorize", "registration"], async |server| {
        format!("[target]\nmcp-url = \"{}\"\n{LOGIN}", server.mcp_url())
    })
    .await
}

fn assert_well(judged: &Judged, cases: &[&str]) {
    let odd = judged.odd();
    assert!(odd.is_empty(), "{odd}");
    for case in cases {
        let passed = judged.results.iter().any(|r| r.case == *case && r.verdict == Verdict::Pass);
        assert!(passed, "{case} passed nowhere");
    }
}

#[tokio::test]
async fn an_error_page_may_stand_on_another_host() {
    let errors_elsewhere = Some("https://help.vendor.example/oauth-error?lang=en".to_owned());
    let judged = judged(Options { errors_elsewhere, ..Options::default() }).await;
    assert_well(&judged, &["authorize/redirect-uri-exact", "authorize/unknown-client-not-redirected"]);
}

#[tokio::test]
async fn a_redirect_to_whatever_was_asked_for_is_no_page() {
    let faults = fixtures::Faults::one("authorize.redirect-unchecked").expect("a fault of the catalogue");
    let errors_elsewhere = Some("https://help.vendor.example/oauth-error".to_owned());
    let judged = judged(Options { errors_elsewhere, faults, ..Options::default() }).await;
    let failed = |case: &str| judged.results.iter().any(|r| r.case == case && r.verdict == Verdict::Fail);
    assert!(failed("authorize/redirect-uri-exact") && failed("authorize/redirect-uri-error-stays"), "{}", judged.odd());
}

#[tokio::test]
async fn a_consent_page_may_have_several_forms() {
    let judged = judged(Options { several_forms: true, ..Options::default() }).await;
    assert_well(
        &judged,
        &["authorize/denial-is-final", "authorize/denial-reaches-client", "authorize/consent-names-client"],
    );
}

#[tokio::test]
async fn a_page_between_login_and_consent_is_neither() {
    let judged = judged(Options { after_login: Some(AfterLogin::StaySignedIn), ..Options::default() }).await;
    assert_well(
        &judged,
        &["authorize/denial-is-final", "authorize/consent-names-client", "authorize/login-needs-password"],
    );
}

#[tokio::test]
async fn terms_of_use_are_no_consent_to_a_client() {
    let judged = judged(Options { after_login: Some(AfterLogin::Terms), ..Options::default() }).await;
    assert_well(
        &judged,
        &["authorize/denial-is-final", "authorize/denial-reaches-client", "authorize/consent-names-client"],
    );
}

#[tokio::test]
async fn what_stands_behind_such_a_page_is_still_seen() {
    for question in [AfterLogin::StaySignedIn, AfterLogin::Terms] {
        let faults = fixtures::Faults::one("authorize.consent-csrf-unchecked").expect("a fault of the catalogue");
        let judged = judged(Options { after_login: Some(question), faults, ..Options::default() }).await;
        assert!(judged.has(Verdict::Fail), "{}", judged.odd());
    }
}

#[tokio::test]
async fn a_consent_page_may_leave_every_scope_to_tick() {
    let judged = judged(Options { scope_boxes: true, ..Options::default() }).await;
    assert_well(&judged, &["authorize/denial-reaches-client", "authorize/consent-names-client"]);
}
