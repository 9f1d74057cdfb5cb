//! What our identity provider does next, and what it received: the harness as the upstream of a proxy, and as the issuer
//! that a resource server trusts.

use std::collections::BTreeSet;

use mock_idp::{Answer, Certificate, Endpoint, Former, Received};
use serde_json::{Map, Value, json};

use super::args::Args;
use super::context::Context;
use super::exchange::GRANT as EXCHANGE_GRANT;
use super::facts;
use super::readable;
use super::world::World;
use crate::transcript::{Request, Secret};

/// Scripts an answer, rotates the keys, moves the clock or revokes a token (`mutate`); `None` if the step asks for none of it.
pub fn change(context: &Context, args: Args<'_>) -> Option<Result<Value, String>> {
    let words = ["answer", "certificate", "clock", "honest", "revoke", "rotate"];
    let asked = words.iter().any(|name| args.get(name).is_some());
    asked.then(|| {
        let idp = context.world.idp.as_ref();
        let idp =
            idp.ok_or("change our identity provider: the target is not wired to it (profile section [upstream])")?;
        if args.get("honest") == Some(&Value::Bool(true)) {
            idp.issuer.clear_scripts();
        }
        if let Some(certificate) = args.text("certificate").and_then(|name| Certificate::parse(&name)) {
            idp.idp.show(certificate);
        }
        if let Some(answer) = args.get("answer") {
            script(&idp.issuer, answer, args)?;
        }
        if let Some(seconds) = args.get("clock").and_then(Value::as_i64) {
            let by = std::time::Duration::from_secs(seconds.unsigned_abs());
            if seconds < 0 { idp.issuer.clock().rewind(by) } else { idp.issuer.clock().advance(by) }
        }
        if let Some(token) = args.text("revoke").filter(|token| !idp.issuer.revoke(token)) {
            let length = token.len();
            return Err(format!("revoke a token: our identity provider knows no such token of {length} characters"));
        }
        match args.text("rotate").as_deref() {
            Some("withdraw") => drop(idp.issuer.rotate_keys(Former::Withdrawn)),
            Some(_) => drop(idp.issuer.rotate_keys(Former::Kept)),
            None => {}
        }
        Ok(json!({}))
    })
}

/// Scripts an answer (`answer`) of an endpoint, for so many `times`.
pub(super) fn script(issuer: &mock_idp::Issuer, answer: &Value, args: Args<'_>) -> Result<(), String> {
    let word = args.text("endpoint").unwrap_or_else(|| "token".into());
    let endpoint = Endpoint::parse(&word).map_err(|e| format!("script our identity provider: {e}"))?;
    let answer = Answer::from_json(answer).map_err(|e| format!("script our identity provider: {e}"))?;
    let times = args.number("times").map_or(1, |n| u32::try_from(n).unwrap_or(u32::MAX));
    issuer.script_times(endpoint, answer, times);
    Ok(())
}

/// Makes our identity provider honest again after a case that changed it. After a change of keys it waits until the target
/// may fetch the old ones again.
pub async fn restore(world: &World) {
    let Some(idp) = &world.idp else { return };
    let keys = idp.issuer.jwks();
    idp.issuer.clear_scripts();
    idp.issuer.clock().reset();
    idp.idp.show(Certificate::Honest);
    idp.issuer.restore_keys();
    idp.issuer.forget();
    if idp.issuer.jwks() != keys {
        world.clock.wait(idp.cooldown).await;
    }
}

/// How many requests our identity provider has received so far; `None` if that is nobody's business, because other cases
/// run beside this one.
pub fn count(context: &Context) -> Option<usize> {
    context.world.idp.as_ref().filter(|_| context.alone).map(|idp| idp.issuer.received())
}

