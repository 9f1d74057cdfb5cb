//! `par` of `authorize`: the request is pushed first (RFC 9126), and the browser brings only its name.

use serde_json::{Map, Value, json};

use super::args::{self, Args};
use super::client::{self, Client};
use super::context::Context;
use super::noted::part;
use super::{facts, proof};
use crate::transcript::Request;

/// What came of a push.
pub struct Pushed {
    /// The parameters with which the browser goes on; `None` if it cannot, or is not to.
    pub front: Option<Vec<(String, String)>>,
    /// The facts of the push.
    pub facts: Map<String, Value>,
}

/// The changes that a step asks for; `None` if it sends the plain request.
pub fn asked(context: &Context, args: Args<'_>) -> Option<Map<String, Value>> {
    match args.get("par") {
        Some(Value::Object(table)) => Some(table.clone()),
        Some(Value::Bool(push)) => push.then(Map::new),
        _ => part!(context.world.recipe, push).then(Map::new),
    }
}

/// Pushes a request; with `request-uri` one that was pushed before is taken up instead.
///
/// # Errors
/// If there is no endpoint, or the client cannot authenticate as asked.
pub async fn push(
    context: &mut Context,
    client: &Client,
    params: Vec<(String, String)>,
    change: &Map<String, Value>,
) -> Result<Pushed, String> {
    let change = Args::new(change);
    let mut facts = Map::new();
    let mut front = vec![("client_id".to_owned(), client.id.clone())];
    let uri = match change.text("request-uri") {
        Some(uri) => Some(uri),
        None => {
            let request = |context: &mut Context| prepare(context, client, params.clone(), change);
            let (outcome, dpop) = proof::send(context, &client.name, change.get("dpop"), None, request).await?;
            facts = facts::http(&outcome);
            if !dpop.is_null() {
                facts.insert("dpop".into(), dpop);
            }
            let good = facts.get("status").and_then(Value::as_u64).is_some_and(|status| status < 300);
            let body = facts.get("body").filter(|_| good);
            body.and_then(|body| body["request_uri"].as_str()).map(str::to_owned)
        }
    };
    let front = uri.map(|uri| {
        facts.insert("request-uri".into(), json!(uri));
        front.push(("request_uri".to_owned(), uri));
        front.extend(args::pairs(&change.table("query")));
        front
    });
    Ok(Pushed { front, facts })
}

fn prepare(
    context: &Context,
    client: &Client,
    params: Vec<(String, String)>,
    change: Args<'_>,
) -> Result<Request, String> {
    let mut form = params;
    let mut headers = Vec::new();
    let auth = change.text("auth").unwrap_or_else(|| "registered".into());
    let own = form.len();
    client::authenticate(
        &context.world,
        &context.wire,
        client,
        &auth,
        &mut form,
        &mut headers,
        &change.table("assertion"),
    )?;
    // The request names its client anyway.
    if form[..own].iter().any(|(name, _)| name == "client_id") {
        let added = form.split_off(own);
        form.extend(added.into_iter().filter(|(name, _)| name != "client_id"));
    }
    let form = args::change(form, change);
    let method = change.text("method").unwrap_or_else(|| "POST".into());
    let mut url = context.world.endpoint("pushed_authorization_request_endpoint")?;
    let mut body = args::form(&form);
    if method == "GET" {
        url = args::join(&url, &body);
        body = String::new();
    } else {
        let kind = change.text("content-type").unwrap_or_else(|| "application/x-www-form-urlencoded".into());
        headers.push(("content-type".into(), kind));
    }
    headers.push(("accept".into(), "application/json".into()));
    args::put_headers(&mut headers, &change.table("headers"));
    Ok(Request { method, url, headers, body: body.into() })
}

/// The facts of a journey that ended with the push, as told or because it was refused.
pub fn ended(pushed: Pushed) -> Value {
    let mut facts = pushed.facts.clone();
    let at = if pushed.front.is_some() { "pushed" } else { "refused" };
    facts.insert("stopped-at".into(), json!(at));
    facts.insert("codes".into(), json!([]));
    facts.insert("par".into(), Value::Object(pushed.facts));
    Value::Object(facts)
}
