//! Login pages that a script builds: a command of the operator answers them (profile: `login.how = "command"`).

use std::sync::{Arc, Mutex};

use authspec::diag::Source;
use authspec::event::{CaseResult, Event, Verdict};
use authspec::rule::Rules;
use authspec::run::{Helpers, Material, Options, Selection, run};
use authspec::suite::Suites;
use authspec::target::Profile;
use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// Logs in as a browser with scripts would, and says what its address bar shows in the end.
const HONEST: &str = r#"state=$(printf %s "$1" | sed 's/.*[?&]state=\([^&]*\).*/\1/')
echo "$AUTHSPEC_REDIRECT_URI?code=of-$AUTHSPEC_USERNAME&state=$state&iss=ISSUER""#;

/// An authorization server whose only page is a script, and the code that was presented last.
async fn server() -> (String, Arc<Mutex<String>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    let metadata = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    let redeemed = Arc::new(Mutex::new(String::new()));
    let app = Router::new()
        .route("/.well-known/oauth-authorization-server", get(move || std::future::ready(Json(metadata.clone()))))
        .route("/authorize", get(|| async { Html("<!doctype html><div id=app></div><script src=/app.js></script>") }))
        .route("/token", post(token))
        .with_state(Arc::clone(&redeemed));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (issuer, redeemed)
}

async fn token(State(redeemed): State<Arc<Mutex<String>>>, form: String) -> Json<Value> {
    if let Some(code) = form.split('&').find_map(|pair| pair.strip_prefix("code=")) {
        code.clone_into(&mut redeemed.lock().expect("nobody panics with it"));
    }
    Json(json!({ "access_token": "an-opaque-token-of-some-length", "token_type": "Bearer", "expires_in": 600 }))
}

/// What one case says, and how the login is described, with this command.
async fn judged(issuer: &str, command: &str) -> (Vec<CaseResult>, String) {
    let command = command.replace("ISSUER", issuer);
    let text = format!(
        r#"
[target]
issuer = "{issuer}"

[registration]
how = "preset"
client-id = "client"
redirect-uris = ["http://127.0.0.1:33418/callback"]

[login]
how = "command"
command = ["sh", "-c", '''{command}''', "sh"]
users.alice = {{ username = "alice", password = "alice-password" }}
"#
    );
    let profile = Profile::parse(Source::new("scripted.toml", text), &|_| None).expect("the profile is right");
    let only = vec!["authorize/state-returned-exactly".to_owned()];
    let options = Options { selection: Selection { only, ..Default::default() }, ..Options::default() };
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let (mut results, mut login) = (Vec::new(), String::new());
    let mut sink = |event: Event| match event {
        Event::Finished(case) => results.extend(case.results),
        Event::Started(started) => login = started.login,
        _ => {}
    };
    let helpers = Helpers::start().await.expect("the helpers start");
    let ended = run(&profile, helpers, material, &options, std::future::pending(), &mut sink).await;
    ended.expect("the target can be judged");
    (results, login)
}

#[tokio::test]
async fn a_command_logs_in_where_a_script_builds_the_pages() {
    let (issuer, redeemed) = server().await;
    let (results, login) = judged(&issuer, HONEST).await;
    assert_eq!(*redeemed.lock().expect("nobody panics with it"), "of-alice");
    assert_eq!(login, "login by command as alice");
    assert!(!results.is_empty());
    for result in results {
        assert_eq!(result.verdict, Verdict::Pass, "{result:?}");
    }
}

#[tokio::test]
async fn what_the_command_says_is_judged() {
    let (issuer, _) = server().await;
    let (results, _) = judged(&issuer, &HONEST.replace("state=$state", "state=another")).await;
    assert!(results.iter().any(|result| result.verdict == Verdict::Fail), "{results:?}");
}

#[tokio::test]
async fn a_command_that_fails_is_an_obstacle_with_its_reason() {
    let (issuer, _) = server().await;
    let (results, _) = judged(&issuer, "echo 'no button that says Continue' >&2; exit 1").await;
    let blocked = results.iter().find(|result| result.verdict == Verdict::Blocked).expect("the case is blocked");
    assert!(blocked.message.contains("no button that says Continue"), "{}", blocked.message);
    assert!(blocked.message.contains("section [login]"), "{}", blocked.message);
}
