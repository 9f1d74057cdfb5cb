//! `exchange`: a token exchange request (RFC 8693 section 2.1).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::args::Args;
use super::client::Client;
use super::context::Context;
use super::id_jag::{self, Identity};
use super::noted::part;
use super::world::OPENID_SCOPES;
use super::{facts, token};
use crate::oauth::jwt;
use crate::target::ExchangeWants;
use crate::transcript::Secret;

/// How tokens are exchanged at this target: what the profile says and the preflight found.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// The client that exchanges, where it exists already; else one registers for it.
    pub client: Option<Client>,
    /// Where the subject token comes from.
    pub subject: Source,
    /// Whose token is the actor token, where the target takes one.
    pub actor: Option<Source>,
    /// Whose token is that of a further actor.
    pub second_actor: Option<Source>,
    /// What to ask for.
    pub wants: ExchangeWants,
    /// What an honest request for an identity assertion hands in.
    pub identity: Identity,
}

/// Where a token comes from that an exchange hands in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Source {
    /// The user logs in at the client that exchanges.
    #[default]
    Login,
    /// Another user does.
    LoginOf(String),
    /// The user logs in at the ordinary client of the case.
    OtherClient,
    /// The client that exchanges gets a token for itself.
    ClientCredentials,
    /// This one.
    Given(String),
    /// Our identity provider makes it.
    Upstream,
}

impl Exchange {
    /// A member by the name that cases use.
    pub(super) fn member(&self, name: &str) -> Option<Value> {
        let wants = &self.wants;
        if let Some(name) = name.strip_prefix("id-jag-") {
            return id_jag::member(wants.id_jag.as_ref()?, name);
        }
        let text = match name {
            "audience" => &wants.audience,
            "other-audience" => &wants.other_audience,
            "unknown-audience" => &wants.unknown_audience,
            "resource" => &wants.resource,
            "scope" => &wants.scope,
            "subject-scope" => &wants.subject_scope,
            "wider-scope" => &wants.wider_scope,
            _ => return None,
        };
        text.clone().map(Value::from)
    }
}

/// Posts a token exchange; what the case leaves out is filled in honestly: a fresh subject token, the client that may
/// exchange, the target and the scope of the profile.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    if args.flag("id-jag") {
        let honest = id_jag::request(context, args).await?;
        return Box::pin(perform(context, Args::new(&honest))).await;
    }
    let (subject, subject_scope) = subject(context, args).await?;
    let actor = actor(context, args).await?;
    let wants = part!(context.world.exchange, wants).clone();
    let client = args.text("client").unwrap_or_else(|| EXCHANGER.to_owned());
    let mut params = Map::new();
    let mut put = |name: &str, value: Option<Value>| params.extend(value.map(|v| (name.to_owned(), v)));
    let kind = |given: &str, token: &Option<String>, honest: &Option<String>| {
        let honest = || json!(honest.as_deref().unwrap_or(ACCESS_TOKEN));
        args.get(given).cloned().or_else(|| token.as_ref().map(|_| honest()))
    };
    put("subject_token_type", kind("subject-token-type", &subject, &wants.subject_token_type));
    put("subject_token", subject.clone().map(Value::from));
    put("actor_token_type", kind("actor-token-type", &actor, &None));
    put("actor_token", actor.clone().map(Value::from));
    let requested = || wants.requested_token_type.clone().map(Value::from);
    put("requested_token_type", args.get("requested-token-type").cloned().or_else(requested));
    let named = args.get("audience").is_some() || args.get("resource").is_some();
    let honest = |value: Option<String>| value.filter(|_| !named).map(Value::from);
    let by_name = wants.audience.is_some();
    put("audience", args.get("audience").cloned().or_else(|| honest(wants.audience)));
    put("resource", args.get("resource").cloned().or_else(|| honest(wants.resource.filter(|_| !by_name))));
    put("scope", args.get("scope").cloned().or_else(|| wants.scope.map(Value::from)));
    params.extend(args.table("params"));
    let asked = params.get("scope").and_then(Value::as_str).map(str::to_owned);
    // Audiences that the token may have without being the subject token's: the targets, and the server for its userinfo.
    let form = Args::new(&params);
    let mut aside = [form.list("audience"), form.list("resource")].concat();
    let server = [Some(part!(context.world.found, issuer).clone()), context.world.endpoint("userinfo_endpoint").ok()];
    aside.extend(server.into_iter().flatten());
    let mut request = Map::new();
    request.insert("grant".into(), json!(GRANT));
    request.insert("client".into(), json!(client));
    request.insert("params".into(), Value::Object(params));
    // The honest default of `token` is for grants of this resource; an exchange names its target by itself.
    request.insert("resource".into(), json!([]));
    for name in ["auth", "body", "content-type", "dpop", "drop", "duplicate", "headers", "method", "query", "url"] {
        request.extend(args.get(name).map(|v| (name.to_owned(), v.clone())));
    }
    let mut facts = token::perform(context, Args::new(&request)).await?;
    describe(&mut facts, subject.as_deref(), subject_scope, asked.as_deref());
    audiences(&mut facts, &aside);
    facts["actor"] = facts::token(actor.clone().map(Value::from).as_ref());
    facts["actor-token"] = json!(actor);
    Ok(facts)
}

