//! Whether the target serves clients that act without a user: by client credentials, or by an assertion of our identity
//! provider. Each is tried honestly once, because metadata says little about it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ability::Ability;
use super::preflight::Preflight;
use super::recipe::{act, context};
use crate::fact::summary;
use crate::rule::{McpVersion, Role};
use crate::step::{self, Client, Context, How};
use crate::suite::Verb;
use crate::wire::Wire;

/// Looks, and leaves the abilities `machine-*`, `two-machines`, `id-jag`, `id-jag-only` and `workload-identity`. What no
/// selected case needs is not tried.
pub async fn look(seen: &mut Preflight) {
    announced(seen);
    if !seen.roles.contains(&Role::AuthorizationServer) {
        return lacks(seen, &ALL, "its authorization server is not judged");
    }
    let wire = Wire::new(Arc::clone(&seen.world.http));
    let by_credentials = seen.wants(&["machine-", "two-machines"]);
    // Whether our identity provider is trusted for assertions alone shows by one.
    let untrusted = matches!(seen.abilities.get("trusted-issuer"), Ability::Broken(_));
    let by_identity =
        ID_JAG.iter().any(|word| seen.wants_word(word)) || untrusted && seen.abilities.has("id-jag-announced");
    let client = match by_credentials || by_identity {
        true => client(seen, &wire).await,
        false => Err("no selected case needs it".into()),
    };
    if by_credentials {
        credentials_of(seen, &wire, client.as_ref()).await;
    }
    // A proxy logs its users in at our identity provider; that it takes assertions as well, only its metadata tells.
    if seen.world.idp.is_none() || seen.abilities.has("proxy") && !seen.abilities.has("id-jag-announced") {
        return lacks(seen, &ALL[5..], "our identity provider is not one whose assertions the target takes");
    }
    if by_identity {
        let client = match client {
            Err(reason) => public_client(seen, &wire).await.ok_or(reason),
            had => had,
        };
        identity_assertion(seen, &wire, client).await;
    }
    if seen.abilities.has("proxy") {
        return lacks(seen, &ALL[6..], "it is a proxy: our identity provider is where its users log in");
    }
    if seen.wants_word("workload-identity") {
        workload(seen, &wire).await;
    }
}

/// What a client gets by its own credentials, and what that is good for.
async fn credentials_of(seen: &mut Preflight, wire: &Wire, client: Result<&Client, &String>) {
    let token = match client {
        Ok(client) => credentials(seen, wire, client).await,
        Err(reason) => Err(reason.clone()),
    };
    let bearer = token.clone().ok();
    match token {
        Ok(_) => {
            seen.abilities.set("machine-client", Ability::Has);
            if seen.wants_word("machine-jwt") {
                let by_assertion = assertion(seen, wire).await;
                seen.abilities.set("machine-jwt", by_assertion.map_or_else(Ability::Lacks, |()| Ability::Has));
            }
        }
        Err(reason) => lacks(seen, &["machine-client", "machine-jwt"], &reason),
    }
    let second = bearer.is_some() && has_second(seen);
    seen.abilities.decide("two-machines", second, "only one such client can be had, or none");
    if seen.wants(&["machine-served", "machine-extension"]) {
        served(seen, wire, bearer.as_deref()).await;
    }
}

/// Whether a second client can be had that acts without a user.
fn has_second(seen: &Preflight) -> bool {
    let registration = &seen.world.registration;
    registration.how != How::Preset || registration.other.as_ref().is_some_and(Client::has_credentials)
}

/// What the metadata says.
fn announced(seen: &mut Preflight) {
    let metadata = &seen.world.found.metadata;
    let lists = |name: &str, word: &str| metadata[name].as_array().is_some_and(|a| a.iter().any(|v| v == word));
    let grant = lists("grant_types_supported", JWT_BEARER);
    let profile = lists("authorization_grant_profiles_supported", ID_JAG_PROFILE);
    seen.abilities.decide("jwt-bearer", grant, "grant_types_supported does not list it");
    seen.abilities.decide("id-jag-announced", profile, "authorization_grant_profiles_supported does not list it");
}

fn lacks(seen: &mut Preflight, words: &[&str], reason: &str) {
    for word in words {
        seen.abilities.set(word, Ability::Lacks(reason.to_owned()));
    }
}

/// A client that may act for itself, or why none can be had.
async fn client(seen: &Preflight, wire: &Wire) -> Result<Client, String> {
    if !seen.abilities.has("client-credentials") && !seen.abilities.has("jwt-bearer") {
        return Err("grant_types_supported lists no grant for clients without a user".into());
    }
    let world = &seen.world;
    let client = step::fresh_client(world, wire, "machine", "machine").await.map_err(|r| format!("failed to {r}"))?;
    if client.method == "none" {
        return Err("the preset client has no credentials".into());
    }
    if world.registration.how != How::Preset {
        world.pool.stock("machine", client.clone());
    }
    Ok(client)
}

