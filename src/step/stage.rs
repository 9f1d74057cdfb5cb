//! The MCP server that a client under test is pointed at: challenge, resource metadata and a few tools. Its authorization server
//! is an issuer of our identity provider that asks nobody.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mock_idp::Issuer;
use serde_json::{Map, Value, json};

use super::args::{self, Args};
use crate::oauth::jwt::Jwt;
use crate::wire::host::{Document, DocumentHost, Hit};

/// A server that one run of a client sees.
pub struct Stage {
    host: DocumentHost,
    /// Another origin, to which it may send the client.
    other: Option<DocumentHost>,
    state: Arc<State>,
}

/// What its endpoint knows.
struct State {
    issuer: Issuer,
    challenges: Vec<String>,
    tools: u64,
    /// The scope that calls of tools need.
    needs: Option<String>,
    /// How the challenge for it is written.
    needs_challenge: String,
    /// Each token is refused as expired when so many requests were served with it.
    expires_after: Option<usize>,
    /// How old a token is at least when it is refused: a client may go by its own clock.
    lifetime: Duration,
    moved: Option<String>,
    served: Mutex<Served>,
}

#[derive(Default)]
struct Served {
    /// Methods that were served, in order.
    methods: Vec<String>,
    /// How many requests came with each token, and when the first did.
    uses: BTreeMap<String, (usize, Instant)>,
    /// The MCP version that the client named first.
    version: Option<String>,
}

impl Stage {
    /// Starts a server as the step describes it. `lifetime` is the time after which tokens that it refuses as expired are so by
    /// everybody's clock.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(issuer: &Issuer, lifetime: Duration, args: Args<'_>) -> io::Result<Stage> {
        let host = DocumentHost::start().await?;
        let other = if args.flag("moved") { Some(DocumentHost::start().await?) } else { None };
        let url = host.url(PATH);
        let places = places(args);
        let prm = host.url(places.first().map_or(PRM_AT_PATH, |place| place_of(place)));
        let filled = args::filled(args.all(), &[("{prm}", &prm), ("{url}", &url)]);
        let args = Args::new(&filled);
        let document = resource_metadata(args.table("prm"), &url, issuer);
        for place in &places {
            host.put(place_of(place), document.clone());
        }
        let beside = args.table("prm-beside");
        if !beside.is_empty() {
            host.put(PRM_AT_PATH, resource_metadata(beside, &url, issuer));
        }
        let needs = args.text("needs");
        let state = Arc::new(State {
            issuer: issuer.clone(),
            challenges: challenges(args, &prm),
            tools: args.number("tools").unwrap_or(1),
            needs_challenge: format!(
                r#"Bearer error="insufficient_scope", scope="{}", resource_metadata="{prm}""#,
                needs.as_deref().unwrap_or_default()
            ),
            needs,
            expires_after: args.number("expires-after").and_then(|n| usize::try_from(n).ok()),
            lifetime,
            moved: other.as_ref().map(|other| other.url(PATH)),
            served: Mutex::default(),
        });
        let (endpoint, elsewhere) = (Arc::clone(&state), Arc::clone(&state));
        host.put_live(PATH, Arc::new(move |hit| endpoint.answer(hit)));
        if let Some(other) = &other {
            other.put_live(PATH, Arc::new(move |hit| elsewhere.serve(hit)));
        }
        Ok(Stage { host, other, state })
    }

    /// Where its endpoint is.
    pub fn url(&self) -> String {
        self.host.url(PATH)
    }

    /// Every request to it so far, with the URL it went to.
    pub fn hits(&self) -> Vec<(String, Hit)> {
        let hosts = [Some(&self.host), self.other.as_ref()].into_iter().flatten();
        let hits = hosts.flat_map(|host| host.all_hits().into_iter().map(|hit| (address(host, &hit), hit)));
        hits.collect()
    }

    /// The methods that were served, in order.
    pub fn served(&self) -> Vec<String> {
        self.state.served.lock().unwrap_or_else(PoisonError::into_inner).methods.clone()
    }

    /// The MCP version that the client speaks, if a request said so.
    pub fn version(&self) -> Option<String> {
        self.state.served.lock().unwrap_or_else(PoisonError::into_inner).version.clone()
    }

    /// Requests that reached the other origin.
    pub fn strayed(&self) -> Vec<Hit> {
        self.other.as_ref().map(DocumentHost::all_hits).unwrap_or_default()
    }
}

fn address(host: &DocumentHost, hit: &Hit) -> String {
    let query = if hit.query.is_empty() { String::new() } else { format!("?{}", hit.query) };
    format!("{}{query}", host.url(&hit.path))
}

/// Where the resource metadata stands: the first place is the one that the challenge names.
fn places(args: Args<'_>) -> Vec<String> {
    match args.get("prm-at") {
        Some(Value::Bool(false)) => Vec::new(),
        Some(_) => args.list("prm-at"),
        None => vec!["path".to_owned()],
    }
}

fn place_of(word: &str) -> &'static str {
    match word {
        "elsewhere" => "/about/resource.json",
        "root" => "/.well-known/oauth-protected-resource",
        _ => PRM_AT_PATH,
    }
}

