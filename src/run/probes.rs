//! Honest probes of what metadata does not tell: each decides one or two abilities.

use std::sync::Arc;
use std::time::Duration;

use mock_idp::ResourcePolicy;
use serde_json::{Value, json};

use super::ability::Ability;
use super::preflight::Preflight;
use super::recipe::{act, context, journey, journey_and_token};
use crate::fact::summary;
use crate::rule::Role;
use crate::step::{self, Client, Context, How, World};
use crate::suite::Verb;
use crate::wire::Wire;

/// Whether `resource` makes a difference: one that does not exist is refused, or at least stands in the token. A server
/// that does not know the parameter ignores it, which is well too.
pub async fn resource_choice(seen: &mut Preflight, wire: &Wire, client: &Client) {
    let minds = seen.abilities.has("resource-indicators");
    let reason = "no token that was asked for another resource was seen to be good here";
    seen.abilities.set("resource-ignored", Ability::Lacks(reason.into()));
    // Clients of older versions send none, so that nobody is let down by a server which ignores it.
    let is_sent = seen.world.recipe.send_resource;
    let is_asked_for = is_sent && seen.wants_word("resource-ignored");
    if !minds && !is_asked_for {
        return;
    }
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("default", client.clone());
    let Ok(journey) = act(&mut context, Verb::Authorize, json!({ "resource": NO_RESOURCE })).await else { return };
    if journey.facts["stopped-at"] != "code" {
        return;
    }
    let Ok(token) = act(&mut context, Verb::Token, json!({})).await else { return };
    if token.facts["granted"] != true {
        return;
    }
    let claims = &token.facts["token"]["claims"];
    let call = match token.facts["body"]["access_token"].as_str().filter(|_| seen.abilities.has("call")) {
        Some(bearer) => act(&mut context, Verb::Call, json!({ "bearer": bearer })).await.ok(),
        None => None,
    };
    // Whoever hands our tokens on leaves the choice to our identity provider.
    if is_sent && seen.abilities.has("own-tokens") && call.as_ref().is_some_and(|answer| answer.facts["served"] == true)
    {
        seen.abilities.set("resource-ignored", Ability::Has);
    }
    if !minds {
        return;
    }
    let ignored = match call {
        // An opaque token does not say what it is for; that the MCP server refuses it does.
        Some(answer) if claims.is_null() => answer.facts["status"] != 401 && answer.facts["status"] != 403,
        _ => !claims["aud"].to_string().contains(NO_RESOURCE),
    };
    if ignored {
        let reason = "a request for a resource that does not exist is served as if it named none";
        seen.abilities.set("resource-indicators", Ability::Lacks(reason.into()));
        return;
    }
    // Whoever hands our tokens on leaves the choice to our identity provider. A real one knows its resources, ours
    // serves any.
    let any = seen.world.idp.as_ref().is_some_and(|idp| idp.issuer.config().resources == ResourcePolicy::Any);
    if any && !seen.abilities.has("own-tokens") {
        let reason = "our identity provider serves any resource, and its tokens are handed on";
        seen.abilities.set("resource-indicators", Ability::Lacks(reason.into()));
    }
}

/// Whether documents of our host are fetched. A careful server refuses plain http and loopback, so that it does not is
/// no finding; an operator who has excepted our host says so in the profile (abilities.with).
pub async fn document_host(seen: &mut Preflight) {
    let lacks = |reason: &str| {
        Ability::Lacks(format!("no client metadata document of the harness's own host was taken: {reason}"))
    };
    let ability = match try_document(&seen.world).await {
        Ok(()) => Ability::Has,
        Err(reason) => lacks(&reason),
    };
    seen.abilities.set("document-host", ability);
}

async fn try_document(world: &World) -> Result<(), String> {
    if world.host.is_none() || !world.found.metadata["authorization_endpoint"].is_string() {
        return Err("there is no authorization endpoint".into());
    }
    let wire = Wire::new(Arc::clone(&world.http));
    let mut context = context(&Arc::new(world.clone()), &wire).await;
    act(&mut context, Verb::Register, json!({ "how": "document" })).await?;
    let journey = act(&mut context, Verb::Authorize, json!({})).await?.facts;
    match (journey["stopped-at"] == "code", journey["fetched"].as_u64()) {
        (true, Some(1..)) => Ok(()),
        (true, _) => Err("a code was issued without a look at the document".into()),
        (false, _) => Err(summary(&journey)),
    }
}

