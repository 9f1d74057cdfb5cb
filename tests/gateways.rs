//! Gateways that go about an exchange in another lawful way than the reference does: none may be told to be wrong.

use authspec::acceptance;
use authspec::diag::Source;
use authspec::event::Verdict;
use authspec::run::{Helpers, Selection};
use authspec::target::Profile;
use fixtures::gateway::{Options, start};

/// What of the suites is not green at a gateway with these options, and how many checks passed.
async fn judged(change: impl FnOnce(&mut Options)) -> (Vec<String>, usize) {
    let helpers = Helpers::start().await.expect("the helpers start");
    let (_, issuer) = helpers.idp.clone().expect("helpers have an identity provider");
    let mut options =
        Options { issuer: issuer.url(), jwks_cooldown: std::time::Duration::from_millis(400), ..Options::default() };
    change(&mut options);
    let gateway = start(options).await.expect("the gateway starts");
    issuer.configure(|config| config.dcr = false);
    let url = gateway.mcp_url();
    let text = include_str!("../src/reference/exchange-gateway.toml").replace("{origin}", url.trim_end_matches("/mcp"));
    let text = format!("[target]\nname = \"gateway\"\nmcp-url = \"{url}\"\n{text}");
    let profile = Profile::parse(Source::new("gateway.toml", text), &|_| None).expect("the profile is right");
    let selection = Selection { only: vec!["gateway/*".to_owned()], ..Selection::default() };
    let cases = acceptance::cases(&profile, helpers, selection).await.expect("the gateway can be judged");
    gateway.stop().await;
    let results = || cases.values().flat_map(|case| &case.results);
    let passed = results().filter(|result| result.verdict == Verdict::Pass).count();
    let odd = results().filter(|result| !matches!(result.verdict, Verdict::Pass | Verdict::NotApplicable));
    (odd.map(|r| format!("{} {:?} {:?}: {} {}", r.case, r.variant, r.verdict, r.message, r.actual)).collect(), passed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_the_user_to_the_api() {
    let (odd, passed) = judged(|_| ()).await;
    assert_eq!(odd, Vec::<String>::new());
    assert!(passed > 40, "{passed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_names_itself_as_actor() {
    let (odd, passed) = judged(|options| options.delegates = true).await;
    assert_eq!(odd, Vec::<String>::new());
    assert!(passed > 40, "{passed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_names_itself_as_actor_and_keeps_nothing() {
    let (odd, passed) = judged(|options| (options.delegates, options.keeps) = (true, false)).await;
    assert_eq!(odd, Vec::<String>::new());
    assert!(passed > 40, "{passed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_names_the_api_by_its_uri() {
    let (odd, passed) = judged(|options| options.by_resource = true).await;
    assert_eq!(odd, Vec::<String>::new());
    assert!(passed > 40, "{passed}");
}
