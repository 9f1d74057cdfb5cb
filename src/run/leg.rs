//! What a proxy does on its way to our identity provider, so that it is held only to what it has taken up.

use std::sync::Arc;

use mock_idp::{Answer, Endpoint};
use serde_json::{Value, json};

use super::ability::Ability;
use super::preflight::Preflight;
use super::recipe::{act, context};
use crate::fact;
use crate::rule::Role;
use crate::step::{self, Client, How, World};
use crate::suite::Verb;
use crate::wire::Wire;

/// What the honest journey shows: whether the target is a proxy before our identity provider, and of which kind.
pub fn asked(seen: &mut Preflight, journey: &Value) {
    let (a, world) = (&mut seen.abilities, &seen.world);
    let upstream = journey["upstream"].is_object();
    if upstream && !seen.roles.contains(&Role::Proxy) && seen.roles.contains(&Role::AuthorizationServer) {
        seen.roles.push(Role::Proxy);
    }
    let proxy = match (seen.roles.contains(&Role::Proxy), upstream) {
        (true, true) => Ability::Has,
        (true, false) => Ability::Broken(not_upstream(world, journey)),
        (false, _) => Ability::Lacks("the login of a user does not lead to our identity provider".into()),
    };
    a.set("proxy", proxy);
    let asked = &journey["upstream"]["query"];
    let scopes: Vec<&str> = asked["scope"].as_str().unwrap_or_default().split_whitespace().collect();
    let openid = scopes.contains(&"openid");
    let back = asked["redirect_uri"].as_str().unwrap_or_default();
    let for_client = journey["redirect-uri"].as_str() == Some(back) || back.is_empty();
    a.decide("upstream-callback", upstream && !for_client, CLIENT_ANSWERED);
    a.decide("own-answers", !upstream || !for_client, CLIENT_ANSWERED);
    let challenged = asked["code_challenge"].is_string();
    a.decide("upstream-pkce", challenged, "it sends no code_challenge to our identity provider");
    a.decide("upstream-scope", !scopes.is_empty(), "nobody is sent to an identity provider of ours with a scope");
    a.decide("upstream-openid", openid, "it does not ask our identity provider for scope openid");
    a.decide("upstream-nonce", openid && asked["nonce"].is_string(), "it sends no nonce to our identity provider");
    let promised = world.idp.as_ref().is_some_and(|idp| idp.issuer.config().iss_in_response);
    a.decide(
        "upstream-iss",
        promised,
        "our identity provider promises no iss (profile section [upstream], personality)",
    );
    let tls = world.idp.as_ref().is_some_and(|idp| idp.idp.ca_pem().is_some());
    a.decide("upstream-tls", upstream && tls, "our identity provider speaks plain http (profile: upstream.ca-file)");
    let journal = world.idp.as_ref().map(|idp| idp.issuer.journal()).unwrap_or_default();
    let reads = journal.iter().any(|r| matches!(r.endpoint, Endpoint::Discovery | Endpoint::Metadata));
    a.decide("upstream-discovery", reads, "it does not read the metadata of our identity provider");
    let profile = journey["profile-read"] == true;
    a.decide("upstream-userinfo", profile, "it does not ask our identity provider for the user's profile at login");
}

/// A target that sends users to our identity provider is a proxy, whatever becomes of them there.
pub fn recognize(seen: &mut Preflight) {
    let journal = seen.world.idp.as_ref().map(|idp| idp.issuer.journal()).unwrap_or_default();
    let came = journal.iter().any(|received| received.endpoint == Endpoint::Authorize);
    if came && !seen.roles.contains(&Role::Proxy) && seen.roles.contains(&Role::AuthorizationServer) {
        seen.roles.push(Role::Proxy);
    }
}

/// Whether the tokens of its clients are its own. Those of our identity provider are well if they are made for its MCP
/// server; if they are not, it is held to what it owes them.
pub fn tokens(seen: &mut Preflight, token: &Value, for_resource: bool) {
    let given = token["body"]["access_token"].as_str().unwrap_or_default();
    let journal = seen.world.idp.as_ref().map(|idp| idp.issuer.journal()).unwrap_or_default();
    let passed_on = journal.iter().flat_map(|received| &received.issued).any(|(_, issued)| issued == given);
    seen.abilities.decide(
        "own-tokens",
        !(passed_on && for_resource),
        "its clients get tokens of our identity provider, made for its MCP server",
    );
}

