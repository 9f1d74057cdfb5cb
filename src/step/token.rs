//! `token`: a request to the token endpoint (OAuth 2.1 section 3.2); the grant follows from what is given.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::args::{self, Args};
use super::client::{self, Client};
use super::context::{Context, Grant};
use super::noted::part;
use super::{assertion, authorize, facts, proof};
use crate::transcript::{Request, Secret};

/// Posts to the token endpoint. With no code, refresh token or grant given it first obtains a fresh code by an honest
/// authorization request in the browser of `alice`.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let bare = ["code", "refresh-token", "grant", "body"].iter().all(|name| args.get(name).is_none())
        && !assertion::is_asked_for(args);
    let bound = args.flag("bound");
    if bare && (part!(context.world.recipe, minted) || bound && part!(context.world.recipe, minted_bound)) {
        return minted(context, args);
    }
    if bare && part!(context.world.recipe, given) {
        return given(context, args);
    }
    if bare && context.unspent.is_none() {
        let mut honest = Map::new();
        for name in ["client", "browser", "scope", "user", "par"] {
            honest.extend(args.get(name).map(|v| (name.to_owned(), v.clone())));
        }
        let facts = authorize::perform(context, Args::new(&honest)).await?;
        if facts["stopped-at"] != "code" {
            return Err(format!("obtain a code: {}", facts::summary(&facts)));
        }
    }
    let code = code(context, args);
    let change = proof::wanted(args, || bound || part!(context.world.recipe, prove));
    let mut prepared = prepare(context, args, code.as_deref())?;
    let (by, mut first) = (prepared.by.clone(), Some(prepared.request.clone()));
    let request = |context: &mut Context| {
        if let Some(request) = first.take() {
            return Ok(request);
        }
        prepared = prepare(context, args, code.as_deref())?;
        Ok(prepared.request.clone())
    };
    let (outcome, dpop) = proof::send(context, &by, change, None, request).await?;
    let mut facts = facts_of(facts::http(&outcome));
    facts["dpop"] = dpop;
    for (name, sent) in prepared.assertions {
        facts[name] = json!(sent);
    }
    facts["lured"] = json!(assertion::lured(context));
    remember(context, &facts, &prepared.grant);
    Ok(facts)
}

/// The answer to an honest grant where only our identity provider can give one: a token it minted.
fn minted(context: &Context, args: Args<'_>) -> Result<Value, String> {
    let idp = context.world.idp.as_ref().ok_or("mint a token: the target does not trust our identity provider")?;
    let mut spec = idp.honest_token();
    if let Some(scope) = args.text("scope") {
        spec.claims.extend(idp.scope_claim(&scope));
    }
    if let Some(user) = args.text("user").or_else(|| args.text("browser")).filter(|user| user != "alice") {
        spec.claims.insert("sub".into(), json!(format!("authspec-{user}")));
    }
    let mut kind = "Bearer";
    if args.flag("bound") || proof::is_asked(args.get("dpop")) {
        let key = args.table("dpop").get("key").and_then(Value::as_str).unwrap_or("default").to_owned();
        spec.claims.insert("cnf".into(), json!({ "jkt": proof::thumbprint(context, &key)? }));
        kind = "DPoP";
    }
    Ok(granted(context, &idp.issuer.mint(spec), kind))
}

/// The answer to an honest grant where the operator gives the tokens.
fn given(context: &Context, args: Args<'_>) -> Result<Value, String> {
    let user = args.text("user").or_else(|| args.text("browser")).unwrap_or_else(|| "alice".into());
    if let Some(scope) = args.text("scope") {
        return Err(format!("get a token with scope `{scope}`: the profile gives one token for each user"));
    }
    let users = &context.world.users;
    let token = users.get(&user).or_else(|| users.get("alice")).and_then(|user| user.token.clone());
    let token =
        token.ok_or_else(|| format!("get a token of {user}: the profile gives none (login.users.{user}.token)"))?;
    Ok(granted(context, &token, "Bearer"))
}

