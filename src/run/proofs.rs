//! Whether the target binds tokens to keys (DPoP, RFC 9449) and takes pushed requests (PAR, RFC 9126), tried honestly.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ability::{Abilities, Ability};
use super::preflight::Preflight;
use super::recipe::{self, act};
use crate::fact::summary;
use crate::rule::McpVersion;
use crate::step::{self, Context, Discovered, part};
use crate::suite::Verb;
use crate::wire::Wire;

/// Looks at both.
pub async fn look(seen: &mut Preflight, discovered: &Discovered) {
    let wire = Wire::new(Arc::clone(&seen.world.http));
    pushed(seen, &wire).await;
    let offers = Offers::of(seen, discovered);
    let bound = server(seen, &wire, &offers).await;
    resource(seen, &wire, &offers, bound).await;
    proofs_only(seen);
    bound_clients(seen, &wire).await;
}

/// Who says that it knows DPoP.
struct Offers {
    server: bool,
    resource: bool,
}

impl Offers {
    fn of(seen: &Preflight, discovered: &Discovered) -> Offers {
        let lists = |document: &Value| {
            document["dpop_signing_alg_values_supported"].as_array().is_some_and(|list| !list.is_empty())
        };
        let prm = seen.world.found.prm.clone().unwrap_or_default();
        let challenged = discovered.facts["challenge"]["dpop"].is_object();
        Offers {
            server: lists(&seen.world.found.metadata),
            resource: lists(&prm) || prm["dpop_bound_access_tokens_required"] == true || challenged,
        }
    }
}

/// A context with a client of the pool.
async fn context(seen: &Preflight, wire: &Wire) -> Result<Context, String> {
    let world = Arc::new(seen.world.clone());
    let wanted = [("default".to_owned(), "public".to_owned())];
    let borrowed = world.pool.borrow(&world, wire, &wanted).await?;
    Ok(Context::new(Arc::clone(&world), wire.clone(), borrowed, Default::default()))
}

/// An honest push that leads to a code.
async fn pushed(seen: &mut Preflight, wire: &Wire) {
    seen.abilities.set("par-short-lived", Ability::Lacks("it takes no pushed requests".into()));
    if !seen.abilities.has("par") {
        return;
    }
    if !seen.abilities.has("authorization-code") {
        let same = seen.abilities.get("authorization-code");
        return seen.abilities.set("par", same);
    }
    let journey = match context(seen, wire).await {
        Ok(mut context) => act(&mut context, Verb::Authorize, json!({ "par": true })).await.map(|done| done.facts),
        Err(reason) => Err(reason),
    };
    let lives = journey.as_ref().ok().and_then(|facts| facts["par"]["body"]["expires_in"].as_u64());
    let short = lives.is_some_and(|seconds| seconds < LONGEST_LIFE);
    seen.abilities.decide("par-short-lived", short, "its pushed requests live for longer than a case can wait");
    let ability = match journey {
        Ok(facts) if facts["stopped-at"] == "code" => Ability::Has,
        // Who may push is for the server to say where nobody has to (RFC 9126 section 2.1).
        Ok(facts) if facts["par"]["body"]["error"] == "invalid_client" && !part!(seen.world.recipe, push) => {
            Ability::Lacks("it takes no pushed request of a client without a secret".to_owned())
        }
        Ok(facts) => Ability::Broken(format!("an honest pushed request led to no code: {}", summary(&facts))),
        Err(reason) => Ability::Broken(reason),
    };
    seen.abilities.set("par", ability);
}

/// An honest proof at the token endpoint; gives the token that came, if it says that it is bound, with the context that has
/// its key.
async fn server(seen: &mut Preflight, wire: &Wire, offers: &Offers) -> Option<(Context, String)> {
    let lacks = "neither its metadata nor the challenge offers DPoP";
    seen.abilities.set("dpop-nonce", Ability::Lacks(lacks.into()));
    if !offers.server && !offers.resource {
        seen.abilities.set("dpop", Ability::Lacks(lacks.into()));
        return None;
    }
    if !seen.abilities.has("authorization-code") || seen.world.recipe.minted {
        let same = seen.abilities.get("authorization-code");
        seen.abilities.set("dpop", same);
        return None;
    }
    if step::proof_algorithm(&seen.world).is_none() {
        seen.abilities.set("dpop", Ability::Lacks(NO_KEYS.into()));
        return None;
    }
    let mut context = match context(seen, wire).await {
        Ok(context) => context,
        Err(reason) => return refused(seen, offers, &reason),
    };
    let facts = match act(&mut context, Verb::Token, json!({ "dpop": true })).await {
        Ok(done) if done.facts["granted"] == true => done.facts,
        Ok(done) => return refused(seen, offers, &summary(&done.facts)),
        Err(reason) => return refused(seen, offers, &reason),
    };
    let kind = facts["body"]["token_type"].as_str().unwrap_or_default().to_ascii_lowercase();
    let bound = kind == "dpop" || facts["token"]["claims"]["cnf"]["jkt"].is_string();
    let abilities = &mut seen.abilities;
    // It may elect to (RFC 9449 section 5), so nothing is wrong with that.
    abilities.decide("dpop", bound, "its authorization server answers a proof with a token that is not bound");
    abilities.decide("dpop-nonce", facts["dpop"]["nonce"].is_string(), "its authorization server gave no DPoP-Nonce");
    let token = facts["body"]["access_token"].as_str().map(str::to_owned);
    token.filter(|_| bound).map(|token| (context, token))
}

fn refused<T>(seen: &mut Preflight, offers: &Offers, reason: &str) -> Option<T> {
    let text = format!("its authorization server refused a token request with an honest DPoP proof: {reason}");
    seen.abilities.set("dpop", if offers.server { Ability::Broken(text) } else { Ability::Lacks(text) });
    None
}

