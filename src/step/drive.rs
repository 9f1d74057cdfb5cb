//! `drive`: the client under test is started against a server of ours, and what it does there is told.

mod told;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use mock_idp::{Issuer, IssuerConfig, Received};
use serde_json::{Value, json};

use super::args::{self, Args};
use super::context::Context;
use super::stage::Stage;
use super::upstream;
use super::world::Idp;
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
    let trap = tempfile::tempdir().map_err(|e| format!("drive a client: {e}"))?;
    let marker = trap.path().join("ran");
    let spellings = Spellings::of(&own.issuer.url());
    let filled = args::filled(
        args.all(),
        &[
            ("{issuer}", &spellings.plain),
            ("{issuer-upper}", &spellings.upper),
            ("{issuer-escaped}", &spellings.escaped),
            ("{issuer-origin}", &spellings.origin),
            ("{marker}", &marker.to_string_lossy()),
        ],
    );
    let args = Args::new(&filled);
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
    for event in &events {
        let (request, status) = event.request(&own.issuer);
        context.wire.vault().learn_request(&request);
        context.wire.note_received("client", request, status);
    }
    for (name, token) in received.iter().flat_map(|one| &one.issued) {
        let kind = if *name == "refresh_token" { Secret::RefreshToken } else { Secret::AccessToken };
        context.wire.learn(kind, token);
    }
    let mut facts = told::facts(&own.issuer, &stage, &received, &events, world.clock.passes());
    facts.extend([
        ("done".to_owned(), json!(ended.code == Some(0))),
        ("exit".to_owned(), json!(ended.code)),
        ("ended".to_owned(), json!(ended.how)),
        ("output".to_owned(), json!(ended.lines.join("\n"))),
        ("opened".to_owned(), json!(ended.opened.join("\n"))),
        ("shown".to_owned(), json!(ended.shown)),
        ("ran".to_owned(), json!(marker.exists())),
    ]);
    Ok(Value::Object(facts))
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
            config.unknown_clients = true;
            config.resources = mock_idp::ResourcePolicy::Ignore;
            // What is pushed is not in the authorization request, where the cases look; tokens that are bound are not sent as
            // Bearer; and no browser of ours posts forms.
            config.par.enabled = false;
            config.dpop.enabled = false;
            config.metadata.insert("response_modes_supported".to_owned(), json!(["query"]));
        });
        Own { idp, issuer }
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.idp.idp.remove_issuer(&self.issuer);
    }
}

/// An issuer, and how it is written by those who compare issuers as URLs. They are others to everybody who compares texts
/// (RFC 8414 section 3.3, RFC 9207 section 2.4).
struct Spellings {
    plain: String,
    upper: String,
    escaped: String,
    origin: String,
}

impl Spellings {
    fn of(issuer: &str) -> Spellings {
        let (scheme, rest) = issuer.split_once(':').unwrap_or((issuer, ""));
        let (start, last) = issuer.split_at(issuer.len().saturating_sub(1));
        let escaped: String = last.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let origin = url::Url::parse(issuer).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        Spellings {
            plain: issuer.to_owned(),
            upper: format!("{}:{rest}", scheme.to_ascii_uppercase()),
            escaped: format!("{start}{escaped}"),
            origin,
        }
    }
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
    /// The request as the recorder knows requests, and the status of its answer.
    fn request(&self, issuer: &Issuer) -> (Request, u16) {
        match self {
            Seen::Server(url, hit) => {
                let Hit { method, headers, body, status, .. } = hit.clone();
                (Request { method, url: url.clone(), headers, body }, status)
            }
            Seen::Issuer(one) => (upstream::request(issuer, one), one.status.unwrap_or(0)),
        }
    }

    /// Where it went.
    fn place(&self, issuer: &Issuer) -> String {
        match self {
            Seen::Server(_, hit) => hit.path.clone(),
            Seen::Issuer(one) => one.path.replace(issuer.name(), "ISSUER"),
        }
    }
}