/// Remarks that a proxy is another client at our identity provider than the profile `named`: unknown ones are let in too.
pub fn misnamed(seen: &mut Preflight, named: Option<&str>) {
    let (Some(named), Some(idp)) = (named, &seen.world.idp) else { return };
    let journal = idp.issuer.journal();
    let redeemed = journal.iter().filter(|received| received.endpoint == Endpoint::Token);
    let came: Vec<&str> = redeemed.filter_map(|received| received.client_id.as_deref()).collect();
    let Some(other) = came.first().filter(|_| !came.contains(&named)) else { return };
    let note = format!(
        "the target is client {other} at our identity provider, and the profile says {named} (upstream.client-id): it was let in, but nobody looked at its secret"
    );
    if seen.abilities.has("upstream-callback") {
        seen.notes.push(note);
    }
}

/// Whether the clients of the proxy are all one at our identity provider, so that only the proxy can ask the user about
/// each. A second client shows it; where none can be had, a proxy with a callback of its own is taken for one.
pub async fn clients(seen: &mut Preflight, wire: &Wire, client: &Client, journey: &Value) {
    // Without a callback of the proxy's own our provider is told as well, which all cases about redirect URIs feel.
    if seen.abilities.has("upstream-callback") && !seen.wants(&["one-upstream-client"]) {
        return;
    }
    let sent_as = journey["upstream"]["query"]["client_id"].as_str();
    let passes_on = sent_as == Some(client.id.as_str());
    let reason = match sent_as {
        None => Some("the login of a user does not lead to our identity provider".to_owned()),
        Some(id) => match second(seen, wire).await {
            // Who passes an id on may have one for all of its clients.
            Ok((other, sent)) if sent == id && (!passes_on || other == sent) => None,
            _ if passes_on => Some("it passes the client_id of its clients on".to_owned()),
            Ok(_) => Some("each of its clients has one of its own at our identity provider".to_owned()),
            Err(_) if seen.abilities.has("upstream-callback") => None,
            Err(reason) => Some(format!("no second client to compare: {reason}")),
        },
    };
    // Where even the clients' own id is that of all, our check may be the only one.
    if reason.is_none() && !seen.abilities.has("upstream-callback") && !passes_on {
        any_redirect(seen, journey);
    }
    seen.abilities.set("one-upstream-client", reason.map_or(Ability::Has, Ability::Lacks));
}

/// Lets the one client answer any redirect URI: which of them belongs to whom, only the proxy knows, so only its check
/// counts.
fn any_redirect(seen: &Preflight, journey: &Value) {
    let (Some(idp), Some(id)) = (&seen.world.idp, journey["upstream"]["query"]["client_id"].as_str()) else { return };
    idp.issuer.configure(|config| {
        for client in config.clients.iter_mut().filter(|client| client.id == id) {
            client.any_redirect = true;
        }
    });
}

/// Another client of the proxy, and as which one it is sent to our identity provider: the ids of both.
async fn second(seen: &Preflight, wire: &Wire) -> Result<(String, String), String> {
    let other = step::fresh_client(&seen.world, wire, "other", "public").await?;
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("default", other.clone());
    let journey = act(&mut context, Verb::Authorize, json!({ "browser": "second", "until": "upstream" })).await;
    let id = other.id.clone();
    if seen.world.registration.how != How::Preset {
        seen.world.pool.stock("public", other);
    }
    let sent = journey?.facts["upstream"]["query"]["client_id"].as_str().map(str::to_owned);
    sent.map(|sent| (id, sent)).ok_or_else(|| "it was not sent to our identity provider".to_owned())
}

/// Why there is no callback of the proxy.
const CLIENT_ANSWERED: &str = "our identity provider answers the client, not the proxy";

