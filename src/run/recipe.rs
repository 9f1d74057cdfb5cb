//! Finding out, by honest requests, what an authorization request to this target needs and what the target offers.

use std::sync::Arc;

use mock_idp::Endpoint;
use serde_json::{Map, Value, json};

use super::ability::Ability;
use super::leg;
use super::preflight::Preflight;
use crate::event::Document;
use crate::fact::{self, summary};
use crate::rule::{McpVersion, Role};
use crate::step::{self, Client, Context, Discovered, How, Performed, World};
use crate::suite::Verb;
use crate::wire::Wire;

/// A context with no clients, for requests before anything is known.
pub async fn context(world: &Arc<World>, wire: &Wire) -> Context {
    let borrowed = world.pool.borrow(world, wire, &[]).await.unwrap_or_else(|_| unreachable!("nothing was asked for"));
    Context::new(Arc::clone(world), wire.clone(), borrowed, Map::new())
}

/// Challenge and metadata for the snapshot, redacted.
pub fn documents(discovered: &Discovered, wire: &Wire) -> Vec<Document> {
    let facts = &discovered.facts;
    let parts = [
        (
            "challenge",
            json!({ "status": facts["status"], "scheme": facts["challenge"]["scheme"], "params": facts["challenge"]["params"] }),
        ),
        ("protected resource metadata", facts["prm"]["body"].clone()),
        ("authorization server metadata", facts["as"]["body"].clone()),
        ("openid configuration", facts["oidc"]["body"].clone()),
    ];
    parts.into_iter().filter(|(_, v)| !v.is_null()).map(|(name, v)| document(name, &v, wire)).collect()
}