/// A client without credentials, where assertions are announced and no other client can be had: some servers trust the assertion
/// alone, and take it from any client that registers.
async fn public_client(seen: &mut Preflight, wire: &Wire) -> Option<Client> {
    if !seen.abilities.has("id-jag-announced") || seen.world.registration.how == How::Preset {
        return None;
    }
    seen.world.recipe.public_machines = true;
    let client = step::fresh_client(&seen.world, wire, "machine", "machine").await.ok()?;
    seen.world.pool.stock("machine", client.clone());
    Some(client)
}

/// An access token by client credentials.
async fn credentials(seen: &Preflight, wire: &Wire, client: &Client) -> Result<String, String> {
    let mut context = machine(seen, wire, client).await;
    let answer = act(&mut context, Verb::Token, json!({ "client": "machine", "grant": "client_credentials" })).await?;
    granted(&answer.facts)
}

/// Whether a machine client may authenticate with a signed assertion instead of a secret.
async fn assertion(seen: &Preflight, wire: &Wire) -> Result<(), String> {
    let kind = "machine-jwt";
    let (word, reason) = if seen.world.registration.how == How::Preset {
        ("private-key-jwt", "the preset client authenticates in another way")
    } else {
        ("jwt-offered", "no signed assertions are offered to clients that register")
    };
    if !seen.abilities.has(word) {
        return Err(reason.into());
    }
    let client = step::fresh_client(&seen.world, wire, kind, kind).await.map_err(|r| format!("failed to {r}"))?;
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client(kind, client.clone());
    seen.world.pool.stock(kind, client);
    let answer = act(&mut context, Verb::Token, json!({ "client": kind, "grant": "client_credentials" })).await?;
    granted(&answer.facts).map(|_| ())
}

fn granted(facts: &Value) -> Result<String, String> {
    match facts["body"]["access_token"].as_str().filter(|_| facts["granted"] == true) {
        Some(token) => Ok(token.to_owned()),
        None => {
            let said = facts["body"]["error_description"].as_str();
            let said = said.map(|text| format!(" ({})", crate::fact::clip(text, 160))).unwrap_or_default();
            Err(format!("an honest request was refused: {}{said}", summary(facts)))
        }
    }
}

async fn machine(seen: &Preflight, wire: &Wire, client: &Client) -> Context {
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("machine", client.clone());
    context
}

/// Whether the MCP server serves the token, and whether it says that it would.
async fn served(seen: &mut Preflight, wire: &Wire, bearer: Option<&str>) {
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    let mut serves = false;
    if let Some(bearer) = bearer {
        let answer = act(&mut context, Verb::Call, json!({ "bearer": bearer })).await;
        serves = answer.is_ok_and(|a| a.facts["served"] == true);
    }
    let reason = "no token of a machine client was served by the MCP server";
    seen.abilities.decide("machine-served", serves, reason);
    if seen.world.version < McpVersion::V2026_07_28 {
        return lacks(seen, &["machine-extension"], "the target does not speak MCP 2026-07-28");
    }
    let ours = seen.world.idp.as_ref().filter(|_| seen.abilities.has("trusted-issuer"));
    let ours = ours.map(|idp| idp.issuer.mint(idp.honest_token()));
    let mut lists = false;
    for bearer in [bearer.map(str::to_owned), ours].into_iter().flatten() {
        let asked = json!({ "bearer": bearer, "method": "server/discover" });
        let Ok(answer) = act(&mut context, Verb::Call, asked).await else { continue };
        lists |= answer.facts["result"]["capabilities"]["extensions"][EXTENSION].is_object();
    }
    seen.abilities.decide("machine-extension", lists, "server/discover does not list the client credentials extension");
}

