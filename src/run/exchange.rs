//! Finding out, by honest requests, whether and how the target exchanges tokens (RFC 8693).

use std::sync::Arc;

use serde_json::{Value, json};

use super::ability::Ability;
use super::id_jag;
use super::preflight::Preflight;
use super::recipe::{act, context};
use crate::fact::{self, summary};
use crate::rule::Role;
use crate::step::{Client, Context, EXCHANGE_GRANT, EXCHANGER, Exchange, NO_SUBJECT, Source, World, part};
use crate::suite::{Case, Verb};
use crate::target::{Profile, SubjectFrom};
use crate::wire::Wire;

/// What the profile says about exchanges.
pub fn from_profile(profile: &Profile, redirect_uris: &[String]) -> Exchange {
    let mut exchange = Exchange::default();
    let section = profile.exchange.as_ref();
    let preset = profile.registration.client.as_ref().filter(|client| client.is_confidential());
    let method = section
        .and_then(|section| section.auth_method)
        .or(profile.registration.token_endpoint_auth_method)
        .map(|method| method.to_string());
    exchange.client = section.and_then(|section| section.client.as_ref()).or(preset).map(|client| Client {
        name: EXCHANGER.to_owned(),
        id: client.id.clone(),
        secret: client.secret.as_ref().map(|secret| secret.expose().to_owned()),
        key: client.key.clone(),
        method: method.unwrap_or_else(|| client.default_method().to_string()),
        redirect_uris: redirect_uris.to_vec(),
        registration: Arc::default(),
    });
    let Some(section) = section else { return exchange };
    exchange.subject = match (section.subject, &section.subject_token) {
        (SubjectFrom::Client, _) => Source::OtherClient,
        (SubjectFrom::ClientCredentials, _) => Source::ClientCredentials,
        (SubjectFrom::Upstream, _) => Source::Upstream,
        (SubjectFrom::Token, Some(token)) => Source::Given(token.expose().to_owned()),
        _ => Source::Login,
    };
    exchange.wants.clone_from(&section.wants);
    exchange
}

/// Whether the metadata lists the grant.
pub fn is_listed(metadata: &Value) -> bool {
    metadata["grant_types_supported"].as_array().is_some_and(|list| list.iter().any(|grant| grant == EXCHANGE_GRANT))
}

/// The client that exchanges, for the cases that need it; the ordinary one is left out of those that do not.
pub fn wanted_clients(world: &World, case: &Case, wanted: &mut Vec<(String, String)>) {
    let steps = || {
        case.steps.iter().map(|step| match step.args.get("exchange").and_then(Value::as_object) {
            Some(repeated) => (Verb::Exchange, repeated),
            None => (step.verb, &step.args),
        })
    };
    if !steps().any(|(verb, args)| verb == Verb::Exchange || names(args, EXCHANGER)) {
        return;
    }
    let by_other = part!(world.exchange, subject) == Source::OtherClient;
    let fresh = |args: &Args| !args.contains_key("subject-token");
    let exchanging = |verb: Verb, args: &Args| {
        let sends = verb == Verb::Exchange && !args.contains_key("client");
        sends || names(args, EXCHANGER) || verb == Verb::Exchange && fresh(args) && !by_other
    };
    let ordinary = |verb: Verb, args: &Args| match verb {
        Verb::Exchange => names(args, "default") || by_other && fresh(args),
        Verb::Authorize | Verb::Token | Verb::Repeat => !names(args, EXCHANGER),
        _ => names(args, "default"),
    };
    if steps().any(|(verb, args)| exchanging(verb, args)) {
        wanted.push((EXCHANGER.to_owned(), EXCHANGER.to_owned()));
    }
    if !steps().any(|(verb, args)| ordinary(verb, args)) {
        wanted.retain(|(name, _)| name != "default");
    }
}

type Args = serde_json::Map<String, Value>;

fn names(args: &Args, client: &str) -> bool {
    args.get("client") == Some(&json!(client))
}