/// Adds what it received since `before` to the facts: `upstream.requests.ENDPOINT`; what it issued in answer:
/// `upstream.issued`; and which of its tokens can be read in the facts of the step: `upstream.leaks`.
pub fn tell(context: &Context, before: Option<usize>, told_so_far: &mut Value) {
    let (Some(before), Some(idp)) = (before, &context.world.idp) else { return };
    let journal = idp.issuer.journal();
    let leaks = leaks(context, &journal, told_so_far);
    let Value::Object(into) = told_so_far else { return };
    let (mut requests, mut issued) = (Map::new(), Map::new());
    let (mut downstream, mut subjects) = (Value::Null, Vec::new());
    let (mut exchanged, mut after_exchange, mut in_uri) = (false, 0_u64, 0_u64);
    let all_issued: Vec<&str> =
        journal.iter().flat_map(|received| &received.issued).map(|(_, token)| token.as_str()).collect();
    for received in journal.iter().skip(before) {
        exchanged |= is_exchange_request(received);
        let request = request(&idp.issuer, received);
        context.wire.vault().learn_request(&request);
        let name = received.endpoint.name();
        let before = requests.remove(name);
        requests.insert(name.to_owned(), told(received, before.as_ref()));
        if received.endpoint == Endpoint::Api {
            after_exchange += u64::from(exchanged && carries_token(received));
            in_uri += u64::from(shows_in_uri(received, &all_issued));
            downstream = facts::token(received.header("authorization").and_then(bearer).map(Value::from).as_ref());
            subjects.push(downstream["claims"]["sub"].clone());
        }
        issued.extend(received.issued.iter().map(|(name, token)| ((*name).to_owned(), json!(token))));
    }
    for endpoint in Endpoint::ALL {
        requests.entry(endpoint.name()).or_insert_with(|| json!({ "count": 0, "with-token": 0 }));
    }
    requests["api"]["after-exchange"] = json!(after_exchange);
    requests["api"]["in-uri"] = json!(in_uri);
    let upstream = into.entry("upstream").or_insert_with(|| json!({}));
    upstream["requests"] = Value::Object(requests);
    subjects.retain(|subject| !subject.is_null());
    upstream["downstream"] = downstream;
    upstream["downstream-subjects"] = Value::Array(subjects);
    upstream["issued"] = Value::Object(issued);
    upstream["leaks"] = json!(leaks);
}

/// Which kinds of tokens that it issued can be read in what the target let out; the case's transcript hides them all.
fn leaks(context: &Context, journal: &[Received], facts: &Value) -> BTreeSet<&'static str> {
    let issued = || journal.iter().flat_map(|received| &received.issued);
    for (name, token) in issued() {
        let kind = if *name == "refresh_token" { Secret::RefreshToken } else { Secret::AccessToken };
        context.wire.learn(kind, token);
    }
    let readable = readable::texts(facts);
    issued().filter(|(_, token)| readable.iter().any(|text| text.contains(token))).map(|(name, _)| *name).collect()
}

/// The token of an `Authorization` header.
fn bearer(header: &str) -> Option<&str> {
    header.split_once(' ').map(|(_, token)| token.trim())
}

/// The last request to an endpoint, at the token endpoint the last exchange if there was one; how many there were, how many of them
/// carried a token, and what all of them say. `before` is what was told of those before.
pub(super) fn told(received: &Received, before: Option<&Value>) -> Value {
    use crate::oauth::redirect::object;
    let number = |name: &str| before.and_then(|before| before[name].as_u64()).unwrap_or(0);
    let texts = before.and_then(|before| before["text"].as_str()).into_iter();
    let text = texts.chain([text_of(received).as_str()]).collect::<Vec<_>>().join("\n\n");
    let mut told = json!({
        "method": received.method, "query": object(&received.query), "form": object(&received.form),
        "headers": object(&received.headers), "client-id": received.client_id, "status": received.status,
        "last-text": text_of(received),
    });
    let is_exchange = |told: &Value| told["form"]["grant_type"] == EXCHANGE_GRANT;
    if let Some(before) = before.filter(|before| is_exchange(before) && !is_exchange(&told)) {
        told = before.clone();
    }
    told["count"] = json!(number("count") + 1);
    told["with-token"] = json!(number("with-token") + u64::from(carries_token(received)));
    told["text"] = json!(text);
    told
}

fn is_exchange_request(received: &Received) -> bool {
    received.param("grant_type") == Some(EXCHANGE_GRANT)
}

/// Whether a token that was issued stands in the URI of a request, under whatever name.
fn shows_in_uri(received: &Received, issued: &[&str]) -> bool {
    let mut texts = received.query.iter().map(|(_, value)| value.as_str()).chain([received.path.as_str()]);
    texts.any(|text| issued.iter().any(|token| text.contains(token)))
}

/// Whether a request carries an access token, in its header, its query or its form (RFC 6750 section 2).
fn carries_token(received: &Received) -> bool {
    received.header("authorization").is_some_and(|header| !header.trim().is_empty())
        || received.param("access_token").is_some()
}

/// Everything that the request says, to look for something in it wherever it may stand.
fn text_of(received: &Received) -> String {
    let pairs = received.headers.iter().chain(&received.query).chain(&received.form);
    let lines: Vec<String> = pairs.map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{} {}\n{}\n{}", received.method, received.path, lines.join("\n"), received.body)
}

/// The request as the recorder knows requests, so that its secrets are learnt.
pub(super) fn request(issuer: &mock_idp::Issuer, received: &Received) -> Request {
    let origin = url::Url::parse(&issuer.url()).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&received.query).finish();
    let query = if query.is_empty() { query } else { format!("?{query}") };
    Request {
        method: received.method.clone(),
        url: format!("{origin}{}{query}", received.path),
        headers: received.headers.clone(),
        body: received.body.clone().into(),
    }
}
