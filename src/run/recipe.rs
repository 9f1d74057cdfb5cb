//! Finding out, by honest requests, what an authorization request to this target needs and what the target offers.

use std::sync::Arc;

use mock_idp::Endpoint;
use serde_json::{Map, Value, json};

use super::ability::{Abilities, Ability};
use super::preflight::Preflight;
use super::stated::document;
use super::stuck::{REFUSED, stuck};
use super::tokens;
use super::{leg, probes};
use crate::fact::{self, summary};
use crate::rule::{McpVersion, Role};
use crate::step::{self, Client, Context, Ends, How, Performed, World};
use crate::suite::Verb;
use crate::wire::Wire;

/// A context with no clients, for requests before anything is known.
pub async fn context(world: &Arc<World>, wire: &Wire) -> Context {
    let borrowed = world.pool.borrow(world, wire, &[]).await.unwrap_or_else(|_| unreachable!("nothing was asked for"));
    Context::new(Arc::clone(world), wire.clone(), borrowed, Map::new())
}

/// Becomes a client, logs in, gets a token and calls once; what fails is remembered as broken, with its reason.
pub async fn honest_grant(seen: &mut Preflight, stated: Option<McpVersion>) {
    let wire = Wire::new(Arc::clone(&seen.world.http));
    if seen.world.users.values().any(|user| user.token.is_some()) {
        return given(seen, &wire, stated).await;
    }
    if !seen.abilities.has("code-flow")
        && seen.world.endpoint("authorization_endpoint").is_err()
        && seen.world.idp.is_none()
    {
        return without_codes(seen);
    }
    if seen.world.registration.how == How::None || !seen.world.found.metadata.is_object() {
        let reason = if seen.world.found.metadata.is_object() {
            "no client can be had: no registration_endpoint, no metadata documents, and no preset client (profile section [registration])"
        } else {
            "no authorization server metadata was found"
        };
        return broken(seen, reason);
    }
    let (mut client, mut got) = first_grant(seen, &wire).await;
    if got.is_err()
        && let Some(method) = with_secret(&seen.world)
    {
        seen.world.registration.method = Some(method.to_owned());
        let second = first_grant(seen, &wire).await;
        if second.1.is_ok() {
            (client, got) = second;
            let reason = "the metadata does not list none among the ways to authenticate, and a client without a secret got no token";
            seen.abilities.set("public-client", Ability::Lacks(reason.into()));
            seen.notes.push(format!("{reason}: clients register with one ({method})"));
        } else {
            seen.world.registration.method = None;
        }
    }
    let client = match client {
        Ok(client) => client,
        Err(reason) => {
            if seen.world.registration.how == How::Dynamic {
                for word in
                    ["confidential-client", "dynamic-registration", "private-key-jwt", "secret-basic", "secret-post"]
                {
                    seen.abilities.set(word, Ability::Broken(reason.clone()));
                }
            }
            return broken(seen, &reason);
        }
    };
    seen.documents.extend(
        (!client.registration.is_null()).then(|| document("registration response", &client.registration, &wire)),
    );
    if seen.world.registration.how != How::Preset {
        seen.world.pool.stock("public", client.clone());
    }
    match got {
        Ok((journey, mut token)) => {
            describe(seen, &journey, &token, &wire);
            granted(seen, &client, &token);
            leg::clients(seen, &wire, &client, &journey).await;
            first_call(seen, &wire, &token, stated).await;
            if let Some((other, second)) = turns(seen, &wire, &client, &mut token).await {
                probes::grace(seen, &wire, &other, &second).await;
            }
            leg::identity(seen, &wire, &client).await;
            probes::revocation(seen, &wire, &client, &token).await;
            probes::resource_choice(seen, &wire, &client).await;
            probes::secrets(seen, &wire).await;
            probes::consent_again(seen, &wire, &client).await;
        }
        // What a page or an error says may hold a code or a password.
        Err(reason) => broken(seen, &wire.vault().redact(&reason)),
    }
}

