//! `register`: becomes a client, by dynamic registration (RFC 7591) or by a client ID metadata document.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::args::Args;
use super::client::{self, Client, How};
use super::context::Context;
use super::facts;
use super::noted::part;
use crate::oauth::pkce;
use crate::transcript::Request;
use crate::wire::host::{Delivery, Document};

/// Registers a client and takes it in hand as `as` (else as `default`).
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let by_document = match args.text("how").as_deref() {
        Some("document") => true,
        Some(_) => false,
        None => part!(context.world.registration, how) == How::Document,
    };
    if by_document { serve_document(context, args) } else { dynamic(context, args).await }
}

async fn dynamic(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let (request, asked) = prepare(context, args)?;
    context.world.pool.budget.spend_on_case()?;
    let answer = context.wire.send("client", request).await;
    let mut facts = facts::http(&answer.outcome);
    let name = args.text("as").unwrap_or_else(|| "default".into());
    let ok = facts.get("status").and_then(Value::as_u64).is_some_and(|s| s < 300);
    let client = facts.get("body").filter(|_| ok).and_then(|body| Client::from_registration(&name, &asked, body));
    facts.insert("client".into(), describe(client.as_ref()));
    // What was refused leaves a client that nobody knows, so that a later step can show that it is of no use.
    context.adopt(&name, client.unwrap_or_else(|| unknown(&name, &asked)));
    Ok(Value::Object(facts))
}

/// The client that a refused registration asked for, under an id that was never issued.
fn unknown(name: &str, asked: &Map<String, Value>) -> Client {
    let uris = asked.get("redirect_uris").and_then(Value::as_array).cloned().unwrap_or_default();
    Client {
        name: name.to_owned(),
        id: format!("never-registered-{}", pkce::random(9)),
        method: "none".into(),
        redirect_uris: uris.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        ..Client::default()
    }
}

/// The registration request and the metadata that it asks for.
pub fn prepare(context: &Context, args: Args<'_>) -> Result<(Request, Map<String, Value>), String> {
    let world = &context.world;
    let mut asked = client::metadata(world, &args.text("kind").unwrap_or_else(|| "public".into()));
    asked.extend(args.table("with"));
    for name in args.list("drop") {
        asked.remove(&name);
    }
    let body = match args.get("body") {
        Some(Value::String(raw)) => raw.clone(),
        Some(other) => other.to_string(),
        None => Value::Object(asked.clone()).to_string(),
    };
    let url = match args.text("url") {
        Some(url) => url,
        None => world.endpoint("registration_endpoint")?,
    };
    let mut headers = vec![
        ("content-type".to_owned(), args.text("content-type").unwrap_or_else(|| "application/json".into())),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    super::args::put_headers(&mut headers, &args.table("headers"));
    let method = args.text("method").unwrap_or_else(|| "POST".into());
    Ok((Request { method, url, headers, body: body.into() }, asked))
}

/// Serves a client ID metadata document; nothing is sent to the target yet.
fn serve_document(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let world = &context.world;
    let host = world.host.as_ref().ok_or("serve a client metadata document: the document host is not running")?;
    let path = args.text("document-path").unwrap_or_else(|| format!("/client/{}", pkce::random(9)));
    let id = host.url(&path);
    let kind = args.text("kind").unwrap_or_else(|| "public".into());
    let mut document = client::metadata(world, &kind);
    if kind == "public" {
        // A document is no place for a secret.
        document.insert("token_endpoint_auth_method".into(), json!("none"));
    }
    document.insert("client_id".into(), json!(id));
    document.extend(args.table("with"));
    document.extend(args.table("document"));
    for name in args.list("drop") {
        document.remove(&name);
    }
    host.put(&path, served(&Value::Object(document.clone()), args));
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    let uris = document.get("redirect_uris").and_then(Value::as_array).cloned().unwrap_or_default();
    let client = Client {
        name: args.text("as").unwrap_or_else(|| "default".into()),
        id: args.text("client-id").unwrap_or(id),
        secret: None,
        key: None,
        method: text("token_endpoint_auth_method").unwrap_or_else(|| "none".into()),
        redirect_uris: uris.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        registration: Arc::new(Value::Object(document)),
    };
    let facts = json!({ "client": describe(Some(&client)), "path": path });
    if !context.documents.contains(&path) {
        context.documents.push(path);
    }
    context.adopt(&client.name.clone(), client);
    Ok(facts)
}

/// How the document host answers: the document, or one of the ways in which it goes wrong.
fn served(document: &Value, args: Args<'_>) -> Document {
    let serve = args.table("serve");
    let serve = Args::new(&serve);
    let mut out = Document::json(document);
    if let Some(body) = serve.text("body") {
        out.body = body.into();
    }
    if let Some(status) = serve.number("status") {
        out.status = u16::try_from(status).unwrap_or(200);
    }
    if let Some(location) = serve.text("redirect") {
        out.status = 302;
        out.headers.push(("location".into(), location));
    }
    if let Some(kind) = serve.text("content-type") {
        out.headers.retain(|(n, _)| n != "content-type");
        out.headers.push(("content-type".into(), kind));
    }
    out.headers.extend(super::args::pairs(&serve.table("headers")));
    if let Some(delay) = serve.number("delay-ms") {
        out.delay = std::time::Duration::from_millis(delay);
    }
    if let Some(size) = serve.number("pad") {
        out.delivery = Delivery::Padded(size);
    }
    if let Some(pause) = serve.number("drip-ms") {
        out.delivery = Delivery::Drip { bytes: 16, pause: std::time::Duration::from_millis(pause) };
    }
    if serve.flag("drop") {
        out.delivery = Delivery::Drop;
    }
    out
}

fn describe(client: Option<&Client>) -> Value {
    client.map_or(
        json!({}),
        |c| json!({ "id": c.id, "secret": c.secret, "method": c.method, "redirect-uris": c.redirect_uris }),
    )
}