/// Whether the user is asked again in another browser, where the same client was approved before.
pub async fn consent_again(seen: &mut Preflight, wire: &Wire, client: &Client) {
    if !seen.abilities.has("consent-page") || !seen.wants(&["consent-page"]) {
        return;
    }
    let Ok(journey) = journey(&seen.world, wire, client).await else { return };
    seen.world.recipe.consent_kept = journey["asked-consent"] != true;
    if !seen.world.recipe.consent_kept {
        return;
    }
    let kept = "it remembers consent, so that a code comes without a new one";
    seen.abilities.set("consent-asked-again", Ability::Lacks(kept.into()));
    let reason = if seen.world.registration.how == How::Preset {
        "it remembers consent for the preset client, and no other can be registered"
    } else if is_kept_for_all(seen, wire).await {
        "the target does not ask again for another client of the same user"
    } else {
        return;
    };
    seen.abilities.set("consent-page", Ability::Lacks(reason.into()));
}

/// Whether the user is not asked for a client either that nobody has seen before.
async fn is_kept_for_all(seen: &Preflight, wire: &Wire) -> bool {
    let Ok(client) = step::fresh_client(&seen.world, wire, "default", "public").await else { return false };
    let journey = journey(&seen.world, wire, &client).await;
    seen.world.pool.stock("public", client);
    journey.is_ok_and(|journey| journey["asked-consent"] != true)
}

/// Whether a client with a secret or a key gets a token by each way of authentication that the metadata offers. One case says that it
/// does not; the others, which are about something else, then do not apply. A server may register a client for another way than it asked
/// for (RFC 7591 section 3.2.1), and what the client then sends says nothing about the way that the case is about.
pub async fn secrets(seen: &mut Preflight, wire: &Wire) {
    for (kind, word, registers, secret, method) in [
        ("basic", "secret-basic", "basic-client", Some("basic-client-secret"), "client_secret_basic"),
        ("jwt", "private-key-jwt", "jwt-client", None, "private_key_jwt"),
        ("post", "secret-post", "post-client", Some("post-client-secret"), "client_secret_post"),
    ] {
        if !seen.abilities.has(word) {
            continue;
        }
        let client = match step::fresh_client(&seen.world, wire, kind, kind).await {
            Ok(client) => client,
            Err(reason) => {
                // Such clients may be the operator's to make.
                let reason = format!("offered, but failed to {reason}");
                for word in [word].into_iter().chain(secret) {
                    seen.abilities.set(word, Ability::Lacks(reason.clone()));
                }
                continue;
            }
        };
        if let (Some(secret), None) = (secret, &client.secret) {
            seen.abilities.set(secret, Ability::Lacks("a client that registers for it gets no secret".into()));
        }
        if client.method != method {
            // A server may replace what it was asked for (RFC 7591 section 2); its answer says so.
            let reason = format!("a client that asks for {method} is registered for {}", client.method);
            for word in [word, registers] {
                seen.abilities.set(word, Ability::Lacks(reason.clone()));
            }
            continue;
        }
        let mut got = journey_and_token(&seen.world, wire, &client).await;
        if kind == "jwt" && got.is_err() {
            got = named_by_endpoint(seen, wire, &client).await.or(got);
        }
        if let (Ok((_, token)), "basic") = (&got, kind) {
            introspects(seen, wire, &client, token).await;
        }
        seen.world.pool.stock(kind, client);
        if let Err(reason) = got {
            seen.abilities.set(word, Ability::Lacks(format!("offered, but {reason}")));
        }
    }
    // One case says that HTTP Basic does not work; what a client without a user may do is judged all the same.
    seen.world.recipe.post_machines = seen.abilities.has("secret-post") && !seen.abilities.has("secret-basic");
    if !seen.abilities.has("secret-post")
        && let Ability::Lacks(reason) = seen.abilities.get("secret-basic")
    {
        seen.abilities.set("confidential-client", Ability::Lacks(reason));
    }
}

/// Whether a client is told about its own tokens: a server may tell resource servers alone (RFC 7662 section 2.2).
async fn introspects(seen: &mut Preflight, wire: &Wire, client: &Client, token: &Value) {
    let Ok(url) = seen.world.endpoint("introspection_endpoint") else { return };
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("basic", client.clone());
    let mut told = async |kind: &str| {
        let asked = json!({ "url": url, "client": "basic", "form": { "token": token["body"][kind] } });
        let answer = act(&mut context, Verb::Fetch, asked).await;
        token["body"][kind].is_string() && answer.is_ok_and(|answer| answer.facts["body"]["active"] == true)
    };
    let (access, refresh) = (told("access_token").await, told("refresh_token").await);
    seen.abilities.decide("introspection-of-access", access, "a client is not told of its own good access token");
    seen.abilities.decide("introspection-told", access || refresh, "a client is not told of its own good tokens");
}