/// A client, and what it got; or why there is none, or nothing.
async fn first_grant(seen: &mut Preflight, wire: &Wire) -> (Result<Client, String>, Result<(Value, Value), String>) {
    match step::fresh_client(&seen.world, wire, "default", "public").await {
        Ok(client) => {
            let got = grant(seen, wire, &client).await;
            (Ok(client), got)
        }
        Err(reason) => {
            let reason = format!("failed to {reason}");
            (Err(reason.clone()), Err(reason))
        }
    }
}

/// The method to register with where a client without a secret got nothing, and the metadata never said that it would.
fn with_secret(world: &World) -> Option<&'static str> {
    let methods = world.found.metadata["token_endpoint_auth_methods_supported"].as_array()?;
    let lists = |word: &str| methods.iter().any(|method| method == word);
    let chosen = world.registration.how != How::Dynamic || world.registration.method.is_some() || lists("none");
    ["client_secret_basic", "client_secret_post", "private_key_jwt"].into_iter().find(|method| !chosen && lists(method))
}

/// A new login of a user may end what he got before, or what the same client got. Where it does, cases whose logins would end each
/// other's tokens run one after another: all, or those that have preset clients, which are the same for all cases. Hands back what
/// the new login gave, and to whom.
async fn turns(seen: &mut Preflight, wire: &Wire, client: &Client, first: &mut Value) -> Option<(Client, Value)> {
    let is_shared = seen.world.registration.how == How::Preset || seen.world.exchange.client.is_some();
    let (other, ends, note) = if is_shared {
        let note = "a new login ends what the same client got before: cases that have the preset client run one by one";
        (client.clone(), Ends::OfClient, note)
    } else {
        let other = step::fresh_client(&seen.world, wire, "default", "public").await.ok()?;
        seen.world.pool.stock("public", other.clone());
        let note = "a new login of a user ends what he got before by other clients: cases that log in run one by one";
        (other, Ends::All, note)
    };
    let (_, mut second) = journey_and_token(&seen.world, wire, &other).await.ok()?;
    let ended = is_good(seen, wire, client, first).await == Some(false);
    if ended && is_good(seen, wire, &other, &mut second).await == Some(true) {
        seen.world.pool.take_turns(ends);
        seen.notes.push(note.into());
    }
    Some((other, second))
}

/// Whether what an honest grant gave is still of use, all of it; `None` if there is no telling. A refresh puts other tokens in its place.
async fn is_good(seen: &Preflight, wire: &Wire, client: &Client, token: &mut Value) -> Option<bool> {
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("default", client.clone());
    let mut good = None;
    if let Some(bearer) = token["body"]["access_token"].as_str().filter(|_| seen.abilities.has("call")) {
        let answer = act(&mut context, Verb::Call, json!({ "bearer": bearer })).await.ok()?;
        good = Some(answer.facts["served"] == true);
    }
    if let Some(refresh) = token["body"]["refresh_token"].as_str().filter(|_| good != Some(false)) {
        let answer = act(&mut context, Verb::Token, json!({ "refresh-token": refresh })).await.ok()?;
        good = Some(answer.facts["granted"] == true);
        if good == Some(true) {
            *token = answer.facts;
        }
    }
    good
}

/// Where the operator gives access tokens, one call tells whether they are good; nobody logs in, so what needs a login does not
/// apply.
async fn given(seen: &mut Preflight, wire: &Wire, stated: Option<McpVersion>) {
    seen.world.recipe.given = true;
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    let token = match act(&mut context, Verb::Token, json!({})).await {
        Ok(token) => token.facts,
        Err(reason) => return broken(seen, &reason),
    };
    let a = &mut seen.abilities;
    let reason = "the profile gives access tokens instead of a login (login.how)";
    for word in ["asks-consent", "authorization-code", "consent-page", "login-page", "refresh", "sessions", "step-up"] {
        a.set(word, Ability::Lacks(reason.into()));
    }
    let jwt = token["token"].is_object();
    format_of_tokens(a, jwt);
    a.set("jwt-profile", Ability::Lacks(reason.into()));
    let second = seen.world.users.iter().any(|(name, user)| name != "alice" && user.token.is_some());
    seen.abilities.decide("two-users", second, "the profile gives the token of one user only (login.users)");
    first_call(seen, wire, &token, stated).await;
}