/// Exchanges once, honestly, and looks which variations the target knows. Where nothing says that it exchanges tokens at
/// all, it is not asked.
pub async fn look(seen: &mut Preflight, profile: &Profile) {
    if seen.wants(&["id-jag-"]) {
        id_jag::look(seen, profile).await;
    }
    if !seen.wants(&["exchange-", "token-exchange"]) {
        return;
    }
    let listed = is_listed(&seen.world.found.metadata);
    seen.abilities.decide("exchange-listed", listed, "grant_types_supported does not list it");
    let stated = profile.exchange.as_ref().is_some_and(|section| section.is_general);
    if !listed && !stated {
        return seen.abilities.set("token-exchange", Ability::Lacks(UNKNOWN.into()));
    }
    // Whoever exchanges for a target that makes no tokens is not judged here, and may well be our identity provider.
    let judged = [Role::AuthorizationServer, Role::TokenExchange].iter().any(|role| seen.roles.contains(role));
    if !judged && !stated {
        return seen.abilities.set("token-exchange", Ability::Lacks("its authorization server is not judged".into()));
    }
    scopes(&mut seen.world);
    let wants = &seen.world.exchange.wants;
    for (word, has, what) in [
        ("exchange-audience", wants.audience.is_some(), "audience"),
        ("exchange-audiences", wants.audience.is_some() && wants.other_audience.is_some(), "other-audience"),
        ("exchange-resource", wants.resource.is_some(), "resource"),
        ("exchange-unknown-audience", wants.unknown_audience.is_some(), "unknown-audience"),
        ("exchange-wider-scope", wants.wider_scope.is_some(), "wider-scope"),
        ("exchange-access-token", wants.subject_token_type.is_none(), "without subject-token-type"),
    ] {
        seen.abilities.decide(word, has, &format!("none is known (profile section [exchange], {what})"));
    }
    for word in POLICIES {
        let reason = "a policy that the profile does not claim (abilities.with)";
        seen.abilities.set(word, Ability::Lacks(reason.into()));
    }
    let wire = Wire::new(Arc::clone(&seen.world.http));
    match honest(seen, &wire).await {
        Ok(subject) => {
            seen.abilities.set("token-exchange", Ability::Has);
            targets(seen, &wire, &subject).await;
            describe(seen, &wire, &subject).await;
        }
        Err(reason) => refused(seen, stated, &reason),
    }
}

/// What RFC 8693 leaves to the server, and is judged where the profile claims it.
const POLICIES: [&str; 6] = [
    "exchange-authenticated",
    "exchange-delegates",
    "exchange-lifetime",
    "exchange-may-act",
    "exchange-no-refresh",
    "exchange-own-subjects",
];

/// Where the profile says nothing of the scopes of a subject token, they are those of the first token. Which ones would be too many
/// only the profile can say: a scope means something at a target (RFC 8693 section 2.1), and some servers give the asking client's.
fn scopes(world: &mut World) {
    let held = world.exchange.wants.subject_scope.clone().or(world.recipe.scope.clone()).unwrap_or_default();
    // What the subject token has already is no more than it has.
    let has = |word: &str| held.split(' ').any(|known| known == word);
    if world.exchange.wants.wider_scope.as_deref().is_some_and(|wider| wider.split(' ').all(has)) {
        world.exchange.wants.wider_scope = None;
    }
    world.exchange.wants.subject_scope = Some(held).filter(|held| !held.is_empty());
}

/// An exchange that fails is an obstacle where the profile says that it works; where only the metadata lists the grant,
/// most likely a client has to be allowed to use it first.
fn refused(seen: &mut Preflight, stated: bool, reason: &str) {
    // Where nobody could log in, nobody has asked for an exchange.
    let asked = !reason.starts_with(NO_SUBJECT);
    let text = match asked {
        true => format!("an honest token exchange failed: {reason}. {ADVICE}"),
        false => format!("no token exchange was tried: {reason}"),
    };
    let must = stated || !asked || !seen.roles.contains(&Role::AuthorizationServer);
    seen.notes.push(text.clone());
    seen.abilities.set("token-exchange", if must { Ability::Broken(text) } else { Ability::Lacks(text) });
}

/// A subject token that may be handed in again, if the target takes one more than once: it saves a login each time.
struct Reusable(Option<String>);

