//! `drive`: the client under test is started against a server of ours, and what it does there is told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use mock_idp::{Endpoint, Issuer, IssuerConfig, Received};
use serde_json::{Map, Value, json};

use super::args::{self, Args};
use super::context::Context;
use super::stage::Stage;
use super::upstream;
use super::world::Idp;
use crate::oauth::redirect::{Redirect, object};
use crate::transcript::{Request, Secret};
use crate::wire::host::Hit;

/// Starts the client and waits for its end.
///
/// # Errors
/// If there is no client, or it cannot be started.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let world = Arc::clone(&context.world);
    let client = world.client.as_ref().ok_or("drive a client: the target is none (profile: roles, [launch])")?;
    let idp = world.idp.as_ref().ok_or("drive a client: there is no authorization server for it")?;
    let own = Own::of(idp);
    let issuer = args::filled(args.all(), &[("{issuer}", &own.issuer.url())]);
    let args = Args::new(&issuer);
    if args.get("expires-after").is_some() {
        own.issuer.configure(|config| config.access_ttl = SHORT.as_secs());
    }
    configure(&own.issuer, args)?;
    let lifetime = if world.clock.passes() { Duration::ZERO } else { SHORT + TICK };
    let stage = Stage::start(&own.issuer, lifetime, args).await;
    let stage = stage.map_err(|e| format!("drive a client: no port can be had: {e}"))?;
    let began = (Instant::now(), SystemTime::now());
    let ended = client.run(&stage.url()).await.map_err(|reason| format!("drive a client: {reason}"))?;
    let received = own.issuer.journal();
    let events = in_order(began, &stage, &received);
    let mut way: Vec<String> = Vec::new();
    for event in &events {
        let (request, status, place) = event.told(&own.issuer);
        context.wire.vault().learn_request(&request);
        context.wire.note_received("client", request, status);
        if way.last() != Some(&place) {
            way.push(place);
        }
    }
    for (name, token) in received.iter().flat_map(|one| &one.issued) {
        let kind = if *name == "refresh_token" { Secret::RefreshToken } else { Secret::AccessToken };
        context.wire.learn(kind, token);
    }
    Ok(json!({
        "done": ended.code == Some(0),
        "exit": ended.code,
        "output": ended.lines.join("\n"),
        "way": way.join(" "),
        "mcp": endpoint(&stage),
        "resource": resources(&stage.url(), &received),
        "redirect-registered": is_registered(&received),
        "requests": requests(&received),
    }))
}

/// The lifetime of tokens that are to expire, in whole seconds as `expires_in` tells it (RFC 6749 section 5.1).
const SHORT: Duration = Duration::from_secs(1);
/// Clients may round the time.
const TICK: Duration = Duration::from_millis(300);

/// An issuer of our identity provider for one run of the client: it asks nobody, and nothing of it is shared.
struct Own<'a> {
    idp: &'a Idp,
    issuer: Issuer,
}

impl Own<'_> {
    fn of(idp: &Idp) -> Own<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let issuer = idp.idp.issuer(&format!("for-client-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        issuer.configure(|config| {
            config.alg = mock_idp::Alg::Es256;
            config.auto_approve = true;
            // What a client does wrong is for the case to see: a refusal would hide what it does next.
            config.lenient_clients = true;
            config.resources = mock_idp::ResourcePolicy::Ignore;
        });
        Own { idp, issuer }
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.idp.idp.remove_issuer(&self.issuer);
    }
}

/// Which resource the requests named: that of the last authorization request, and those of all requests for a token.
fn resources(server: &str, received: &[Received]) -> Value {
    let word = |one: &Received| {
        let named: Vec<&str> = one.params("resource").collect();
        match named.as_slice() {
            [] => "none",
            [one] if *one == server => "server",
            [one] if server.starts_with(one.trim_end_matches('/')) => "parent",
            [_] => "other",
            _ => "several",
        }
    };
    let of = |endpoint: Endpoint, grant: &str| {
        let meant = received.iter().filter(|one| one.endpoint == endpoint);
        let mut meant = meant.filter(|one| grant.is_empty() || one.param("grant_type") == Some(grant));
        meant.next_back().map(word)
    };
    json!({
        "authorize": of(Endpoint::Authorize, ""),
        "token": of(Endpoint::Token, "authorization_code"),
        "refresh": of(Endpoint::Token, "refresh_token"),
    })
}