/// What a token endpoint would have answered with this token.
fn granted(context: &Context, token: &str, kind: &str) -> Value {
    context.wire.learn(Secret::AccessToken, token);
    let mut facts = Map::new();
    facts.insert("status".into(), json!(200));
    facts.insert("body".into(), json!({ "access_token": token, "token_type": kind }));
    facts_of(facts)
}

/// A token request ready to be sent, any number of times.
pub struct Prepared {
    pub by: String,
    pub request: Request,
    grant: Grant,
    /// `assertion` and `client-assertion`, as sent.
    assertions: Vec<(&'static str, String)>,
}

/// The code of the request, if it has one: the step's own, or the one that nobody redeemed yet, which is taken.
pub fn code(context: &mut Context, args: Args<'_>) -> Option<String> {
    args.text("code").or_else(|| {
        let wanted =
            args.text("grant").is_none_or(|g| g == "authorization_code") && args.get("refresh-token").is_none();
        wanted.then(|| context.unspent.take()).flatten()
    })
}

/// Builds the request: honest values for the grant, changed as the case asks. What it is authenticated and authorized by is made
/// anew each time.
pub fn prepare(context: &mut Context, args: Args<'_>, code: Option<&str>) -> Result<Prepared, String> {
    let refresh = args.text("refresh-token");
    let grant = grant_of(context, code.or(refresh.as_deref()), args)?;
    let asserted = assertion::of(context, &grant.client, args)?;
    let kind = args.text("grant").unwrap_or_else(|| {
        match () {
            () if asserted.is_some() => assertion::GRANT,
            () if refresh.is_some() => "refresh_token",
            () => "authorization_code",
        }
        .into()
    });
    let mut form = vec![("grant_type".to_owned(), kind.clone())];
    let mut add = |name: &str, value: Option<String>| form.extend(value.map(|v| (name.to_owned(), v)));
    add("code", code.map(str::to_owned));
    add("refresh_token", refresh);
    add("assertion", asserted);
    let resource = part!(context.world.recipe, send_resource).then(|| part!(context.world.recipe, resource).clone());
    if kind == "authorization_code" {
        add("redirect_uri", args.text("redirect-uri").or_else(|| grant.redirect_uri.clone()));
        add("code_verifier", args.text("verifier").or_else(|| grant.verifier.clone()));
        add("resource", grant.resource.clone().filter(|_| args.get("resource").is_none()));
    } else if args.get("resource").is_none() && kind != "password" {
        add("resource", resource);
        if kind == "client_credentials" || kind == assertion::GRANT {
            add("scope", context.world.machine_scope().filter(|_| args.get("scope").is_none()));
        }
    }
    for resource in args.list("resource") {
        add("resource", Some(resource));
    }
    add("scope", args.text("scope"));
    let mut headers = Vec::new();
    let usual = if assertion::needs_no_client(args) { "nothing" } else { "registered" };
    let auth = args.text("auth").unwrap_or_else(|| usual.into());
    client::authenticate(
        &context.world,
        &context.wire,
        &grant.client,
        &auth,
        &mut form,
        &mut headers,
        &args.table("assertion"),
    )?;
    let form = args::change(form, args);
    let sent = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let assertions = [("assertion", "assertion"), ("client-assertion", "client_assertion")]
        .into_iter()
        .filter_map(|(fact, name)| Some((fact, sent(name)?)))
        .collect();
    let request = build(context, args, &grant.client, &auth, &form, headers)?;
    Ok(Prepared { by: grant.client.name.clone(), request, grant, assertions })
}

fn build(
    context: &Context,
    args: Args<'_>,
    client: &Client,
    auth: &str,
    form: &[(String, String)],
    mut headers: Vec<(String, String)>,
) -> Result<Request, String> {
    let mut url = match args.text("url") {
        Some(url) => url,
        None => context.world.endpoint("token_endpoint")?,
    };
    let mut query = args::pairs(&args.table("query"));
    if auth == "query" {
        query.push(("client_id".into(), client.id.clone()));
        query.extend(client.secret.clone().map(|s| ("client_secret".to_owned(), s)));
    }
    let method = args.text("method").unwrap_or_else(|| "POST".into());
    let mut body = args::form(form);
    if method == "GET" {
        query.extend(form.iter().cloned());
        body = String::new();
    }
    if args.text("content-type").is_some_and(|t| t.contains("json")) {
        let object: Map<String, Value> = form.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        body = Value::Object(object).to_string();
    }
    if let Some(raw) = args.text("body") {
        body = raw;
    }
    url = args::join(&url, &args::form(&query));
    if method != "GET" {
        let kind = args.text("content-type").unwrap_or_else(|| "application/x-www-form-urlencoded".into());
        headers.push(("content-type".into(), kind));
    }
    headers.push(("accept".into(), "application/json".into()));
    headers.extend(args::pairs(&args.table("headers")));
    Ok(Request { method, url, headers, body: body.into() })
}

/// What a code or refresh token in hand belongs to; an unknown one is presented with the latest grant's ingredients.
fn grant_of(context: &Context, credential: Option<&str>, args: Args<'_>) -> Result<Grant, String> {
    if assertion::needs_no_client(args) {
        return Ok(Grant { client: Client { name: "workload".into(), ..Client::default() }, ..Grant::default() });
    }
    let known = credential.and_then(|c| context.grants.get(c)).or(context.last_grant.as_ref()).cloned();
    let mut grant = known.unwrap_or_default();
    let name = args.text("client").or_else(|| args.get("id-jag").map(|_| "machine".to_owned()));
    if let Some(name) = name {
        grant.client = context.client_or(&name)?;
    } else if grant.client.id.is_empty() {
        grant.client = context.client_or("default")?;
    }
    Ok(grant)
}

/// Adds what is special to token answers: `granted`, the decoded tokens, and the scope that only the token tells.
pub fn facts_of(mut facts: Map<String, Value>) -> Value {
    let body = facts.get("body").cloned().unwrap_or_default();
    let granted = body.get("access_token").and_then(Value::as_str).is_some_and(|t| !t.is_empty());
    facts.insert("granted".into(), json!(granted));
    let token = facts::token(body.get("access_token"));
    let stated = body.get("scope").and_then(Value::as_str).map(words).filter(|_| granted);
    let inside = scope_of(&token["claims"]);
    // Who leaves it out says that all was granted that was asked for, which may be so (RFC 6749 section 5.1).
    if body.get("scope").is_none_or(Value::is_null) {
        let text = inside.as_ref().map(|words| words.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
        facts.insert("unstated-scope".into(), json!(text));
    }
    let known = stated.is_some() || inside.is_some();
    let all: BTreeSet<String> = stated.into_iter().chain(inside).flatten().collect();
    facts.insert("granted-scope".into(), if known { json!(all) } else { Value::Null });
    facts.insert("token".into(), token);
    facts.insert("id-token".into(), facts::token(body.get("id_token")));
    Value::Object(facts)
}

/// The scope in the claims of a token: a text, or a list; Microsoft's `scp` too.
pub(super) fn scope_of(claims: &Value) -> Option<BTreeSet<String>> {
    match [&claims["scope"], &claims["scp"]].into_iter().find(|value| !value.is_null())? {
        Value::String(text) => Some(words(text)),
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        _ => None,
    }
}

/// The scopes of a text (RFC 6749 section 3.3).
pub(super) fn words(text: &str) -> BTreeSet<String> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Remembers which grant the new tokens belong to.
pub fn remember(context: &mut Context, facts: &Value, grant: &Grant) {
    for (name, kind) in [("access_token", Secret::AccessToken), ("refresh_token", Secret::RefreshToken)] {
        if let Some(token) = facts["body"][name].as_str() {
            context.wire.learn(kind, token);
            context.grants.insert(token.to_owned(), grant.clone());
        }
    }
    context.last_grant = Some(grant.clone());
}

impl Prepared {
    /// The grant that the tokens of an answer belong to.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }
}
