//! What a proxy does on its way to our identity provider, so that it is held only to what it has taken up.

use std::sync::Arc;

use mock_idp::{Answer, Endpoint};
use serde_json::{Value, json};

use super::ability::Abilities;
use super::preflight::Preflight;
use super::recipe::{act, context};
use crate::step::{Client, World};
use crate::suite::Verb;
use crate::wire::Wire;

/// What the honest journey shows.
pub fn asked(a: &mut Abilities, world: &World, journey: &Value) {
    let asked = &journey["upstream"]["query"];
    let openid = asked["scope"].as_str().is_some_and(|scope| scope.split(' ').any(|word| word == "openid"));
    a.decide("upstream-openid", openid, "it does not ask our identity provider for scope openid");
    a.decide("upstream-nonce", openid && asked["nonce"].is_string(), "it sends no nonce to our identity provider");
    let journal = world.idp.as_ref().map(|idp| idp.issuer.journal()).unwrap_or_default();
    let reads = journal.iter().any(|r| matches!(r.endpoint, Endpoint::Discovery | Endpoint::Metadata));
    a.decide("upstream-discovery", reads, "it does not read the metadata of our identity provider");
    let profile = journey["profile-read"] == true;
    a.decide("upstream-userinfo", profile, "it does not ask our identity provider for the user's profile at login");
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