/// A server for machines only: RFC 8414 section 2 lets it do without an authorization endpoint.
fn without_codes(seen: &mut Preflight) {
    let reason = "it offers no authorization code: grant_types_supported does not list it, and there is no authorization_endpoint";
    for word in BY_CODE {
        seen.abilities.set(word, Ability::Lacks(reason.to_owned()));
    }
    seen.notes.push(format!("{reason}; what needs a user does not apply"));
}

/// What only an honest grant tells.
const BY_CODE: [&str; 11] = [
    "asks-consent",
    "authorization-code",
    "refresh",
    "refresh-rotation",
    "refresh-without-grace",
    "jwt-access-token",
    "opaque-access-token",
    "login-page",
    "consent-page",
    "sessions",
    "call",
];

fn broken(seen: &mut Preflight, reason: &str) {
    let reason = &format!("{reason}{}", leg::distrust(&seen.world));
    leg::recognize(seen);
    if seen.roles.contains(&Role::Proxy) {
        for word in [
            "one-upstream-client",
            "proxy",
            "upstream-callback",
            "upstream-discovery",
            "upstream-id-token",
            "upstream-openid",
        ] {
            seen.abilities.set(word, Ability::Broken(reason.to_owned()));
        }
    }
    for word in BY_CODE {
        seen.abilities.set(word, Ability::Broken(reason.to_owned()));
    }
    if seen.roles.contains(&Role::AuthorizationServer) || seen.world.idp.is_none() {
        seen.notes.push(format!("no token could be obtained: {reason}"));
    }
}

/// One honest grant; a second try with what refresh tokens may need, if the first brought none.
async fn grant(seen: &mut Preflight, wire: &Wire, client: &Client) -> Result<(Value, Value), String> {
    let first = match journey_and_token(&seen.world, wire, client).await {
        Err(reason) if seen.world.is_bare() && wants_proofs(&reason) => {
            seen.world.recipe.prove = true;
            let second = journey_and_token(&seen.world, wire, client).await?;
            seen.notes.push("tokens are given for DPoP proofs only: every token request carries one".into());
            second
        }
        Err(reason) if wants_nonce(&reason) => {
            seen.world.recipe.nonce = true;
            let second = journey_and_token(&seen.world, wire, client).await?;
            seen.notes.push("authorization requests are taken with a nonce only: every one carries it".into());
            second
        }
        other => other?,
    };
    if first.1["body"]["refresh_token"].is_string() || !offers_offline(&seen.world) {
        return Ok(first);
    }
    let plain = seen.world.recipe.clone();
    let scope = plain.scope.clone().unwrap_or_default();
    seen.world.recipe.scope = Some(format!("{scope} openid offline_access").trim().to_owned());
    seen.world.recipe.extra = vec![("prompt".into(), "consent".into())];
    match journey_and_token(&seen.world, wire, client).await {
        Ok(second) if second.1["body"]["refresh_token"].is_string() => {
            seen.notes.push(
                "refresh tokens come only with scope \"openid offline_access\" and prompt=consent: both are sent"
                    .into(),
            );
            Ok(second)
        }
        _ => {
            seen.world.recipe = plain;
            Ok(first)
        }
    }
}

/// Whether the token endpoint says that it wants a proof (RFC 9449 sections 5 and 8).
fn wants_proofs(reason: &str) -> bool {
    ["invalid_dpop_proof", "use_dpop_nonce"].iter().any(|error| reason.contains(error))
}

/// Whether the authorization endpoint says that it wants a nonce, though it was asked for a code alone.
fn wants_nonce(reason: &str) -> bool {
    reason.starts_with(REFUSED) && reason.contains("nonce")
}

fn offers_offline(world: &World) -> bool {
    world.found.metadata["scopes_supported"].as_array().is_some_and(|a| a.iter().any(|s| s == "offline_access"))
}

/// The way of a browser that was never seen before to a code.
pub async fn journey(world: &World, wire: &Wire, client: &Client) -> Result<Value, String> {
    Ok(to_code(world, wire, client).await?.1)
}