impl Reusable {
    /// The arguments of an exchange, with that token unless they name another.
    fn with(&self, args: Value) -> Value {
        let mut args = args;
        if let (Some(token), Some(named)) = (&self.0, args.as_object_mut()) {
            named.entry("subject-token").or_insert_with(|| json!(token));
        }
        args
    }
}

async fn honest(seen: &mut Preflight, wire: &Wire) -> Result<Reusable, String> {
    let mut context = equipped(seen, wire).await?;
    let answer = act(&mut context, Verb::Exchange, json!({})).await?.facts;
    if answer["granted"] == true {
        let token = answer["subject-token"].as_str().map(str::to_owned);
        let again = act(&mut context, Verb::Exchange, Reusable(token.clone()).with(json!({}))).await;
        let reusable = Reusable(token.filter(|_| again.is_ok_and(|again| again.facts["granted"] == true)));
        let subject = answer["subject"].is_object();
        seen.abilities.decide("exchange-jwt-subject", subject, "its subject tokens are opaque");
        let secret = context.client(EXCHANGER).is_some_and(|client| client.secret.is_some());
        seen.abilities.decide("exchange-secret", secret, "the client that exchanges has no secret");
        // Whom our identity provider vouches for may have another name at the target.
        let login = seen.world.exchange.subject == Source::Login && !seen.world.recipe.minted;
        if seen.abilities.has("dpop") && seen.wants(&["exchange-dpop"]) {
            let proven = answered(seen, wire, reusable.with(json!({ "dpop": true }))).await.unwrap_or_default();
            let bound = ["key", "other-key", "untold", "missing"].iter().any(|word| proven["binding"] == *word);
            let reason = match proven["granted"] == true {
                true => "what it exchanges with a DPoP proof is bound to no key, as it may elect (RFC 9449 section 5)"
                    .to_owned(),
                false => format!("an honest exchange with a DPoP proof failed: {}", said(&proven)),
            };
            seen.abilities.decide("exchange-dpop", bound, &reason);
        }
        seen.abilities.decide("exchange-login", login, "the subject token is not one of the client that exchanges");
        let jwt = answer["token"].is_object();
        seen.abilities.decide("exchange-jwt", jwt, "the tokens that an exchange gives are opaque");
        return Ok(reusable);
    }
    Err(said(&answer))
}

/// Whether the further targets of the profile are targets indeed: a name that is mistyped there is no finding.
async fn targets(seen: &mut Preflight, wire: &Wire, subject: &Reusable) {
    let exchange = seen.world.exchange.clone();
    for (word, key, args) in [
        ("exchange-audiences", "other-audience", json!({ "audience": exchange.wants.other_audience })),
        ("exchange-resource", "resource", json!({ "resource": exchange.wants.resource })),
    ] {
        if !seen.abilities.has(word) {
            continue;
        }
        let answer = match equipped(seen, wire).await {
            Ok(mut context) => act(&mut context, Verb::Exchange, subject.with(args)).await.map(|answer| answer.facts),
            Err(reason) => Err(reason),
        };
        let reason = match answer {
            Ok(facts) if facts["granted"] == true => continue,
            Ok(facts) => said(&facts),
            Err(reason) => reason,
        };
        let text =
            format!("an exchange for the target that the profile names failed (section [exchange], {key}): {reason}");
        seen.notes.push(text.clone());
        seen.abilities.set(word, Ability::Broken(text));
    }
}