/// The subject token of the case, else a fresh one, with its scope as far as the answer said it.
async fn subject(context: &mut Context, args: Args<'_>) -> Result<(Option<String>, Option<String>), String> {
    if let Some(given) = args.text("subject-token") {
        return Ok((Some(given), None));
    }
    let left_out = |name: &str| args.list("drop").iter().any(|dropped| dropped == name);
    if left_out("subject_token") || args.get("body").is_some() {
        return Ok((None, None));
    }
    let exchange = &context.world.exchange;
    let (source, scope) = (part!(exchange, subject).clone(), part!(exchange, wants).subject_scope.clone());
    let got = obtain(context, &source, args.text("subject-scope").or(scope)).await;
    let (token, scope) = got.map_err(|reason| format!("{NO_SUBJECT}: {reason}"))?;
    Ok((Some(token), scope))
}

async fn actor(context: &mut Context, args: Args<'_>) -> Result<Option<String>, String> {
    if let Some(given) = args.text("actor-token") {
        return Ok(Some(given));
    }
    let exchange = &context.world.exchange;
    let source = match args.text("actor").as_deref() {
        None => return Ok(None),
        Some("second") => part!(exchange, second_actor).clone(),
        Some(_) => part!(exchange, actor).clone(),
    };
    let source = source.ok_or("get an actor token: the target takes none that the harness can get")?;
    Ok(Some(obtain(context, &source, None).await?.0))
}

/// Gets a token by an honest grant, with the scope that the answer stated.
///
/// # Errors
/// If none came; says what the target answered.
pub async fn obtain(
    context: &mut Context,
    source: &Source,
    scope: Option<String>,
) -> Result<(String, Option<String>), String> {
    let mut request = Map::new();
    match source {
        Source::Given(token) => {
            context.wire.learn(Secret::AccessToken, token);
            return Ok((token.clone(), None));
        }
        Source::Upstream => {
            let idp = context.world.idp.as_ref().ok_or("mint a subject token: our identity provider does not run")?;
            let token = idp.issuer.mint(idp.honest_token());
            context.wire.learn(Secret::AccessToken, &token);
            return Ok((token, Option::clone(&idp.scope)));
        }
        Source::Login | Source::OtherClient => {}
        Source::LoginOf(user) => drop(request.insert("browser".into(), json!(user))),
        Source::ClientCredentials => drop(request.insert("grant".into(), json!("client_credentials"))),
    }
    let client = if *source == Source::OtherClient { "default" } else { EXCHANGER };
    request.insert("client".into(), json!(client));
    request.extend(scope.map(|scope| ("scope".to_owned(), json!(scope))));
    let answer = token::perform(context, Args::new(&request)).await?;
    let token = answer["body"]["access_token"].as_str().map(str::to_owned);
    let token = token.ok_or_else(|| format!("get a token to exchange: {}", facts::summary(&answer)))?;
    Ok((token, answer["body"]["scope"].as_str().map(str::to_owned)))
}