/// Whether the last authorization request names a registered redirect URI, on loopback at any port (RFC 8252 section 7.3);
/// nothing if the client did not register.
fn is_registered(received: &[Received]) -> Option<bool> {
    let last = |endpoint: Endpoint| received.iter().rfind(|one| one.endpoint == endpoint);
    let body: Value = serde_json::from_str(&last(Endpoint::Register)?.body).ok()?;
    let asked = Redirect::parse(last(Endpoint::Authorize)?.param("redirect_uri").unwrap_or_default());
    let registered = body["redirect_uris"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Some(registered.into_iter().any(|uri| asked.goes_to(uri)))
}

/// What each endpoint of the authorization server received.
fn requests(received: &[Received]) -> Value {
    let mut requests = Map::new();
    for one in received {
        let name = one.endpoint.name();
        let before: Option<Value> = requests.remove(name);
        let mut all = before.as_ref().and_then(|before| before["all"].as_array().cloned()).unwrap_or_default();
        let body: Value = serde_json::from_str(&one.body).unwrap_or(Value::Null);
        let (query, form) = (object(&one.query), object(&one.form));
        all.push(json!({ "query": query, "form": form, "body": body, "status": one.status }));
        let mut told = upstream::told(one, before.as_ref());
        told["body"] = body;
        told["all"] = Value::Array(all);
        requests.insert(name.to_owned(), told);
    }
    for endpoint in Endpoint::ALL {
        requests.entry(endpoint.name()).or_insert_with(|| json!({ "count": 0, "all": [] }));
    }
    Value::Object(requests)
}

/// Changes the settings of the issuer as the step says.
fn configure(issuer: &Issuer, args: Args<'_>) -> Result<(), String> {
    for scripted in args.get("answers").and_then(Value::as_array).into_iter().flatten() {
        let mut scripted = scripted.as_object().cloned().ok_or("script our identity provider: an answer is a table")?;
        // How often a client asks is its own affair.
        scripted.entry("times").or_insert_with(|| json!(1000));
        let scripted = Args::new(&scripted);
        upstream::script(issuer, scripted.get("answer").unwrap_or(&Value::Null), scripted)?;
    }
    let change = args.table("issuer");
    if change.is_empty() {
        return Ok(());
    }
    let wrong = |e: serde_json::Error| format!("configure our identity provider: {e}");
    let mut settings = serde_json::to_value(&*issuer.config()).map_err(wrong)?;
    if let Value::Object(settings) = &mut settings {
        settings.extend(change);
    }
    let changed: IssuerConfig = serde_json::from_value(settings).map_err(wrong)?;
    issuer.configure(|config| *config = changed);
    Ok(())
}

/// What reached us, of the two servers that the client talked to.
enum Seen<'a> {
    Server(String, Hit),
    Issuer(&'a Received),
}

fn in_order<'a>(began: (Instant, SystemTime), stage: &Stage, received: &'a [Received]) -> Vec<Seen<'a>> {
    let of_server = stage.hits().into_iter().map(|(url, hit)| (hit.at.duration_since(began.0), Seen::Server(url, hit)));
    let of_issuer = received.iter().map(|one| (one.at.duration_since(began.1).unwrap_or_default(), Seen::Issuer(one)));
    let mut all: Vec<_> = of_server.chain(of_issuer).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, seen)| seen).collect()
}

impl Seen<'_> {
    /// The request as the recorder knows requests, the status of its answer, and where it went in a word.
    fn told(&self, issuer: &Issuer) -> (Request, u16, String) {
        match self {
            Seen::Server(url, hit) => {
                let Hit { method, headers, body, status, path, .. } = hit.clone();
                (Request { method, url: url.clone(), headers, body }, status, path)
            }
            Seen::Issuer(one) => {
                let place = one.path.replace(issuer.name(), "ISSUER");
                (upstream::request(issuer, one), one.status.unwrap_or(0), place)
            }
        }
    }
}

/// What the client did at the MCP endpoint.
fn endpoint(stage: &Stage) -> Value {
    let hits: Vec<Hit> = stage.hits().into_iter().map(|(_, hit)| hit).filter(|hit| hit.path == "/mcp").collect();
    let credentials = |hit: &Hit| hit.header("authorization").map(str::to_owned);
    let is_bare = |hit: &&Hit| credentials(hit).is_none();
    let schemes: BTreeSet<String> = hits
        .iter()
        .filter_map(credentials)
        .map(|value| value.split(' ').next().unwrap_or_default().to_ascii_lowercase())
        .collect();
    let served = stage.served();
    json!({
        "count": hits.len(),
        "version": stage.version(),
        "served": served.len(),
        "called": served.iter().filter(|method| *method == "tools/call").count(),
        "unauthorized": hits.iter().filter(|hit| hit.status == 401).count(),
        "forbidden": hits.iter().filter(|hit| hit.status == 403).count(),
        "bare": hits.iter().skip_while(is_bare).filter(is_bare).count(),
        "schemes": schemes,
        "in-uri": hits.iter().filter(|hit| hit.query.contains("access_token=")).count(),
        "strayed": stage.strayed().iter().filter(|hit| !is_bare(hit)).count(),
    })
}