/// An honest proof at the MCP server, with a token of the authorization server, else with one of our identity provider.
async fn resource(seen: &mut Preflight, wire: &Wire, offers: &Offers, bound: Option<(Context, String)>) {
    let lacks = "neither its metadata nor its challenge offers DPoP";
    seen.abilities.set("dpop-resource-nonce", Ability::Lacks(lacks.into()));
    if !offers.resource {
        return seen.abilities.set("dpop-resource", Ability::Lacks(lacks.into()));
    }
    if step::proof_algorithm(&seen.world).is_none() {
        return seen.abilities.set("dpop-resource", Ability::Lacks(NO_KEYS.into()));
    }
    let mut reason = "no bound token could be had for it".to_owned();
    let minted = seen.abilities.has("trusted-issuer").then_some(None);
    for way in bound.map(Some).into_iter().chain(minted) {
        seen.world.recipe.minted_bound = way.is_none();
        let answer = match way {
            Some((mut context, token)) => {
                let first = call(&mut context, &token, None).await;
                match first.as_ref().is_ok_and(|facts| facts["served"] != true)
                    && seen.world.version == McpVersion::NEWEST
                {
                    // A plain call could not tell which version it speaks.
                    true => older(seen, &mut context, &token).await.map_or(first, Ok),
                    false => first,
                }
            }
            None => with_minted(seen, wire).await,
        };
        match answer {
            Ok(facts) if facts["served"] == true => {
                let given = facts["dpop"]["nonce"].is_string();
                seen.abilities.set("dpop-resource", Ability::Has);
                return seen.abilities.decide("dpop-resource-nonce", given, "its MCP server gave no DPoP-Nonce");
            }
            Ok(facts) => reason = format!("it refused a bound token with an honest DPoP proof: {}", summary(&facts)),
            Err(problem) => reason = problem,
        }
    }
    seen.world.recipe.minted_bound = false;
    seen.abilities.set("dpop-resource", Ability::Broken(reason));
}

/// Where the MCP server takes bound tokens with a proof and refuses others, as its metadata may demand
/// (`dpop_bound_access_tokens_required`), a call with a plain token proves nothing.
fn proofs_only(seen: &mut Preflight) {
    let refused = |abilities: &Abilities, word: &str| matches!(abilities.get(word), Ability::Broken(_));
    if !seen.abilities.has("dpop-resource") || !refused(&seen.abilities, "call") {
        return;
    }
    let reason = "its MCP server takes bound tokens with a DPoP proof only: what is about calls with plain tokens";
    for word in ["call", "trusted-issuer"] {
        if refused(&seen.abilities, word) {
            seen.abilities.set(word, Ability::Lacks(format!("{reason} does not apply")));
        }
    }
    seen.notes.retain(|note| !note.contains(recipe::PLAIN_REFUSED));
    seen.notes.push(format!("{reason} does not apply"));
}

async fn with_minted(seen: &Preflight, wire: &Wire) -> Result<Value, String> {
    let mut context = recipe::context(&Arc::new(seen.world.clone()), wire).await;
    let token = act(&mut context, Verb::Token, json!({ "bound": true })).await?.facts;
    let bearer = token["body"]["access_token"].as_str().ok_or_else(|| summary(&token))?;
    call(&mut context, bearer, None).await
}

/// The same in the version before the newest: where it is served, that is the version to judge by.
async fn older(seen: &mut Preflight, context: &mut Context, bearer: &str) -> Option<Value> {
    let facts =
        call(context, bearer, Some(McpVersion::V2025_11_25)).await.ok().filter(|facts| facts["served"] == true)?;
    seen.world.version = McpVersion::V2025_11_25;
    Some(facts)
}

async fn call(context: &mut Context, bearer: &str, version: Option<McpVersion>) -> Result<Value, String> {
    let mut args = json!({ "bearer": bearer, "dpop": true });
    if let Some(version) = version {
        args["version"] = json!(version.to_string());
    }
    Ok(act(context, Verb::Call, args).await?.facts)
}

/// Whether the metadata with which a client binds itself to DPoP and PAR is kept: a server may ignore what it does not know
/// (RFC 7591 section 3.2.1), and its answer says so.
async fn bound_clients(seen: &mut Preflight, wire: &Wire) {
    const WORDS: [(&str, &str, &str); 2] = [
        ("dpop", "dpop-bound-clients", "dpop_bound_access_tokens"),
        ("par", "par-required-clients", "require_pushed_authorization_requests"),
    ];
    let offered = WORDS.iter().any(|(ability, ..)| seen.abilities.has(ability));
    let mut kept = Value::Null;
    if offered && seen.abilities.has("dynamic-registration") {
        let with = json!({ "dpop_bound_access_tokens": true, "require_pushed_authorization_requests": true });
        if let Ok(mut context) = context(seen, wire).await
            && let Ok(done) = act(&mut context, Verb::Register, json!({ "as": "bound", "with": with })).await
        {
            kept = done.facts["body"].clone();
        }
    }
    for (ability, word, member) in WORDS {
        keeps(&mut seen.abilities, ability, word, kept[member] == true, member);
    }
}

/// What a case can wait for, in seconds.
const LONGEST_LIFE: u64 = 100;

fn keeps(abilities: &mut Abilities, ability: &str, word: &str, kept: bool, member: &str) {
    let has = kept && abilities.has(ability);
    abilities.decide(word, has, &format!("the answer to a registration with {member} does not repeat it"));
}

/// Why no proof is sent.
const NO_KEYS: &str =
    "authorization server and MCP server list no algorithm in common that we have keys for: ES256, EdDSA, PS256, RS256";