/// Adds what is special to exchanges: what was handed in, and how the answer compares with it.
fn describe(facts: &mut Value, subject: Option<&str>, subject_scope: Option<String>, asked: Option<&str>) {
    let sent = facts::token(subject.map(Value::from).as_ref());
    let held = subject_scope.map(|text| token::words(&text)).or_else(|| token::scope_of(&sent["claims"]));
    facts["issued-token-type"] = facts["body"]["issued_token_type"].clone();
    facts["subject-token"] = json!(subject);
    let text = facts["text"].as_str().unwrap_or_default();
    facts["echoed"] = json!(facts["granted"] != true && subject.is_some_and(|s| s.len() > 20 && text.contains(s)));
    if facts["granted"] == true {
        let inside = token::scope_of(&facts["token"]["claims"]);
        if facts["granted-scope"].is_null() && !facts["body"]["scope"].is_string() {
            // An opaque token with all that was asked for: nothing else may be left unsaid.
            facts["granted-scope"] = json!(asked.map(token::words));
        }
        facts["mislabelled"] = json!(facts["issued-token-type"].as_str().is_some_and(is_always_jwt) && !is_jwt(facts));
        let granted: Option<BTreeSet<String>> = serde_json::from_value(facts["granted-scope"].clone()).ok();
        facts["beyond-subject"] = json!(granted.zip(held).map(|(granted, held)| beyond(&granted, &held)));
        // What is not stated counts as granted in full (RFC 8693 section 2.2.1); the token may tell otherwise.
        let missing = inside.zip(asked).filter(|_| !facts["body"]["scope"].is_string());
        // What is about the login need not stand in the token.
        let of_resource = |asked: &str| {
            let mut words = token::words(asked);
            words.retain(|word| !OPENID_SCOPES.contains(&word.as_str()));
            words
        };
        facts["scope-unstated"] = json!(missing.map(|(inside, asked)| beyond(&of_resource(asked), &inside)));
        let ends = |token: &Value| token["claims"]["exp"].as_f64();
        facts["outlives"] = json!(ends(&facts["token"]).zip(ends(&sent)).map(|(new, old)| new - old));
        let bound = |token: &Value| !token["claims"]["cnf"].is_null();
        facts["binding"] = json!(binding(facts));
        facts["unbound"] = json!(bound(&sent) && facts["token"].is_object() && !bound(&facts["token"]));
    }
    facts["subject"] = sent;
}

/// Whether what is of this type is a JWT in any case (RFC 8693 section 3, OpenID Connect Core section 2).
fn is_always_jwt(kind: &str) -> bool {
    let name = kind.strip_prefix("urn:ietf:params:oauth:token-type:");
    name.is_some_and(|name| ["id-jag", "id_token", "jwt"].contains(&name))
}

/// Whether the token that came is a JWT: signed, or encrypted, of which nothing but the header can be read.
fn is_jwt(facts: &Value) -> bool {
    let encrypted = |token: &str| token.split('.').count() == 5 && jwt::header_of(token).is_some();
    facts["token"].is_object() || facts["body"]["access_token"].as_str().is_some_and(encrypted)
}

/// How the token is bound to a key (RFC 9449 section 5), as far as it can be seen.
fn binding(facts: &Value) -> &'static str {
    let kind = facts["body"]["token_type"].as_str().unwrap_or_default().to_ascii_lowercase();
    let named = facts["token"]["claims"]["cnf"]["jkt"].as_str();
    match (kind.as_str(), named) {
        ("dpop", None) if facts["token"].is_null() => "key",
        ("dpop", None) => "missing",
        // What is no access token says nothing of it in token_type.
        ("dpop" | "n_a", Some(named)) => {
            if facts["dpop"]["jkt"] == named {
                "key"
            } else {
                "other-key"
            }
        }
        (_, None) => "none",
        (_, Some(_)) => "untold",
    }
}

/// Adds whom the token is for, and what of that was so before, save what is set aside.
fn audiences(facts: &mut Value, aside: &[String]) {
    let (new, old) = (aud(&facts["token"]["claims"]), aud(&facts["subject"]["claims"]));
    let mut kept: Vec<&String> = new.iter().filter(|name| old.contains(name) && !aside.contains(name)).collect();
    if kept.len() == new.len() && new.len() < old.len() {
        // One target of several that the subject token was for, and no other: that is what narrowing means.
        kept.clear();
    }
    facts["kept-audiences"] = json!(kept);
    facts["audiences"] = json!(new);
}

fn aud(claims: &Value) -> Vec<String> {
    match &claims["aud"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn beyond(granted: &BTreeSet<String>, held: &BTreeSet<String>) -> Vec<String> {
    granted.difference(held).cloned().collect()
}

/// How it begins to be told that there is no token to exchange.
pub const NO_SUBJECT: &str = "get a token to exchange";

/// The name and the kind, in cases and in the pool, of the client that exchanges.
pub const EXCHANGER: &str = "exchanger";

/// RFC 8693 section 2.1.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// RFC 8693 section 3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
