//! A resource server whose users cannot be logged in from here: the operator gives a token (profile: `login.how = "token"`).

use authspec::diag::Source;
use authspec::event::{CaseResult, Event, Verdict};
use authspec::rule::Rules;
use authspec::run::{Helpers, Keep, Material, Options, Selection, run};
use authspec::suite::Suites;
use authspec::target::Profile;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

const TOKEN: &str = "the-token-that-the-operator-copied-4711";

/// An MCP server that serves this token; any at all if it is careless.
async fn server(careless: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let prm = json!({ "resource": format!("{base}/mcp"), "authorization_servers": ["https://login.example.com"] });
    let metadata = format!("{base}/.well-known/oauth-protected-resource/mcp");
    let serve = move |headers: HeaderMap, body: String| {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let good = bearer.is_some_and(|bearer| careless || bearer == format!("Bearer {TOKEN}"));
        std::future::ready(if good { served(&body) } else { refused(&metadata) })
    };
    let app = Router::new()
        .route("/.well-known/oauth-protected-resource/mcp", get(move || std::future::ready(Json(prm.clone()))))
        .route("/mcp", post(serve));
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("{base}/mcp")
}

fn served(body: &str) -> Response {
    let request: Value = serde_json::from_str(body).unwrap_or_default();
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": { "tools": [] } })).into_response()
}

fn refused(metadata: &str) -> Response {
    let challenge = format!("Bearer error=\"invalid_token\", resource_metadata=\"{metadata}\"");
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}

/// All that a run of some cases about tokens tells, with this token of the operator's.
async fn judged(mcp_url: &str, token: &str) -> Vec<Event> {
    let text = format!(
        "[target]\nmcp-url = \"{mcp_url}\"\nroles = [\"resource-server\"]\n[login]\nhow = \"token\"\nusers.alice = {{ token = {{ env = \"TOKEN\" }} }}\n"
    );
    let env = |name: &str| (name == "TOKEN").then(|| token.to_owned());
    let profile = Profile::parse(Source::new("given.toml", text), &env).expect("the profile is right");
    let only = ["resource/garbage*", "resource/token-cut*", "resource/token-with*", "resource/*bearer*"];
    let only = only.map(str::to_owned).to_vec();
    let selection = Selection { only, ..Default::default() };
    let options = Options { selection, keep: Keep::All, ..Options::default() };
    let material = Material { suites: Suites::embedded(), rules: Rules::embedded() };
    let mut events = Vec::new();
    let mut sink = |event: Event| events.push(event);
    let helpers = Helpers::start().await.expect("the helpers start");
    let ended = run(&profile, helpers, material, &options, std::future::pending(), &mut sink).await;
    ended.expect("the target can be judged");
    events
}

fn results(events: &[Event]) -> Vec<&CaseResult> {
    let finished = events.iter().filter_map(|event| if let Event::Finished(case) = event { Some(case) } else { None });
    finished.flat_map(|case| &case.results).collect()
}

#[tokio::test]
async fn a_given_token_is_the_honest_one_and_is_shown_to_nobody() {
    let events = judged(&server(false).await, TOKEN).await;
    let results = results(&events);
    let told = serde_json::to_string(&events).expect("events are JSON");
    let passed = results.iter().filter(|result| result.verdict == Verdict::Pass).count();
    assert!(passed > 5, "{results:#?}");
    for result in &results {
        assert!(!matches!(result.verdict, Verdict::Fail | Verdict::Blocked | Verdict::Error), "{result:?}");
    }
    assert!(told.contains("a given access token"), "the report says how it was");
    assert!(!told.contains(TOKEN));
}

#[tokio::test]
async fn who_takes_any_token_is_found_out() {
    let events = judged(&server(true).await, TOKEN).await;
    let results = results(&events);
    assert!(results.iter().any(|result| result.verdict == Verdict::Fail), "{results:#?}");
}

#[tokio::test]
async fn a_given_token_that_is_refused_is_an_obstacle() {
    let events = judged(&server(false).await, "stale").await;
    let started =
        events.iter().filter_map(|event| if let Event::Started(started) = event { Some(started) } else { None });
    let notes: Vec<&String> = started.flat_map(|started| &started.notes).collect();
    assert!(notes.iter().any(|note| note.contains("an honest token was refused by the MCP server")), "{notes:?}");
}