fn document(name: &str, content: &Value, wire: &Wire) -> Document {
    let text = wire.vault().redact(&content.to_string());
    Document { name: name.to_owned(), content: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Abilities that the metadata states.
pub fn from_metadata(seen: &mut Preflight, discovered: &Discovered) {
    let metadata = discovered.found.metadata.clone();
    let prm = discovered.found.prm.clone().unwrap_or_default();
    let lists = |name: &str, word: &str| metadata[name].as_array().is_some_and(|a| a.iter().any(|v| v == word));
    let a = &mut seen.abilities;
    for (word, endpoint) in [
        ("revocation", "revocation_endpoint"),
        ("introspection", "introspection_endpoint"),
        ("userinfo", "userinfo_endpoint"),
        ("par", "pushed_authorization_request_endpoint"),
    ] {
        a.decide(word, metadata[endpoint].is_string(), &format!("no {endpoint} in the metadata"));
    }
    seen.world.recipe.push = metadata["require_pushed_authorization_requests"] == true;
    let methods = metadata["token_endpoint_auth_methods_supported"].is_array();
    let dynamic = metadata["registration_endpoint"].is_string();
    let basic = dynamic && (!methods || lists("token_endpoint_auth_methods_supported", "client_secret_basic"));
    let post = dynamic && lists("token_endpoint_auth_methods_supported", "client_secret_post");
    let jwt = dynamic && lists("token_endpoint_auth_methods_supported", "private_key_jwt");
    let none = "no such method in token_endpoint_auth_methods_supported, or no dynamic registration";
    for (word, offered, has) in [("secret-basic", "basic-offered", basic), ("secret-post", "post-offered", post)] {
        a.decide(offered, has, none);
        a.decide(word, has, none);
    }
    a.decide("confidential-client", basic || post, none);
    a.decide("private-key-jwt", jwt, none);
    a.decide(
        "client-credentials",
        lists("grant_types_supported", "client_credentials"),
        "grant_types_supported does not list it",
    );
    a.decide("openid", lists("scopes_supported", "openid"), "scopes_supported does not list openid");
    a.decide(
        "iss-parameter",
        metadata["authorization_response_iss_parameter_supported"] == true,
        "authorization_response_iss_parameter_supported is not true",
    );
    a.decide(
        "rfc8414-metadata",
        discovered.facts["as"]["form"] == "rfc8414",
        "no document at oauth-authorization-server",
    );
    a.decide("oidc-metadata", discovered.facts["oidc"]["body"].is_object(), "no document at openid-configuration");
    a.decide("protected-resource-metadata", discovered.found.prm.is_some(), "no protected resource metadata was found");
    let count = |doc: &Value| doc["scopes_supported"].as_array().map_or(0, Vec::len);
    let challenged = seen.world.found.challenge_scope.as_deref().is_some_and(|s| !s.is_empty());
    a.decide("resource-scope", challenged || count(&prm) > 0, "neither its challenge nor its metadata names a scope");
    a.decide("scopes", count(&prm).max(count(&metadata)) > 1, "fewer than two scopes are known");
    let issuer_path =
        url::Url::parse(&discovered.found.issuer).is_ok_and(|u| !u.path().trim_end_matches('/').is_empty());
    a.decide("path-issuer", issuer_path, "the issuer has no path");
    let http = seen.world.place().starts_with("http://");
    a.decide("loopback", http, "the target is driven over https");
    a.decide("https", !http, "the target is driven over http on loopback");
    a.decide("two-users", seen.world.users.len() > 1, "the profile names one user only");
    a.decide("key-set", metadata["jwks_uri"].is_string(), "no jwks_uri in the metadata");
    let grants = &metadata["grant_types_supported"];
    let code = metadata.is_object() && (!grants.is_array() || lists("grant_types_supported", "authorization_code"));
    a.decide("code-flow", code, "grant_types_supported does not list authorization_code");
    a.decide("no-server-metadata", !metadata.is_object(), "authorization server metadata is published");
    let named = |word: &str| seen.world.provisioning.contains_key(word);
    let none = "no page of its own is named (profile section [provisioning])";
    a.decide("browser-login", named("login") && named("page"), none);
    a.decide("provisioning", named("start") && named("status"), none);
    // Until a grant shows that they come from our identity provider.
    a.set("own-tokens", Ability::Has);
    a.set("guessing", Ability::Lacks("the profile does not allow to guess secrets (abilities.with)".into()));
    tools_and_scopes(seen, discovered);
}

/// What the profile says about tools, and what challenge and metadata say about scopes.
fn tools_and_scopes(seen: &mut Preflight, discovered: &Discovered) {
    let a = &mut seen.abilities;
    let step_up = seen.world.scope("write").is_some_and(|needed| {
        let granted = seen.world.recipe.scope.clone().unwrap_or_default();
        needed.split(' ').any(|s| !granted.split(' ').any(|g| g == s))
    });
    a.decide("step-up", step_up, "no tool is known that needs more scope (profile section [scopes], tool-write)");
    let read = seen.world.tool("read").is_some();
    a.decide("tool", read, "no tool is named that may be called (profile section [scopes], tool-read)");
    let shown = seen.world.tool("write").is_some() && seen.world.tool("show").is_some();
    a.decide(
        "visible-write",
        shown,
        "no tool is named that shows what was written (profile section [scopes], tool-show)",
    );
    let restricted = seen.world.tool("restricted").is_some() && seen.world.users.len() > 1;
    a.decide(
        "restricted-tool",
        restricted,
        "no tool is named that only one user may use (profile section [scopes], tool-restricted)",
    );
    let upstream = seen.world.tool("upstream").is_some();
    a.decide(
        "upstream-tool",
        upstream,
        "no tool is named that asks the identity provider about the caller (profile section [scopes], tool-upstream)",
    );
    a.decide("many-scopes", seen.world.resource_scopes().len() > 2, "two scopes or fewer are known");
    let challenge = discovered.found.challenge_scope.clone().unwrap_or_default();
    let challenged = challenge.split(' ').any(|s| !s.is_empty() && !step::OPENID_SCOPES.contains(&s));
    let named = discovered.facts["challenge"]["params"]["resource_metadata"].is_string();
    a.decide("metadata-challenge", named, "the challenge has no resource_metadata");
    a.decide("scope-challenge", challenged, "the challenge names no scope beyond those of a login");
    a.set(
        "scope-hierarchy",
        Ability::Lacks("the profile does not say that one scope implies another (abilities.with)".into()),
    );
}

/// Becomes a client, logs in, gets a token and calls once; what fails is remembered as broken, with its reason.
pub async fn honest_grant(seen: &mut Preflight, stated: Option<McpVersion>) {
    let wire = Wire::new(Arc::clone(&seen.world.http));
    if seen.world.registration.how == How::None || !seen.world.found.metadata.is_object() {
        let reason = if seen.world.found.metadata.is_object() {
            "no client can be had: no registration_endpoint, no metadata documents, and no preset client (profile section [registration])"
        } else {
            "no authorization server metadata was found"
        };
        return broken(seen, reason);
    }
    let client = match step::fresh_client(&seen.world, &wire, "default", "public").await {
        Ok(client) => client,
        Err(reason) => {
            let reason = format!("failed to {reason}");
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
    let managed = client.registration["registration_client_uri"].is_string();
    seen.abilities.decide("registration-management", managed, "the registration answer has no registration_client_uri");
    if seen.world.registration.how != How::Preset {
        seen.world.pool.stock("public", client.clone());
    }
    match grant(seen, &wire, &client).await {
        Ok((journey, token)) => {
            describe(seen, &journey, &token, &wire);
            first_call(seen, &wire, &token, stated).await;
            leg::identity(seen, &wire, &client).await;
            revocation(seen, &wire, &client, &token).await;
            resource_choice(seen, &wire, &client).await;
            secrets(seen, &wire).await;
        }
        Err(reason) => broken(seen, &reason),
    }
}

/// Whether `resource` makes a difference: one that does not exist is refused, or at least stands in the token. A server
/// that does not know the parameter ignores it, which is well too.
async fn resource_choice(seen: &mut Preflight, wire: &Wire, client: &Client) {
    if !seen.abilities.has("resource-indicators") || !seen.world.recipe.send_resource {
        return;
    }
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("default", client.clone());
    let Ok(journey) = act(&mut context, Verb::Authorize, json!({ "resource": NO_RESOURCE })).await else { return };
    let mut ignored = false;
    if journey.facts["stopped-at"] == "code" {
        let token = act(&mut context, Verb::Token, json!({})).await;
        ignored = token.is_ok_and(|t| {
            t.facts["granted"] == true && !t.facts["token"]["claims"]["aud"].to_string().contains(NO_RESOURCE)
        });
    }
    seen.abilities.decide(
        "resource-indicators",
        !ignored,
        "a request for a resource that does not exist is served as if it named none",
    );
}

fn broken(seen: &mut Preflight, reason: &str) {
    if seen.roles.contains(&Role::Proxy) {
        seen.abilities.set("proxy", Ability::Broken(reason.to_owned()));
    }
    for word in [
        "authorization-code",
        "refresh",
        "jwt-access-token",
        "opaque-access-token",
        "login-page",
        "consent-page",
        "sessions",
        "call",
    ] {
        seen.abilities.set(word, Ability::Broken(reason.to_owned()));
    }
    if seen.roles.contains(&Role::AuthorizationServer) || seen.world.idp.is_none() {
        seen.notes.push(format!("no token could be obtained: {reason}"));
    }
}

/// One honest grant; a second try with what refresh tokens may need, if the first brought none.
async fn grant(seen: &mut Preflight, wire: &Wire, client: &Client) -> Result<(Value, Value), String> {
    let first = journey_and_token(&seen.world, wire, client).await?;
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

fn offers_offline(world: &World) -> bool {
    world.found.metadata["scopes_supported"].as_array().is_some_and(|a| a.iter().any(|s| s == "offline_access"))
}

async fn journey_and_token(world: &World, wire: &Wire, client: &Client) -> Result<(Value, Value), String> {
    let mut context = context(&Arc::new(world.clone()), wire).await;
    context.adopt_client("default", client.clone());
    let mut journey = act(&mut context, Verb::Authorize, json!({})).await?;
    if journey.facts["stopped-at"] != "code" {
        return Err(stuck(world, &journey.facts));
    }
    let received = world.idp.as_ref().map(|idp| idp.issuer.journal()).unwrap_or_default();
    journey.facts["profile-read"] = json!(received.iter().any(|r| r.endpoint == Endpoint::Userinfo));
    let token = act(&mut context, Verb::Token, json!({})).await?;
    if token.facts["granted"] != true {
        let said = token.facts["body"]["error_description"].as_str();
        let said = said.map(|d| format!(" ({})", fact::clip(d, 160))).unwrap_or_default();
        return Err(format!("the token endpoint refused an honest code: {}{said}", summary(&token.facts)));
    }
    Ok((journey.facts, token.facts))
}

/// Why no code came, with what to do: the difference between a wrong profile and a broken target.
fn stuck(world: &World, facts: &Value) -> String {
    let page = step::describe_page(facts);
    let description = facts["redirect"]["params"]["error_description"]
        .as_str()
        .map(|d| format!(" ({})", fact::clip(d, 160)))
        .unwrap_or_default();
    match facts["stopped-at"].as_str().unwrap_or_default() {
        "login" if facts["submit-statuses"].as_array().is_some_and(|s| !s.is_empty()) => format!(
            "the login was not accepted for user `alice`: check username and password (profile section [login]); {page}"
        ),
        "login" => {
            format!("the login form was not understood: name its fields in the profile (section [login.form]); {page}")
        }
        "consent" => format!(
            "the consent page was not understood: name its button in the profile (login.approve-button); {page}"
        ),
        "page" => format!("the authorization request ended on a page that could not be answered: {page}"),
        "error" => format!(
            "an honest authorization request was refused: {}{description}. It asked for scope \"{}\"",
            facts["error"].as_str().unwrap_or("no error code"),
            world.recipe.scope.as_deref().unwrap_or("")
        ),
        "elsewhere" => format!(
            "the browser was sent to {}, which is not the target: allow it in the profile (target.allow) if it belongs to the login",
            facts["redirect"]["base"].as_str().unwrap_or_default()
        ),
        "nowhere" => format!("no code came: {}. If users log in elsewhere, is that server up?", summary(facts)),
        _ => format!("no code came: {}", summary(facts)),
    }
}

/// What the honest grant shows about the target.
fn describe(seen: &mut Preflight, journey: &Value, token: &Value, wire: &Wire) {
    leg::asked(seen, journey);
    let a = &mut seen.abilities;
    a.set("authorization-code", Ability::Has);
    a.decide("login-page", journey["logged-in"] == true, "nobody was asked to log in");
    let asked = |what: &str| journey["pages"].as_array().into_iter().flatten().position(|p| p["asks"] == what);
    let first = asked("login").is_some_and(|login| asked("consent").is_none_or(|consent| login < consent));
    a.decide("login-first", first, "it asks for consent before it knows who the user is");
    a.decide("consent-page", journey["asked-consent"] == true, "nobody was asked for consent");
    let token_field = journey["pages"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|p| p["asks"] == "consent" && p["csrf-field"].is_string());
    a.decide("csrf-token", token_field, "no consent form with a field that is named like a CSRF token");
    a.decide("iss-sent", journey["redirect"]["params"]["iss"].is_string(), "the authorization answer carries no iss");
    a.decide("refresh", token["body"]["refresh_token"].is_string(), "an honest grant brought no refresh token");
    let jwt = token["token"].is_object();
    a.decide("jwt-access-token", jwt, "access tokens are opaque");
    a.decide("opaque-access-token", !jwt, "access tokens are JWTs");
    let typ = token["token"]["header"]["typ"].as_str().unwrap_or_default().to_ascii_lowercase();
    // Only the target's own authorization server tells what the target promises; ours is typed in any case.
    let profiled =
        jwt && seen.roles.contains(&Role::AuthorizationServer) && typ.trim_start_matches("application/") == "at+jwt";
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
    if journey["logged-in"] != true {
        seen.login = "no login: authorization requests are approved at once".into();
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
            let advice = "an honest token was refused by the MCP server";
            seen.notes.push(format!("{advice}: {reason}"));
            seen.abilities.set("call", Ability::Broken(format!("{advice}: {reason}")));
        }
    }
    let now = seen.world.version >= McpVersion::V2026_07_28;
    seen.abilities.decide("mcp-2026", now, "the target does not speak MCP 2026-07-28");
    let recent = seen.world.version >= McpVersion::V2025_11_25;
    seen.abilities.decide("mcp-2025-11-25", recent, "the target is judged by an older version");
}

/// Finds the newest version in which a call with this token is served; whether a session was opened.
async fn speak(seen: &mut Preflight, wire: &Wire, bearer: &str, stated: Option<McpVersion>) -> Result<bool, String> {
    let candidates = match stated {
        Some(version) => vec![version],
        None => vec![McpVersion::V2026_07_28, McpVersion::V2025_11_25],
    };
    let mut last = String::new();
    for version in candidates {
        let mut context = context(&Arc::new(seen.world.clone()), wire).await;
        let call = act(&mut context, Verb::Call, json!({ "bearer": bearer, "version": version.to_string() })).await?;
        if call.facts["served"] == true {
            let negotiated =
                call.facts["result"]["protocolVersion"].as_str().and_then(|v| v.parse::<McpVersion>().ok());
            seen.world.version = stated.or(negotiated).unwrap_or(version);
            return Ok(call.facts["session"].is_string());
        }
        last = summary(&call.facts);
    }
    Err(last)
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
            mint_instead(seen);
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
                "the target refused an honest token of our identity provider ({reason}): its issuer must be {}, the audience {}",
                idp.issuer.url(),
                idp.audience
            );
            seen.notes.push(text.clone());
            seen.abilities.set("trusted-issuer", Ability::Broken(text));
        }
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

/// Where no client gets a token, or none that the target takes, our identity provider makes the honest ones; an
/// authorization server that is not judged is then no obstacle.
fn mint_instead(seen: &mut Preflight) {
    let judged = seen.roles.contains(&Role::AuthorizationServer);
    let reason = match (seen.abilities.get("authorization-code"), seen.abilities.get("call")) {
        (Ability::Broken(reason), _) => reason,
        (_, Ability::Broken(reason)) if !judged => reason,
        _ => return,
    };
    seen.world.recipe.minted = true;
    seen.abilities.set("jwt-access-token", Ability::Has);
    if judged {
        return;
    }
    for word in ["authorization-code", "refresh", "opaque-access-token", "login-page", "consent-page"] {
        seen.abilities.set(word, Ability::Lacks(reason.clone()));
    }
}

/// Whether a client with a secret gets a token by each way of sending it that the metadata offers. One case says that it
/// does not; the others, which are about something else, then do not apply.
async fn secrets(seen: &mut Preflight, wire: &Wire) {
    for (kind, word) in [("basic", "secret-basic"), ("post", "secret-post")] {
        if !seen.abilities.has(word) {
            continue;
        }
        let Ok(client) = step::fresh_client(&seen.world, wire, kind, kind).await else { continue };
        let got = journey_and_token(&seen.world, wire, &client).await;
        seen.world.pool.stock(kind, client);
        if let Err(reason) = got {
            seen.abilities.set(word, Ability::Lacks(format!("offered, but {reason}")));
        }
    }
    if !seen.abilities.has("secret-basic") && !seen.abilities.has("secret-post") {
        if let Ability::Lacks(reason) = seen.abilities.get("secret-basic") {
            seen.abilities.set("confidential-client", Ability::Lacks(reason));
        }
    }
}

/// Whether the authorization server revokes access tokens: it may refuse to (RFC 7009 section 2.2.1).
async fn revocation(seen: &mut Preflight, wire: &Wire, client: &Client, token: &Value) {
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

/// Performs one verb; a failure in words for a note.
pub async fn act(context: &mut Context, verb: Verb, args: Value) -> Result<Performed, String> {
    let Value::Object(args) = args else { return Err("act: arguments are a table".into()) };
    step::perform(context, verb, &args).await.map_err(|reason| format!("failed to {reason}"))
}

/// Why what concerns the MCP server does not apply.
const BARE: &str = "the target is an authorization server without MCP server (profile: target.issuer alone)";
/// A resource that no server knows.
const NO_RESOURCE: &str = "https://no-such-resource.example/mcp";
