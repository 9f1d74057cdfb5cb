//! `fetch`: any other request to the target: revocation, introspection, userinfo, well-known documents, preflights.

use serde_json::{Value, json};

use super::args::{self, Args};
use super::client;
use super::context::Context;
use super::noted::part;
use super::{facts, proof};
use crate::transcript::Request;

/// Sends the request and returns its facts.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    if let Some(name) = args.text("browser") {
        let request = prepare(context, args)?;
        let wire = context.wire.clone();
        let follow = args.flag("follow");
        let world = std::sync::Arc::clone(&context.world);
        let visit = context.seat(&name).browser.open(&wire, request, &move |l: &str| !follow || !world.is_own(l)).await;
        return Ok(browsed(&visit));
    }
    let by = args.text("client").unwrap_or_else(|| "client".into());
    let bearer = args.text("bearer");
    let change = proof::wanted(args, || proves(context, args));
    let mut origin = None;
    let request = |context: &mut Context| {
        let request = prepare(context, args)?;
        origin = request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("origin")).map(|(_, v)| v.clone());
        Ok(request)
    };
    let (outcome, dpop) = proof::send(context, &by, change, bearer.as_deref(), request).await?;
    let mut facts = facts::http(&outcome);
    facts.insert("dpop".into(), dpop);
    let cors = origin.zip(facts.get("headers")).map(|(origin, headers)| cors(&origin, headers));
    facts.extend(cors.map(|word| ("cors".to_owned(), json!(word))));
    if let Some(location) =
        facts.get("headers").and_then(|h| h.get("location")).and_then(Value::as_str).map(str::to_owned)
    {
        let redirect = crate::oauth::redirect::Redirect::parse(&location);
        facts.insert(
            "redirect".into(),
            json!({ "url": redirect.url, "base": redirect.base, "own": context.world.is_own(&location) }),
        );
    }
    let mut facts = Value::Object(facts);
    facts::excuse_unknown_method(&mut facts, &args.text("method").unwrap_or_default());
    Ok(facts)
}

/// Whether a request carries a DPoP proof unasked: where nothing is given without one, each token of the case is bound to the key of
/// its client. It opens what it opens with that key, and may be revoked by who has it.
fn proves(context: &Context, args: Args<'_>) -> bool {
    let names_itself = args.get("client").is_some() || args.get("auth").is_some();
    let proves = match args.text("bearer") {
        Some(token) => context.grants.contains_key(&token),
        None => names_itself,
    };
    proves && part!(context.world.recipe, prove)
}

/// Builds the request.
pub fn prepare(context: &Context, args: Args<'_>) -> Result<Request, String> {
    let mut headers =
        vec![("accept".to_owned(), args.text("accept").unwrap_or_else(|| "application/json, */*;q=0.5".into()))];
    let mut body = args.text("body").unwrap_or_default();
    let mut content_type = args.text("content-type");
    if args.get("form").is_some() || args.get("auth").is_some() {
        let mut form = args::pairs(&args.table("form"));
        if args.get("client").is_some() || args.get("auth").is_some() {
            let client = context.client_or(&args.text("client").unwrap_or_else(|| "default".into()))?;
            let auth = args.text("auth").unwrap_or_else(|| "registered".into());
            client::authenticate(
                &context.world,
                &context.wire,
                &client,
                &auth,
                &mut form,
                &mut headers,
                &Default::default(),
            )?;
        }
        body = args::form(&form);
        content_type = content_type.or(Some("application/x-www-form-urlencoded".into()));
    } else if let Some(json) = args.get("json") {
        body = json.to_string();
        content_type = content_type.or(Some("application/json".into()));
    }
    // An empty form is a form.
    let posts = ["auth", "body", "form", "json"].iter().any(|name| args.get(name).is_some());
    let default = if posts { "POST" } else { "GET" };
    headers.extend(content_type.map(|t| ("content-type".to_owned(), t)));
    let bound = || proof::is_asked(proof::wanted(args, || proves(context, args)));
    headers.extend(
        args.text("bearer")
            .map(|t| ("authorization".to_owned(), format!("{} {t}", if bound() { "DPoP" } else { "Bearer" }))),
    );
    args::put_headers(&mut headers, &args.table("headers"));
    let url = args::join(&url(context, args)?, &args::form(&args::pairs(&args.table("query"))));
    Ok(Request { method: args.text("method").unwrap_or_else(|| default.into()), url, headers, body: body.into() })
}

fn url(context: &Context, args: Args<'_>) -> Result<String, String> {
    if let Some(url) = args.text("url") {
        return Ok(url);
    }
    let path = args.text("path").ok_or("fetch: neither `url` nor `path` is given")?;
    let base =
        if args.text("from").as_deref() == Some("as") { context.world.as_origin() } else { context.world.origin() };
    Ok(format!("{base}{path}"))
}

/// What an answer allows a page of `origin` (Fetch standard, CORS check). To a request with cookies browsers show no answer
/// that says `*`, whatever it says of credentials.
fn cors(origin: &str, headers: &Value) -> &'static str {
    let credentials = headers["access-control-allow-credentials"].as_str() == Some("true");
    match headers["access-control-allow-origin"].as_str() {
        Some(allowed) if allowed == origin && credentials => "credentials",
        Some(allowed) if allowed == "*" || allowed == origin => "read",
        _ => "none",
    }
}

fn browsed(visit: &crate::wire::Visit) -> Value {
    let mut facts =
        json!({ "statuses": visit.statuses, "redirects": visit.redirects, "status": visit.statuses.last() });
    match &visit.end {
        crate::wire::End::Stopped { location, .. } => {
            let redirect = crate::oauth::redirect::Redirect::parse(location);
            facts["redirect"] = json!({ "url": redirect.url, "base": redirect.base });
        }
        crate::wire::End::NoAnswer(failure) => return Value::Object(facts::failed(failure)),
        _ => {}
    }
    if let Some(page) = visit.pages.last() {
        facts["text"] = json!(page.body);
        facts["headers"] = facts::headers(&page.headers);
    }
    facts["crash"] = json!(visit.statuses.last().is_some_and(|s| *s >= 500));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_that_is_named_reads_with_cookies() {
        let origin = "https://attacker.example";
        let answer = |allowed: &str, credentials: &str| {
            cors(
                origin,
                &json!({ "access-control-allow-origin": allowed, "access-control-allow-credentials": credentials }),
            )
        };
        assert_eq!(answer(origin, "true"), "credentials");
        assert_eq!(answer(origin, "TRUE"), "read");
        assert_eq!(answer("*", "true"), "read");
        assert_eq!(answer("https://client.example", "true"), "none");
        assert_eq!(cors(origin, &json!({})), "none");
        assert_eq!(
            cors("null", &json!({ "access-control-allow-origin": "null", "access-control-allow-credentials": "true" })),
            "credentials"
        );
    }
}