/// Why no code came where the browser was sent to another host: a proxy that is wired to another identity provider, or a
/// login page of the target's that it may not go to.
pub fn elsewhere(world: &World, base: &str) -> String {
    let allowed = "allow it in the profile (target.allow) if it belongs to the login";
    match &world.idp {
        Some(idp) => format!(
            "the browser was sent to {base}, but our identity provider is asked at {}: configure the target to log users in there, with issuer {} (docs/proxies.md), or {allowed} of the target itself",
            idp.issuer.endpoint_url("authorize"),
            idp.issuer.url(),
        ),
        None => format!("the browser was sent to {base}, which is not the target: {allowed}"),
    }
}

/// What may be behind a failure: the target does not trust our identity provider.
pub fn distrust(world: &World) -> String {
    let Some(idp) = &world.idp else { return String::new() };
    let count = idp.idp.failed_handshakes();
    if count > 0 {
        return format!(
            ". {count} connections to our identity provider ended in the TLS handshake: the target has to trust the certificate in upstream.ca-file (docs/proxies.md, \"Over https\")"
        );
    }
    let journal = idp.issuer.journal();
    let last = journal.iter().rev().find_map(|one| Some((one.endpoint.name(), one.refusal.as_ref()?)));
    last.map_or_else(String::new, |(endpoint, why)| {
        let hint = if why.starts_with("invalid_client") { ": see upstream.client-id and client-secret" } else { "" };
        format!(
            ". Our identity provider refused its request to the {endpoint} endpoint: {}{hint}",
            fact::clip(why, 200)
        )
    })
}

/// Why nothing can be judged between a proxy and its identity provider: the login went elsewhere.
fn not_upstream(world: &World, journey: &Value) -> String {
    let ours = world
        .idp
        .as_ref()
        .map_or_else(|| "nowhere: the profile has no section [upstream]".to_owned(), |idp| idp.issuer.url());
    let origin = |url: &str| url::Url::parse(url).map(|u| u.origin().ascii_serialization()).unwrap_or_default();
    // Where the client gets its answer is no place where anybody logs in.
    let known = [world.origin(), world.as_origin(), origin(journey["redirect-uri"].as_str().unwrap_or_default())];
    // With its path, because our identity provider may be asked under the path of another issuer.
    let place = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
    let places = journey["redirects"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let places = places.map(|url| (origin(url), place(url)));
    let foreign = places.filter(|(host, _)| !host.is_empty() && !known.contains(host));
    let mut places: Vec<String> = foreign.map(|(_, place)| place).collect();
    places.dedup();
    let went =
        if places.is_empty() { "to no other server".to_owned() } else { format!("by way of {}", places.join(", ")) };
    format!(
        "a user's login went {went}, but our identity provider is at {ours}: configure the target to log users in there (docs/proxies.md), then run again"
    )
}

/// Whether a login rests on the ID token: it has a nonce, or comes to nothing without the ID token. A proxy that asks for
/// scope openid on behalf of its clients, and makes nothing of the ID token, need not verify it.
pub async fn identity(seen: &mut Preflight, wire: &Wire, client: &Client) {
    let rests = if seen.abilities.has("upstream-nonce") || !seen.abilities.has("upstream-openid") {
        seen.abilities.has("upstream-nonce")
    } else {
        !is_served_without(seen, wire, client).await.unwrap_or(true)
    };
    seen.abilities.decide(
        "upstream-id-token",
        rests,
        "its logins do not rest on the ID token of our identity provider",
    );
}

async fn is_served_without(seen: &Preflight, wire: &Wire, client: &Client) -> Result<bool, String> {
    let idp = seen.world.idp.as_ref().ok_or("it is not wired to our identity provider")?;
    let mut context = context(&Arc::new(seen.world.clone()), wire).await;
    context.adopt_client("default", client.clone());
    idp.issuer.script(Endpoint::Token, Answer::from_json(&json!({ "id-token": false }))?);
    let journey = act(&mut context, Verb::Authorize, json!({})).await;
    idp.issuer.clear_scripts();
    if journey?.facts["stopped-at"] != "code" {
        return Ok(false);
    }
    let token = act(&mut context, Verb::Token, json!({})).await?;
    let Some(bearer) = token.facts["body"]["access_token"].as_str() else { return Ok(false) };
    let version = seen.world.version.to_string();
    let call = act(&mut context, Verb::Call, json!({ "bearer": bearer, "version": version })).await?;
    Ok(call.facts["served"] == true)
}
