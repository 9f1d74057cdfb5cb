//! The control API.

use mock_idp::{MockIdp, Options};
use serde_json::{Value, json};

use crate::browser::Browser;

async fn control(idp: &MockIdp, command: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/.control/{command}?issuer=t", idp.base_url());
    let request = reqwest::Client::new().post(url).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:?} is no JSON")))
}

#[tokio::test]
async fn it_does_what_the_handles_do() {
    let idp = MockIdp::start(Options { control: true, ..Options::default() }).await.expect("a free port");
    let mut browser = Browser::new(idp.issuer("t"));
    assert_eq!(control(&idp, "configure", json!({ "auto-approve": true })).await.1["auto-approve"], true);
    assert!(browser.authorize(&[]).await.param("code").is_some());
    assert_eq!(control(&idp, "script", json!({ "endpoint": "token", "status": 503 })).await.1, json!({ "waiting": 1 }));
    assert_eq!(browser.post("token", &[]).await.status, 503);
    assert_eq!(control(&idp, "rotate", json!({ "withdraw": true })).await.1, json!({ "kid": "rs256-2" }));
    // A clock that was set goes on from there.
    for (command, from) in [(json!({ "set": 500_000 }), 500_000), (json!({ "advance": -400_000 }), 100_000)] {
        let now = control(&idp, "clock", command).await.1["now"].as_i64().expect("a time");
        assert!((from..from + 10_000).contains(&now), "{now}");
    }
    let token = control(&idp, "mint", json!({ "claims": { "a": 1 }, "sign": "foreign" })).await.1;
    assert_eq!(crate::browser::part(token["token"].as_str().expect("a token"), 1)["a"], 1);
    let spec = json!({
        "kind": "jwt", "typ": "logout+jwt", "sub": "s", "act": { "sub": "a" }, "may-act": { "sub": "b" },
        "cnf": { "jkt": "k" },
    });
    let token = control(&idp, "mint", spec).await.1;
    let token = token["token"].as_str().expect("a token");
    let claims = crate::browser::part(token, 1);
    assert_eq!((&crate::browser::part(token, 0)["typ"], &claims["sub"]), (&json!("logout+jwt"), &json!("s")));
    let parties = (&claims["act"]["sub"], &claims["may_act"]["sub"], &claims["cnf"]["jkt"]);
    assert_eq!(parties, (&json!("a"), &json!("b"), &json!("k")));
    let exchange = json!({ "exchange": { "targets": [{ "audience": "x" }] }, "dpop": { "nonce": true } });
    assert_eq!(control(&idp, "configure", exchange).await.1["exchange"]["targets"][0]["audience"], "x");
    assert_eq!(control(&idp, "publish", json!({ "kty": "moon" })).await.1["keys"][0]["kty"], "moon");
    let journal = browser.get(&format!("{}/.control/journal?issuer=t&endpoint=token", idp.base_url())).await.json();
    assert_eq!((&journal[0]["path"], &journal[0]["status"]), (&json!("/t/token"), &json!(503)));
    assert_eq!(control(&idp, "forget", json!({})).await.0, 200);
    assert!(idp.issuer("t").journal().is_empty());
    idp.stop().await;
}

#[tokio::test]
async fn it_complains_helpfully_and_not_to_web_pages() {
    let idp = MockIdp::start(Options { control: true, ..Options::default() }).await.expect("a free port");
    for (command, body, part) in [
        ("script", json!({ "endpoint": "tokn", "status": 500 }), "did you mean `token`?"),
        ("script", json!({ "endpoint": "jwks", "redirect": { "state": "x" } }), "belongs to the endpoint `authorize`"),
        ("script", json!({ "endpoint": "jwks", "stauts": 1 }), "did you mean `status`?"),
        ("configure", json!({ "auto": true }), "unknown field `auto`"),
        ("nothing", json!({}), "GET journal"),
        ("clock", json!({}), "one of `advance`"),
    ] {
        let (status, answer) = control(&idp, command, body).await;
        assert!(status >= 400 && answer["error"].as_str().is_some_and(|why| why.contains(part)), "{answer}");
    }
    let url = format!("{}/.control/rotate", idp.base_url());
    let client = reqwest::Client::new();
    let page = client.post(&url).header("content-type", "application/json").header("origin", "https://site.example");
    assert_eq!(page.body("{}").send().await.expect("an answer").status(), 403);
    assert_eq!(client.post(&url).body("{}").send().await.expect("an answer").status(), 415);
    idp.stop().await;
}

#[tokio::test]
async fn it_is_off_by_default() {
    let idp = MockIdp::start(Options::default()).await.expect("a free port");
    assert_eq!(control(&idp, "rotate", json!({})).await.0, 404);
    idp.stop().await;
}