/// The lines of `WWW-Authenticate` on a 401.
fn challenges(args: Args<'_>, prm: &str) -> Vec<String> {
    match args.get("challenge") {
        Some(Value::Bool(false)) => Vec::new(),
        Some(_) => args.list("challenge"),
        None => {
            let scope = args.text("scope").map(|scope| format!(r#", scope="{scope}""#)).unwrap_or_default();
            vec![format!(r#"Bearer resource_metadata="{prm}"{scope}"#)]
        }
    }
}

fn resource_metadata(change: Map<String, Value>, url: &str, issuer: &Issuer) -> Document {
    let mut metadata = Map::new();
    metadata.insert("resource".into(), json!(url));
    metadata.insert("authorization_servers".into(), json!([issuer.url()]));
    metadata.insert("bearer_methods_supported".into(), json!(["header"]));
    metadata.extend(change);
    metadata.retain(|_, value| *value != false);
    Document::json(&Value::Object(metadata))
}

impl State {
    fn answer(&self, hit: &Hit) -> Document {
        let Some(token) = bearer(hit).filter(|token| self.is_good(token)) else {
            return self.challenge(401, &self.challenges);
        };
        if let Some(elsewhere) = &self.moved {
            return Document::redirect(307, elsewhere);
        }
        let Some(delay) = self.use_up(token) else {
            let invalid: Vec<_> =
                self.challenges.iter().map(|line| format!(r#"{line}, error="invalid_token""#)).collect();
            return self.challenge(401, &invalid);
        };
        let lacking = self.needs.as_ref().filter(|needs| method(hit) == "tools/call" && !has_scope(token, needs));
        match lacking {
            Some(_) => self.challenge(403, std::slice::from_ref(&self.needs_challenge)),
            None => Document { delay, ..self.serve(hit) },
        }
    }

    /// Whether our issuer gave this token.
    fn is_good(&self, token: &str) -> bool {
        let journal = self.issuer.journal();
        let mut issued = journal.iter().flat_map(|received| &received.issued);
        issued.any(|(name, value)| *name == "access_token" && value == token)
    }

    /// Uses a token once: how long the answer has to take, or nothing if the token has expired. The last answer takes until it has.
    fn use_up(&self, token: &str) -> Option<Duration> {
        let Some(most) = self.expires_after else { return Some(Duration::ZERO) };
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let (uses, first) = served.uses.entry(token.to_owned()).or_insert((0, Instant::now()));
        *uses += 1;
        match (*uses).cmp(&most) {
            Ordering::Less => Some(Duration::ZERO),
            Ordering::Equal => Some(self.lifetime.saturating_sub(first.elapsed())),
            Ordering::Greater => None,
        }
    }

    fn challenge(&self, status: u16, lines: &[String]) -> Document {
        let headers = lines.iter().map(|line| ("www-authenticate".to_owned(), line.clone())).collect();
        Document { status, headers, ..Document::default() }
    }

    fn serve(&self, hit: &Hit) -> Document {
        let request: Value = serde_json::from_slice(&hit.body).unwrap_or_default();
        let method = request["method"].as_str().unwrap_or_default();
        if hit.method != "POST" {
            return Document { status: 405, ..Document::default() };
        }
        if request["id"].is_null() {
            return Document { status: 202, ..Document::default() };
        }
        let asked = request["params"]["protocolVersion"].as_str().or(hit.header("mcp-protocol-version"));
        let asked = asked.unwrap_or("2025-11-25");
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.methods.push(method.to_owned());
        served.version.get_or_insert_with(|| asked.to_owned());
        drop(served);
        let mut result = match method {
            "initialize" => json!({
                "protocolVersion": asked, "capabilities": { "tools": {} },
                "serverInfo": { "name": "authspec", "version": env!("CARGO_PKG_VERSION") },
            }),
            "server/discover" => json!({
                "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
                "serverInfo": { "name": "authspec", "version": env!("CARGO_PKG_VERSION") },
            }),
            "tools/list" => {
                let tool = |n: u64| json!({ "name": format!("tool-{n}"), "inputSchema": { "type": "object" } });
                json!({ "tools": (1..=self.tools).map(tool).collect::<Vec<_>>() })
            }
            "tools/call" => json!({ "content": [{ "type": "text", "text": "well" }] }),
            _ => json!({}),
        };
        if asked == "2026-07-28" || method == "server/discover" {
            // Its results say what they are, and for how long they may be kept.
            result["resultType"] = json!("complete");
            if matches!(method, "server/discover" | "tools/list") {
                result["ttlMs"] = json!(0);
                result["cacheScope"] = json!("private");
            }
        }
        Document::json(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))
    }
}

fn method(hit: &Hit) -> String {
    let request: Value = serde_json::from_slice(&hit.body).unwrap_or_default();
    request["method"].as_str().unwrap_or_default().to_owned()
}

/// The token of a request: where it stands is for the cases to judge.
pub(super) fn bearer(hit: &Hit) -> Option<&str> {
    let in_header =
        hit.header("authorization").map(|value| value.split_once(' ').map_or(value, |(_, token)| token.trim()));
    in_header.or_else(|| hit.query.split('&').find_map(|pair| pair.strip_prefix("access_token=")))
}

/// Whether a token has all of these scopes; of an opaque one nobody can tell.
fn has_scope(token: &str, needs: &str) -> bool {
    let Some(jwt) = Jwt::decode(token) else { return true };
    let scope = jwt.claims.get("scope").and_then(Value::as_str).unwrap_or_default().to_owned();
    needs.split(' ').all(|word| scope.split(' ').any(|known| known == word))
}

const PATH: &str = "/mcp";
const PRM_AT_PATH: &str = "/.well-known/oauth-protected-resource/mcp";