async fn to_code(world: &World, wire: &Wire, client: &Client) -> Result<(Context, Value), String> {
    let mut context = context(&Arc::new(world.clone()), wire).await;
    context.adopt_client("default", client.clone());
    let journey = act(&mut context, Verb::Authorize, json!({})).await?.facts;
    if journey["stopped-at"] == "code" { Ok((context, journey)) } else { Err(stuck(world, &journey)) }
}

pub async fn journey_and_token(world: &World, wire: &Wire, client: &Client) -> Result<(Value, Value), String> {
    let (mut context, mut journey) = to_code(world, wire, client).await?;
    let received = world.idp.as_ref().map(|idp| idp.issuer.journal_of(Endpoint::Userinfo)).unwrap_or_default();
    journey["profile-read"] = json!(!received.is_empty());
    let token = act(&mut context, Verb::Token, json!({})).await?;
    if token.facts["granted"] != true {
        let said = token.facts["body"]["error_description"].as_str();
        let said = said.map(|d| format!(" ({})", fact::clip(d, 160))).unwrap_or_default();
        return Err(format!("the token endpoint refused an honest code: {}{said}", summary(&token.facts)));
    }
    Ok((journey, token.facts))
}

/// What came of the client and the scope that were asked for: a server may register another kind of client (RFC 7591 section 3.2.1)
/// and grant another scope (RFC 6749 section 3.3), if it says so.
fn granted(seen: &mut Preflight, client: &Client, token: &Value) {
    if seen.world.registration.how == How::Dynamic && client.method != "none" {
        let reason = format!("a client that registers gets {}", client.method);
        seen.abilities.set("public-client", Ability::Lacks(reason));
    }
    let has = |word: &str| token["granted-scope"].as_array().is_some_and(|list| list.iter().any(|scope| scope == word));
    if seen.world.scope("write").is_some_and(|needed| needed.split(' ').all(has)) {
        let reason = "an honest grant has the scope of the writing tool already (profile section [scopes], tool-write)";
        seen.abilities.set("step-up", Ability::Lacks(reason.into()));
    }
}