/// What a client can do that registers by itself, whatever the clients of the profile are: get tokens, and read, change and delete its
/// registration, of which a server may offer any or nothing (RFC 7592 section 1).
pub async fn self_registered(seen: &mut Preflight) {
    if !seen.wants(&["dynamic-client", "dynamic-registration", "registration-"]) {
        return;
    }
    let wire = Wire::new(Arc::clone(&seen.world.http));
    let mut context = context(&Arc::new(seen.world.clone()), &wire).await;
    let registered = match seen.abilities.get("dynamic-registration") {
        Ability::Has => match act(&mut context, Verb::Register, json!({ "how": "dynamic" })).await {
            // Who registers clients may ask for an initial access token (RFC 7591 section 3).
            Ok(answer) if [401, 403].iter().any(|status| answer.facts["status"] == *status) => {
                let reason = format!("an honest registration was refused ({})", summary(&answer.facts));
                let closed = Ability::Lacks(reason);
                seen.abilities.set("dynamic-registration", closed.clone());
                Err(closed)
            }
            Ok(answer) => answer.unready.map_or(Ok(answer.facts), |reason| Err(Ability::Broken(reason))),
            Err(reason) => Err(Ability::Broken(reason)),
        },
        other => Err(other),
    };
    let addressed = registered.clone().and_then(|facts| {
        let reason = "the registration answer has no registration_client_uri";
        let is_named = facts["body"]["registration_client_uri"].is_string();
        is_named.then_some(facts).ok_or_else(|| Ability::Lacks(reason.into()))
    });
    let ability = |outcome: &Result<Value, Ability>| outcome.as_ref().err().cloned().unwrap_or(Ability::Has);
    seen.abilities.set("registration-management", ability(&addressed));
    let client = context.client("default").filter(|_| registered.is_ok()).cloned();
    let served = match client {
        Some(client) if seen.world.registration.how != How::Dynamic && seen.abilities.has("authorization-code") => {
            let got = journey_and_token(&seen.world, &wire, &client).await.map(|_| Value::Null);
            got.map_err(|reason| Ability::Lacks(format!("a client that registers by itself gets none: {reason}")))
        }
        _ => registered,
    };
    seen.abilities.set("dynamic-client", ability(&served));
    for (word, how) in [("registration-updates", "update"), ("registration-deletion", "delete")] {
        let ability = if addressed.is_ok() { managed(&mut context, how).await } else { ability(&addressed) };
        seen.abilities.set(word, ability);
    }
}

async fn managed(context: &mut Context, how: &str) -> Ability {
    match act(context, Verb::Manage, json!({ "how": how })).await {
        Err(reason) => Ability::Broken(reason),
        Ok(answer) => match answer.unready {
            None => Ability::Has,
            // A server that does not offer it says so.
            Some(reason) if answer.facts["crash"] == true => Ability::Broken(format!("an honest {how}: {reason}")),
            Some(reason) => Ability::Lacks(format!("an honest {how}: {reason}")),
        },
    }
}

/// The same with an assertion whose audience is the token endpoint: an authorization server may know itself by that name alone
/// (RFC 7523 section 3, OpenID Connect Core section 9).
async fn named_by_endpoint(seen: &mut Preflight, wire: &Wire, client: &Client) -> Result<(Value, Value), String> {
    let endpoint = seen.world.found.metadata["token_endpoint"].as_str().map(str::to_owned);
    seen.world.recipe.assertion_audience = endpoint;
    let got = journey_and_token(&seen.world, wire, client).await;
    match &got {
        Ok(_) => {
            seen.notes.push("client assertions are taken with the token endpoint as audience only: all name it".into())
        }
        Err(_) => seen.world.recipe.assertion_audience = None,
    }
    got
}