/// Which of the things that a server may leave out it has: actor tokens, and tokens of our identity provider.
async fn describe(seen: &mut Preflight, wire: &Wire, subject: &Reusable) {
    let mut actors = Vec::new();
    if seen.abilities.has("client-credentials") {
        actors.push(Source::ClientCredentials);
    }
    actors.extend(seen.world.users.keys().filter(|user| *user != "alice").take(1).cloned().map(Source::LoginOf));
    let (mut alone, mut taken) = (None, Vec::new());
    for source in actors {
        seen.world.exchange.actor = Some(source.clone());
        if let Some(facts) = looked_at(seen, wire, subject, &mut alone).await {
            taken.push((source, facts));
        }
    }
    let source = |at: usize| taken.get(at).map(|(source, _)| source.clone());
    (seen.world.exchange.actor, seen.world.exchange.second_actor) = (source(0), source(1));
    let none = "no actor token of the client, or of a second user, was taken";
    seen.abilities.decide("exchange-actor", !taken.is_empty(), none);
    let chained = match &*taken {
        [(_, first), (_, second), ..] => chain(seen, wire, first, second).await,
        _ => false,
    };
    seen.abilities.decide("exchange-chain", chained, "an exchanged token is not exchanged again for a second actor");
    let trusted = match seen.world.idp.clone() {
        Some(idp) => taken_up(seen, wire, json!({ "subject-token": idp.issuer.mint(idp.honest_token()) })).await,
        None => None,
    };
    let reason = "it takes no subject tokens of our identity provider (profile section [upstream])";
    seen.abilities.decide("exchange-issuer", trusted.is_some(), reason);
}

/// The answer to an exchange with an actor token, if that is taken and not just overlooked: then `act` names the actor, or a
/// made-up one is refused. Some servers name the client in `act`, whatever actor is shown to them, and when it is `alone`.
async fn looked_at(seen: &Preflight, wire: &Wire, subject: &Reusable, alone: &mut Option<Value>) -> Option<Value> {
    let facts = answered(seen, wire, subject.with(json!({ "actor": "first" }))).await?;
    if facts["granted"] != true {
        return None;
    }
    let act = &facts["token"]["claims"]["act"];
    if act.is_object() {
        if alone.is_none() {
            *alone = answered(seen, wire, subject.with(json!({}))).await;
        }
        if alone.as_ref().is_none_or(|alone| alone["token"]["claims"]["act"] != *act) {
            return Some(facts);
        }
    }
    let made_up = answered(seen, wire, subject.with(json!({ "actor-token": "made-up" }))).await;
    made_up.is_some_and(|answer| answer["granted"] == false).then_some(facts)
}

/// Whether what came of an exchange with one actor is exchanged again for another. The token of that one served before: whoever
/// takes an actor token but once gets a fresh one.
async fn chain(seen: &Preflight, wire: &Wire, first: &Value, second: &Value) -> bool {
    let subject = &first["body"]["access_token"];
    let known = json!({ "subject-token": subject, "actor-token": second["actor-token"] });
    let fresh = json!({ "subject-token": subject, "actor": "second" });
    taken_up(seen, wire, known).await.is_some() || taken_up(seen, wire, fresh).await.is_some()
}

/// The token of an exchange, if it succeeds.
async fn taken_up(seen: &Preflight, wire: &Wire, args: Value) -> Option<String> {
    answered(seen, wire, args).await?["body"]["access_token"].as_str().map(str::to_owned)
}

async fn answered(seen: &Preflight, wire: &Wire, args: Value) -> Option<Value> {
    let mut context = equipped(seen, wire).await.ok()?;
    Some(act(&mut context, Verb::Exchange, args).await.ok()?.facts)
}

/// A context with the clients that an exchange needs.
pub async fn equipped(seen: &Preflight, wire: &Wire) -> Result<Context, String> {
    let world = Arc::new(seen.world.clone());
    let mut wanted = vec![(EXCHANGER.to_owned(), EXCHANGER.to_owned())];
    if world.exchange.subject == Source::OtherClient {
        wanted.push(("default".to_owned(), "public".to_owned()));
    }
    let borrowed = world.pool.borrow(&world, wire, &wanted).await.map_err(|reason| format!("failed to {reason}"))?;
    let mut context = context(&world, wire).await;
    for (name, _, client) in &borrowed.clients {
        context.adopt_client(name, client.clone());
    }
    Ok(context)
}

pub fn said(answer: &Value) -> String {
    let text = answer["body"]["error_description"].as_str();
    let text = text.map(|d| format!(" ({})", fact::clip(d, 160))).unwrap_or_default();
    format!("{}{text}", summary(answer))
}

const ADVICE: &str = "Say in the profile who may exchange what: section [exchange], client-id, audience, subject";
const UNKNOWN: &str = "grant_types_supported does not list it, and the profile has no section [exchange]";