/// What the honest grant shows about the target.
fn describe(seen: &mut Preflight, journey: &Value, token: &Value, wire: &Wire) {
    leg::asked(seen, journey);
    seen.world.forms.steps = serde_json::from_value(journey["steps"].clone()).unwrap_or_default();
    let a = &mut seen.abilities;
    a.set("authorization-code", Ability::Has);
    // What a command answers is not seen.
    let by_command = journey["by-command"] == true;
    let unseen = |otherwise: &'static str| if by_command { BY_COMMAND } else { otherwise };
    a.decide("login-page", journey["logged-in"] == true, unseen("nobody was asked to log in"));
    let asked = |what: &str| journey["pages"].as_array().into_iter().flatten().position(|p| p["asks"] == what);
    let first = asked("login").is_some_and(|login| asked("consent").is_none_or(|consent| login < consent));
    a.decide("login-first", first, "it asks for consent before it knows who the user is");
    let consents = journey["asked-consent"] == true;
    a.decide("asks-consent", consents, unseen("nobody was asked for consent"));
    let own = |page: &Value| !page["url"].as_str().is_some_and(|url| seen.world.is_upstream(url));
    let apart = journey["pages"].as_array().into_iter().flatten().any(|page| page["asks"] == "consent" && own(page));
    let reason = match consents {
        true => "it asks for consent on the page that asks for the password",
        false => unseen("nobody was asked for consent"),
    };
    a.decide("consent-page", consents && apart, reason);
    let token_field = journey["pages"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|p| p["asks"] == "consent" && p["csrf-field"].is_string());
    a.decide("csrf-token", token_field, "no consent form with a field that is named like a CSRF token");
    a.decide("iss-sent", journey["redirect"]["params"]["iss"].is_string(), "the authorization answer carries no iss");
    a.decide("refresh", token["body"]["refresh_token"].is_string(), "an honest grant brought no refresh token");
    let bound = "its tokens are bound to keys, and such refresh tokens need not rotate (OAuth 2.1 section 4.3.1)";
    a.decide("refresh-rotation", !seen.world.recipe.prove, bound);
    let asked = seen.world.recipe.scope.as_deref().is_some_and(|scope| scope.split(' ').any(|word| word == "openid"));
    if asked && a.has("openid") && !token["body"]["id_token"].is_string() {
        // A proxy lists the scope because its identity provider wants it.
        a.set("openid", Ability::Lacks("it lists the scope openid, but its token answer has no ID token".into()));
    }
    a.decide("refresh-without-grace", seen.world.recipe.refresh_grace.is_none(), probes::GRACE);
    let jwt = token["token"].is_object();
    format_of_tokens(a, jwt);
    let typ = token["token"]["header"]["typ"].as_str().unwrap_or_default().to_ascii_lowercase();
    // Only the target's own authorization server tells what the target promises; ours types its tokens in any case, also
    // those that a proxy passes through.
    let ours = seen.world.idp.as_ref().map(|idp| idp.issuer.url());
    let own = ours.is_none_or(|issuer| token["token"]["claims"]["iss"] != issuer);
    let typed = typ.trim_start_matches("application/") == "at+jwt";
    let profiled = jwt && own && typed && seen.roles.contains(&Role::AuthorizationServer);
    a.decide(
        "jwt-profile",
        profiled,
        "its own access tokens are not typed at+jwt, so it does not claim to follow RFC 9068",
    );
    let audience = &token["token"]["claims"]["aud"];
    let names = |v: &Value| v == &json!(seen.world.recipe.resource);
    let bound = names(audience) || audience.as_array().is_some_and(|l| l.iter().any(names));
    leg::tokens(seen, token, bound);
    let a = &mut seen.abilities;
    a.decide(
        "resource-indicators",
        bound || !jwt,
        "the token of an honest request with `resource` does not name it in `aud`",
    );
    if journey["logged-in"] != true && journey["by-command"] != true {
        let unasked = "no login: authorization requests are approved at once";
        let asked = "no login: whoever sees the consent page may approve";
        seen.login = if journey["asked-consent"] == true { asked } else { unasked }.into();
    }
    if journey["identified"] != true {
        for word in ["restricted-tool", "two-users"] {
            let reason = "nobody is asked who he is, so all tokens are about the same user";
            seen.abilities.set(word, Ability::Lacks(reason.into()));
        }
    }
    let shape = |v: &Value| v.as_object().map(|m| m.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let redirect =
        json!({ "status": journey["redirect"]["status"], "parameters": shape(&journey["redirect"]["query"]) });
    seen.documents.push(document("authorization response", &redirect, wire));
    let cookies: Vec<Value> = journey["cookies"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| {
            let mut c = c.clone();
            c["value"] = json!("<cookie>");
            c
        })
        .collect();
    seen.documents.push(document("cookies", &json!(cookies), wire));
    let mut body = token["body"].clone();
    for secret in ["access_token", "refresh_token", "id_token"] {
        if body[secret].is_string() {
            body[secret] = json!(format!("<{secret}>"));
        }
    }
    seen.documents.push(document("token response", &body, wire));
}

/// The first call with an honest token: settles the version and shows whether the token is of any use.
async fn first_call(seen: &mut Preflight, wire: &Wire, token: &Value, stated: Option<McpVersion>) {
    if seen.world.is_bare() {
        for word in ["call", "mcp-2026", "sessions"] {
            seen.abilities.set(word, Ability::Lacks(BARE.into()));
        }
        return seen.abilities.set("mcp-2025-11-25", Ability::Has);
    }
    let bearer = token["body"]["access_token"].as_str().unwrap_or_default().to_owned();
    match speak(seen, wire, &bearer, stated).await {
        Ok(session) => {
            seen.abilities.set("call", Ability::Has);
            seen.abilities.decide("sessions", session, "no Mcp-Session-Id was given");
        }
        Err(reason) => {
            let held = held(&seen.world, token);
            let advice = format!("{PLAIN_REFUSED} was refused by the MCP server: {reason}. {held}");
            seen.notes.push(advice.clone());
            seen.abilities.set("call", Ability::Broken(advice));
        }
    }
    let now = seen.world.version >= McpVersion::V2026_07_28;
    seen.abilities.decide("mcp-2026", now, "the target does not speak MCP 2026-07-28");
    let recent = seen.world.version >= McpVersion::V2025_11_25;
    seen.abilities.decide("mcp-2025-11-25", recent, "the target is judged by an older version");
}

/// What follows from access tokens being JWTs or not.
fn format_of_tokens(a: &mut Abilities, jwt: bool) {
    a.decide("jwt-access-token", jwt, "access tokens are opaque");
    a.decide("opaque-access-token", !jwt, "access tokens are JWTs");
    a.decide("revocation-at-once", !jwt, LIVE_ON);
}

/// What a token says of itself, beside what it should be for: whoever is refused wants to know which of it is wrong.
fn held(world: &World, token: &Value) -> String {
    let resource = world.found.prm_member("resource").and_then(Value::as_str).unwrap_or("nothing");
    let (header, claims) = (&token["token"]["header"], &token["token"]["claims"]);
    if !claims.is_object() {
        return format!(
            "It is opaque, so the server has to ask its issuer about it; its resource metadata names {resource}"
        );
    }
    let said = |name: &str, value: &Value| format!("{name} {}", fact::clip(&value.to_string(), 160));
    let scope = if claims["scp"].is_null() { ("scope", &claims["scope"]) } else { ("scp", &claims["scp"]) };
    let parts = [("typ", &header["typ"]), ("iss", &claims["iss"]), ("aud", &claims["aud"]), scope];
    let parts: Vec<String> = parts.into_iter().map(|(name, value)| said(name, value)).collect();
    format!("It has {}; the resource metadata of the server names {resource}", parts.join(", "))
}

/// Finds the newest version in which a call with this token is served; whether a session was opened. Who serves a call of any
/// version whatever, and shows nothing of the newest, is asked which one it wants.
async fn speak(seen: &mut Preflight, wire: &Wire, bearer: &str, stated: Option<McpVersion>) -> Result<bool, String> {
    let candidates = match stated {
        Some(version) => vec![version],
        None => vec![McpVersion::V2026_07_28, McpVersion::V2025_11_25],
    };
    let (mut last, mut careless) = (String::new(), false);
    for version in candidates {
        let mut context = context(&Arc::new(seen.world.clone()), wire).await;
        let call = act(&mut context, Verb::Call, json!({ "bearer": bearer, "version": version.to_string() })).await?;
        if call.facts["served"] == true {
            if stated.is_none()
                && version >= McpVersion::V2026_07_28
                && serves_any(seen, wire, bearer, &call.facts).await
            {
                careless = true;
                continue;
            }
            let negotiated =
                call.facts["result"]["protocolVersion"].as_str().and_then(|v| v.parse::<McpVersion>().ok());
            seen.world.version = stated.or(negotiated).unwrap_or(version);
            return Ok(call.facts["session"].is_string());
        }
        last = summary(&call.facts);
    }
    if careless {
        // It does not negotiate either, so the version in which it served a call is the one.
        seen.world.version = McpVersion::V2026_07_28;
        return Ok(false);
    }
    Err(last)
}

/// Whether an answer under the newest version says nothing about versions: the result has none of its members, discovery is
/// not served, and a version that nobody made is served as well.
async fn serves_any(seen: &Preflight, wire: &Wire, bearer: &str, answer: &Value) -> bool {
    if answer["result"]["resultType"].is_string() {
        return false;
    }
    let newest = McpVersion::V2026_07_28.to_string();
    let served = async |call: Value| {
        let mut context = context(&Arc::new(seen.world.clone()), wire).await;
        act(&mut context, Verb::Call, call).await.is_ok_and(|call| call.facts["served"] == true)
    };
    let discovery = json!({ "bearer": bearer, "version": newest, "method": "server/discover" });
    let made_up = json!({ "bearer": bearer, "version": newest, "headers": { "mcp-protocol-version": "1900-01-01" } });
    !served(discovery).await && served(made_up).await
}

/// Whether the target really takes an honest token of our identity provider.
pub async fn issuer_trust(seen: &mut Preflight, stated: Option<McpVersion>) {
    let Some(idp) = seen.world.idp.clone() else {
        let reason = "the target is not wired to our identity provider (profile section [upstream])";
        seen.abilities.set("rsa-key", Ability::Lacks(reason.into()));
        return seen.abilities.set("trusted-issuer", Ability::Lacks(reason.into()));
    };
    if seen.world.is_bare() {
        seen.abilities.set("rsa-key", Ability::Lacks(BARE.into()));
        return seen.abilities.set("trusted-issuer", Ability::Lacks(BARE.into()));
    }
    if seen.abilities.has("proxy") && seen.abilities.has("own-tokens") {
        let reason = "the target logs users in at our identity provider; the tokens for it are its own";
        seen.abilities.set("rsa-key", Ability::Lacks(reason.into()));
        return seen.abilities.set("trusted-issuer", Ability::Lacks(reason.into()));
    }
    if let Ability::Broken(_) = seen.abilities.get("proxy") {
        let reason = "its users do not log in at our identity provider, so its tokens are not tried";
        seen.abilities.set("rsa-key", Ability::Lacks(reason.into()));
        return seen.abilities.set("trusted-issuer", Ability::Lacks(reason.into()));
    }
    let wire = Wire::new(Arc::clone(&seen.world.http));
    let bearer = idp.issuer.mint(idp.honest_token());
    match speak(seen, &wire, &bearer, stated.or_else(|| seen.abilities.has("call").then_some(seen.world.version))).await
    {
        Ok(session) => {
            seen.abilities.set("trusted-issuer", Ability::Has);
            let rsa = mock_idp::TokenSpec { alg: Some(mock_idp::Alg::Rs256), ..idp.honest_token() };
            let taken = speak(seen, &wire, &idp.issuer.mint(rsa), Some(seen.world.version)).await.is_ok();
            seen.abilities.decide(
                "rsa-key",
                taken,
                "the target refuses tokens of our identity provider signed by RS256",
            );
            tokens::mint_instead(seen);
            if !seen.roles.contains(&Role::Proxy) {
                // Whoever asks about a token hears whether it may be used there (RFC 7662 section 4).
                let own = vec![idp.audience.to_string()];
                idp.issuer.configure(|config| drop(config.introspection.audiences.insert("*".to_owned(), own)));
            }
            if !seen.abilities.has("call") {
                seen.abilities.set("call", Ability::Has);
                seen.abilities.decide("sessions", session, "no Mcp-Session-Id was given");
                let now = seen.world.version >= McpVersion::V2026_07_28;
                seen.abilities.decide("mcp-2026", now, "the target does not speak MCP 2026-07-28");
                let recent = seen.world.version >= McpVersion::V2025_11_25;
                seen.abilities.decide("mcp-2025-11-25", recent, "the target is judged by an older version");
            }
        }
        Err(reason) => {
            let text = format!(
                "the target refused {PLAIN_REFUSED} of our identity provider ({reason}): its issuer must be {}, the audience {}",
                idp.issuer.url(),
                *idp.audience
            );
            seen.notes.push(text.clone());
            seen.abilities.set("trusted-issuer", Ability::Broken(text));
        }
    }
}

/// Performs one verb; a failure in words for a note.
pub async fn act(context: &mut Context, verb: Verb, args: Value) -> Result<Performed, String> {
    let Value::Object(args) = args else { return Err("act: arguments are a table".into()) };
    step::perform(context, verb, &args).await.map_err(|reason| format!("failed to {reason}"))
}

/// What the notes call a plain token that should have been served.
pub const PLAIN_REFUSED: &str = "an honest token";
/// Why what concerns login and consent pages does not apply.
const BY_COMMAND: &str = "a command of the profile answers its pages, so they are not seen (login.how)";
/// Why what concerns the MCP server does not apply.
const BARE: &str = "the target is an authorization server without MCP server (profile: target.issuer alone)";

/// Why nobody asks whether a revoked access token ends at once.
const LIVE_ON: &str = "its access tokens are JWTs, which may live until their end (RFC 7009 section 3), and the profile claims no more (abilities.with)";