/// Whether the authorization server revokes access tokens: it may refuse to (RFC 7009 section 2.2.1).
pub async fn revocation(seen: &mut Preflight, wire: &Wire, client: &Client, token: &Value) {
    if !seen.roles.contains(&Role::AuthorizationServer) {
        let reason = "its authorization server is not judged, and need not tell it of revocations";
        seen.abilities.set("client-revocation", Ability::Lacks(reason.into()));
        return seen.abilities.set("token-revocation", Ability::Lacks(reason.into()));
    }
    let endpoint = seen.world.found.metadata["revocation_endpoint"].clone();
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("default", client.clone());
    let form = json!({ "token": token["body"]["access_token"], "token_type_hint": "access_token" });
    let args = json!({ "url": endpoint, "client": "default", "auth": "registered", "form": form });
    let answer = act(&mut context, Verb::Fetch, args).await.ok().filter(|_| endpoint.is_string());
    let revoked = answer.as_ref().is_some_and(|a| a.facts["status"] == 200);
    let unsupported = answer.as_ref().is_some_and(|a| a.facts["error"] == "unsupported_token_type");
    seen.abilities.decide(
        "client-revocation",
        revoked || unsupported,
        "an honest revocation was refused to its client, or there is no revocation_endpoint",
    );
    seen.abilities.decide(
        "token-revocation",
        revoked,
        "an honest request to revoke an access token was refused, or there is no revocation_endpoint",
    );
}

/// Whether a used refresh token is taken again at once, which may be a grace for clients that lost an answer: that is a policy, and
/// replay is judged when it is over.
pub async fn grace(seen: &mut Preflight, wire: &Wire, client: &Client, token: &Value) {
    let stated = seen.world.recipe.refresh_grace;
    if stated.is_some_and(|grace| grace >= step::LONGEST_WAIT) {
        let reason = "its grace for used refresh tokens is longer than a case may wait (profile: target.refresh-grace)";
        seen.abilities.set("refresh-rotation", Ability::Lacks(reason.into()));
    }
    let Some(first) = token["body"]["refresh_token"].as_str().filter(|_| stated.is_none() && seen.wants(&["refresh-"]))
    else {
        return;
    };
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("default", client.clone());
    let args = json!({ "refresh-token": first });
    let Ok(answer) = act(&mut context, Verb::Token, args.clone()).await else { return };
    // Without rotation there is nothing to wait for.
    let rotated = answer.facts["body"]["refresh_token"].as_str().is_some_and(|next| next != first);
    if !rotated || !act(&mut context, Verb::Token, args).await.is_ok_and(|again| again.facts["granted"] == true) {
        return;
    }
    seen.world.recipe.refresh_grace = Some(LIKELY_GRACE);
    seen.abilities.set("refresh-without-grace", Ability::Lacks(GRACE.into()));
    seen.notes.push(format!(
        "a used refresh token was taken again at once. A short grace for clients that lost an answer is lawful: cases about replay wait {} seconds for its end (profile: target.refresh-grace)",
        LIKELY_GRACE.as_secs()
    ));
}

/// Whether browsers of other origins are answered at all.
pub async fn preflight_requests(seen: &mut Preflight) {
    if seen.world.is_bare() {
        return;
    }
    let wire = Wire::new(Arc::clone(&seen.world.http));
    let mut context = context(&Arc::new(seen.world.clone()), &wire).await;
    let headers = json!({ "origin": "https://client.example", "access-control-request-method": "GET" });
    let url = seen.world.found.prm_url.clone().unwrap_or_else(|| seen.world.mcp_url.clone());
    let answer = act(&mut context, Verb::Fetch, json!({ "url": url, "method": "OPTIONS", "headers": headers })).await;
    let has = answer.is_ok_and(|a| a.facts["headers"]["access-control-allow-origin"].is_string());
    seen.abilities.decide("cors", has, "preflight requests are not answered for browsers of other origins");
    let origin = json!({ "origin": seen.world.origin(), "access-control-request-method": "POST" });
    let mut offered = false;
    for method in ["OPTIONS", "POST"] {
        let answer = act(&mut context, Verb::Call, json!({ "http-method": method, "headers": origin })).await;
        offered |= answer.is_ok_and(|a| a.facts["headers"]["access-control-allow-origin"].is_string());
    }
    seen.abilities.decide("cors-mcp", offered, "the MCP endpoint has no CORS headers");
}

/// Why what comes at the same time as a refresh says nothing.
pub const GRACE: &str =
    "a used refresh token is taken again for a while, so that clients that lost an answer can go on";

/// Longer than the graces that are known of products: 10 to 60 seconds.
const LIKELY_GRACE: Duration = Duration::from_secs(90);

/// A resource that no server knows.
const NO_RESOURCE: &str = "https://no-such-resource.example/mcp";