/// Whether an identity assertion of our provider gives a token.
async fn identity_assertion(seen: &mut Preflight, wire: &Wire, client: Result<Client, String>) {
    let outcome = match &client {
        Ok(client) => presented(seen, wire, client, json!({})).await,
        Err(reason) => Err(reason.clone()),
    };
    let Err(reason) = outcome else {
        seen.abilities.set("id-jag", Ability::Has);
        if has_second(seen) {
            seen.abilities.set("two-machines", Ability::Has);
        }
        let confidential = client.as_ref().is_ok_and(|client| client.method != "none");
        let reason = "it takes identity assertions from clients that have no credentials";
        seen.abilities.decide("id-jag-authenticated", confidential, reason);
        trusted_for_assertions(seen);
        // Without what makes an ID-JAG it is a plain grant of RFC 7523, which a server may serve beside ID-JAGs.
        let plain = json!({ "header": { "typ": "JWT" }, "drop": ["client_id", "resource"] });
        let taken = match &client {
            Ok(client) => presented(seen, wire, client, plain).await.is_ok(),
            Err(_) => false,
        };
        if seen.wants(&["id-jag-bound"]) {
            bound(seen, wire, client.as_ref().ok()).await;
        }
        let reason = "any JWT of our identity provider about the employee is taken as a grant, ID-JAG or not";
        return seen.abilities.decide("id-jag-only", !taken, reason);
    };
    if seen.abilities.has("id-jag-announced") {
        seen.notes.push(format!(
            "identity assertions are announced, but one of our provider gave no token: {reason}. Does the target trust it, \
             and know the subject upstream.employee of the profile?"
        ));
    }
    seen.abilities.set("id-jag", Ability::Lacks(reason));
}

/// A target that gives tokens of its own for assertions of our identity provider need not take that provider's tokens as
/// well: that its MCP server refuses them is no slip of the wiring.
fn trusted_for_assertions(seen: &mut Preflight) {
    let Ability::Broken(told) = seen.abilities.get("trusted-issuer") else { return };
    if seen.abilities.has("call") {
        seen.notes.retain(|note| *note != told);
        let reason = "it takes assertions of our identity provider, and for calls the tokens that it gives for them";
        seen.abilities.set("trusted-issuer", Ability::Lacks(reason.into()));
    }
}

/// Whether one that is bound to a key is taken with a proof.
async fn bound(seen: &mut Preflight, wire: &Wire, client: Option<&Client>) {
    let Some(client) = client.filter(|_| seen.abilities.has("dpop")) else {
        return seen.abilities.set("id-jag-bound", Ability::Lacks("its authorization server knows no DPoP".into()));
    };
    let mut context = machine(seen, wire, client).await;
    let taken = match step::thumbprint(&context, "default") {
        Ok(jkt) => {
            let asked = json!({ "id-jag": { "claims": { "cnf": { "jkt": jkt } } }, "dpop": true });
            act(&mut context, Verb::Token, asked).await.and_then(|answer| granted(&answer.facts)).map(drop)
        }
        Err(reason) => Err(reason),
    };
    seen.abilities.set("id-jag-bound", taken.map_or_else(Ability::Lacks, |()| Ability::Has));
}

/// The answer to an identity assertion with these changes.
async fn presented(seen: &Preflight, wire: &Wire, client: &Client, change: Value) -> Result<String, String> {
    let mut context = machine(seen, wire, client).await;
    act(&mut context, Verb::Token, json!({ "id-jag": change })).await.and_then(|answer| granted(&answer.facts))
}

/// Whether an assertion about the workload of the profile gives a token: its audience may be the token endpoint, as the
/// draft for workloads says, or the issuer, as RFC 7523 allows.
async fn workload(seen: &mut Preflight, wire: &Wire) {
    if seen.world.idp.as_ref().is_none_or(|idp| idp.workload.is_none()) {
        let reason = "the profile names no workload that the target lets in (upstream.workload)";
        return lacks(seen, &["workload-identity"], reason);
    }
    let mut refused = String::new();
    for audience in [String::new(), seen.world.issuer()] {
        if let Some(workload) = seen.world.idp.as_mut().and_then(|idp| idp.workload.as_mut()) {
            workload.audience = audience;
        }
        let mut context = context(&Arc::new(seen.world.clone()), wire).await;
        let answer = act(&mut context, Verb::Token, json!({ "workload": {} })).await;
        match answer.and_then(|answer| granted(&answer.facts)) {
            Ok(_) => return seen.abilities.set("workload-identity", Ability::Has),
            Err(reason) => refused = reason,
        }
    }
    let reason = format!("the profile names a workload (upstream.workload), but {refused}");
    seen.abilities.set("workload-identity", Ability::Broken(reason));
}

/// The abilities that need an authorization server; the last ones need its trust in our identity provider as well.
const ALL: [&str; 7] = [
    "machine-client",
    "machine-jwt",
    "two-machines",
    "machine-served",
    "machine-extension",
    "id-jag",
    "workload-identity",
];
/// The abilities about identity assertions that it takes; others that begin so are about those that it issues.
const ID_JAG: [&str; 4] = ["id-jag", "id-jag-authenticated", "id-jag-bound", "id-jag-only"];
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ID_JAG_PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";
/// The extension of MCP for clients that act for themselves.
const EXTENSION: &str = "io.modelcontextprotocol/oauth-client-credentials";
