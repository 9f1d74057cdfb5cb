//! What kinds of tokens of our identity provider the target takes, and whether it goes on with them to an API behind it.

use std::sync::Arc;

use mock_idp::{Endpoint, TokenKind};
use serde_json::{Value, json};

use super::ability::Ability;
use super::helpers;
use super::preflight::Preflight;
use super::recipe::{act, context};
use crate::fact::summary;
use crate::oauth::pkce;
use crate::rule::Role;
use crate::step::{Idp, Tool};
use crate::suite::Verb;
use crate::wire::Wire;

/// Finds out, by honest calls with tokens that our identity provider makes.
pub async fn abilities(seen: &mut Preflight) {
    let words = [
        "audience-path",
        "downstream-any-user",
        "downstream-api",
        "downstream-exchange",
        "downstream-write",
        "introspected-token",
        "issuer-tls",
        "scp-claim",
        "tenant-claim",
    ];
    if let Some(idp) = seen.world.idp.as_ref().filter(|_| seen.world.tool("downstream").is_some()) {
        let is_proxy = seen.roles.contains(&Role::Proxy);
        helpers::careless_api(
            &idp.issuer,
            &[&idp.audience, &seen.world.recipe.resource, &seen.world.mcp_url],
            is_proxy,
        );
    }
    let trusted = seen.world.idp.clone().filter(|_| seen.abilities.has("trusted-issuer"));
    let Some(idp) = trusted else {
        for word in words {
            let reason = "the target takes no tokens of our identity provider";
            seen.abilities.set(word, Ability::Lacks(reason.into()));
        }
        return;
    };
    let look = idp.look.clone();
    let a = &mut seen.abilities;
    // Scheme and host are the same in capitals (RFC 3986 section 6.2.2.1).
    let web = |url: &url::Url| matches!(url.scheme(), "http" | "https");
    let path = url::Url::parse(&idp.audience).ok().filter(web).map(|url| url.path().to_owned());
    let letters = path.as_deref().unwrap_or(&idp.audience).contains(|c: char| c.is_ascii_lowercase());
    a.decide("audience-path", letters, "its audience is a scheme and a host alone");
    let tls = idp.idp.ca_pem().is_some();
    a.decide("issuer-tls", tls, "our identity provider speaks plain http (profile: upstream.ca-file)");
    a.decide("scp-claim", look.scope_claim == "scp", "it looks for scopes elsewhere (profile section [token])");
    a.decide("tenant-claim", look.claims.contains_key("tid"), "its tokens name no tenant (profile section [token])");
    let opaque = is_introspected(seen, &idp).await;
    seen.abilities.decide("introspected-token", opaque, "it refuses opaque tokens of our identity provider");
    for (word, kind) in [("downstream-api", "downstream"), ("downstream-write", "downstream-write")] {
        let ability = downstream(seen, &idp, kind).await;
        seen.abilities.set(word, ability);
    }
    let strangers = any_user(seen, &idp).await;
    seen.abilities.set("downstream-any-user", strangers);
    // What was exchanged when a session began may serve all its calls.
    let exchanges = idp.issuer.journal().iter().any(|received| received.param("grant_type") == Some(EXCHANGE));
    seen.abilities.decide("downstream-exchange", exchanges, "it asks our identity provider for no token exchange");
}

/// Where no client gets a token, or none that the target takes, our identity provider makes the honest ones; an
/// authorization server that is not judged is then no obstacle.
pub fn mint_instead(seen: &mut Preflight) {
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
    for word in ["authorization-code", "refresh", "opaque-access-token", "login-page", "asks-consent", "consent-page"] {
        seen.abilities.set(word, Ability::Lacks(reason.clone()));
    }
}

/// Whether an opaque token is served, after a look at the introspection endpoint.
async fn is_introspected(seen: &Preflight, idp: &Idp) -> bool {
    let before = idp.issuer.received();
    let token = idp.issuer.mint(mock_idp::TokenSpec { kind: TokenKind::Opaque, ..idp.honest_token() });
    let served = call(seen, json!({ "bearer": token })).await.is_ok_and(|facts| facts["served"] == true);
    served && asked(idp, before, Endpoint::Introspect)
}

/// Whether a tool goes on to the API, on behalf of its caller.
async fn downstream(seen: &Preflight, idp: &Idp, kind: &str) -> Ability {
    let Some(tool) = seen.world.tool(kind) else {
        return Ability::Lacks(format!("no such tool is named (profile section [scopes], tool-{kind})"));
    };
    let before = idp.issuer.received();
    match call_as(seen, idp, tool, None).await {
        Ok(facts) if facts["served"] == true && asked(idp, before, Endpoint::Api) => Ability::Has,
        Ok(facts) if facts["served"] == true => Ability::Broken(format!(
            "tool {} answers without a request to {}",
            tool.name,
            idp.issuer.endpoint_url("api")
        )),
        Ok(facts) => {
            Ability::Broken(format!("an honest call of tool {} was not served: {}", tool.name, summary(&facts)))
        }
        Err(reason) => Ability::Broken(reason),
    }
}

/// Whether a tool goes on to the API for a user of whom nobody has heard. A gateway with accounts of its own does not,
/// and nothing of it can be told by calls of users that the cases make up.
async fn any_user(seen: &Preflight, idp: &Idp) -> Ability {
    let same = seen.abilities.get("downstream-api");
    let (Some(tool), Ability::Has) = (seen.world.tool("downstream"), &same) else { return same };
    match call_as(seen, idp, tool, Some(format!("authspec-{}", pkce::random(9)))).await {
        Ok(facts) if facts["served"] == true => Ability::Has,
        Ok(facts) => Ability::Lacks(format!(
            "tool {} serves only users that it knows: for others {}",
            tool.name,
            summary(&facts)
        )),
        Err(reason) => Ability::Broken(reason),
    }
}

/// Calls a tool with an honest token that has its scope, about the usual user or this one.
async fn call_as(seen: &Preflight, idp: &Idp, tool: &Tool, user: Option<String>) -> Result<Value, String> {
    let mut spec = idp.honest_token();
    spec.claims.extend(tool.scope.as_deref().and_then(|scope| idp.scope_claim(scope)));
    spec.claims.extend(user.map(|user| ("sub".to_owned(), json!(user))));
    let bearer = idp.issuer.mint(spec);
    call(seen, json!({ "bearer": bearer, "tool": tool.name })).await
}

async fn call(seen: &Preflight, args: Value) -> Result<Value, String> {
    let wire = Wire::new(Arc::clone(&seen.world.http));
    let mut context = context(&Arc::new(seen.world.clone()), &wire).await;
    act(&mut context, Verb::Call, args).await.map(|done| done.facts)
}

/// Whether one of the requests since then went to an endpoint.
fn asked(idp: &Idp, before: usize, endpoint: Endpoint) -> bool {
    idp.issuer.journal().iter().skip(before).any(|received| received.endpoint == endpoint)
}

/// The grant type of token exchange (RFC 8693 section 2.1).
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
