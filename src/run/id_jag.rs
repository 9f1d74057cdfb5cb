//! Finding out, by honest requests, whether the target issues identity assertions (ID-JAG) by token exchange
//! (enterprise-managed authorization), and for what.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ability::Ability;
use super::exchange::{equipped, said};
use super::preflight::Preflight;
use super::recipe::act;
use crate::rule::Role;
use crate::step::{EXCHANGER, ID_JAG, Identity};
use crate::suite::Verb;
use crate::target::Profile;
use crate::wire::Wire;

/// Asks once, honestly, with each of the tokens that stand for a login. Without a section in the profile nothing is known
/// that could be asked for.
pub async fn look(seen: &mut Preflight, profile: &Profile) {
    if !seen.roles.contains(&Role::AuthorizationServer) {
        return seen.abilities.set("id-jag-issuer", Ability::Lacks("its authorization server is not judged".into()));
    }
    let wants = profile.exchange.as_ref().and_then(|section| section.wants.id_jag.as_ref());
    let Some(wants) = wants else {
        let says = announces(&seen.world.found.metadata);
        if says {
            seen.notes.push(format!("its metadata says that it issues identity assertions; {ADVICE}"));
        }
        let first = if says { "not asked for" } else { "does not say that it issues any" };
        return seen.abilities.set("id-jag-issuer", Ability::Lacks(format!("{first}; {ADVICE}")));
    };
    for (word, has, key) in [
        ("id-jag-resource", wants.resource.is_some(), "resource"),
        ("id-jag-other-resource", wants.resource.is_some() && wants.other_resource.is_some(), "other-resource"),
        ("id-jag-scope", wants.scope.is_some(), "scope"),
        ("id-jag-wider-scope", wants.wider_scope.is_some(), "wider-scope"),
    ] {
        seen.abilities.decide(word, has, &format!("none is known (profile section [exchange.id-jag], {key})"));
    }
    let wire = Wire::new(Arc::clone(&seen.world.http));
    let (mut taken, mut obstacles) = (Vec::new(), Vec::new());
    for (identity, word) in [(Identity::IdToken, "id-jag-id-token"), (Identity::RefreshToken, "id-jag-refresh")] {
        seen.world.exchange.identity = identity;
        match ask(seen, &wire, json!({ "id-jag": true })).await {
            Ok(answer) => {
                seen.abilities.set(word, Ability::Has);
                taken.push((identity, answer));
            }
            Err(obstacle) => {
                let text = format!("no identity assertion came of it: {}", obstacle.reason);
                seen.abilities.set(word, Ability::Lacks(text));
                obstacles.push(obstacle);
            }
        }
    }
    match taken.into_iter().next() {
        Some((identity, answer)) => {
            seen.world.exchange.identity = identity;
            describe(seen, &wire, &answer).await;
        }
        None => refused(seen, &obstacles),
    }
}

/// Why no identity assertion came.
struct Obstacle {
    /// The error code of the answer; absent if no request could be made.
    error: Option<String>,
    reason: String,
}

async fn describe(seen: &mut Preflight, wire: &Wire, answer: &Value) {
    seen.abilities.set("id-jag-issuer", Ability::Has);
    let token = answer["body"]["access_token"].as_str().unwrap_or_default();
    // Five parts are a JWE (RFC 7516 section 3.1); whatever else is no JWT is a finding.
    let encrypted = token.split('.').count() == 5;
    seen.abilities.decide("id-jag-readable", !encrypted, "its identity assertions are encrypted to who takes them");
    seen.abilities.set("id-token-short-lived", short_lived(seen, answer));
    let issuer = seen.world.issuer();
    let args = json!({ "id-jag": true, "audience": issuer, "drop": ["resource", "scope"] });
    // An ID token serves more than once, where a server does not mind: that saves a login.
    let again = match seen.world.exchange.identity {
        Identity::IdToken => {
            let mut again = args.clone();
            again["subject-token"] = answer["subject-token"].clone();
            ask(seen, wire, again).await.is_ok()
        }
        Identity::RefreshToken => false,
    };
    let own = again || ask(seen, wire, args).await.is_ok();
    seen.abilities.decide("id-jag-for-itself", own, "it issues none that are for itself");
    if let Ok(context) = equipped(seen, wire).await {
        let secret = context.client(EXCHANGER).is_some_and(|client| client.secret.is_some());
        seen.abilities.decide("exchange-secret", secret, "the client that exchanges has no secret");
    }
}

/// Whether a case can wait for the end of the ID token that was handed in.
fn short_lived(seen: &Preflight, answer: &Value) -> Ability {
    let claims = &answer["subject"]["claims"];
    let leeway = seen.world.exchange.wants.id_jag.as_ref().map_or(0, |wants| wants.leeway.as_secs());
    match (claims["iat"].as_u64(), claims["exp"].as_u64()) {
        (Some(issued), Some(ends)) if ends.saturating_sub(issued) + leeway <= LONGEST_LIFE => Ability::Has,
        (Some(issued), Some(ends)) => {
            let lives = ends.saturating_sub(issued);
            Ability::Lacks(format!("its ID tokens live for {lives} s, and may be taken for {leeway} s more"))
        }
        _ => Ability::Lacks("no ID token says how long it lives".into()),
    }
}

/// The profile says that it issues some: then it is an obstacle that none came, and the words tell which one.
fn refused(seen: &mut Preflight, obstacles: &[Obstacle]) {
    let is_unknown = |obstacle: &Obstacle| {
        let error = obstacle.error.as_deref().unwrap_or_default();
        error == "invalid_request" || error.starts_with("unsupported_")
    };
    let what = if obstacles.iter().all(|obstacle| obstacle.error.is_none()) {
        "an identity assertion could not be asked for"
    } else if obstacles.iter().all(is_unknown) && !announces(&seen.world.found.metadata) {
        "it does not seem to issue identity assertions"
    } else {
        "it refused an honest request for an identity assertion"
    };
    let mut reasons: Vec<&str> = obstacles.iter().map(|obstacle| obstacle.reason.as_str()).collect();
    reasons.dedup();
    let reasons = match reasons.as_slice() {
        [by_id_token, by_refresh_token] => {
            format!("for an ID token {by_id_token}; for a refresh token {by_refresh_token}")
        }
        same => same.concat(),
    };
    let advice =
        "Are client, audience and resource those that it has a policy for (profile section [exchange.id-jag])?";
    let text = format!("{what}: {reasons}. {advice}");
    seen.notes.push(text.clone());
    for word in ["id-jag-issuer", "id-jag-id-token", "id-jag-readable", "id-jag-refresh"] {
        seen.abilities.set(word, Ability::Broken(text.clone()));
    }
}

/// The answer with an identity assertion, or why none came.
async fn ask(seen: &Preflight, wire: &Wire, args: Value) -> Result<Value, Obstacle> {
    let answer = match equipped(seen, wire).await {
        Ok(mut context) => act(&mut context, Verb::Exchange, args).await,
        Err(reason) => Err(reason),
    };
    match answer {
        Ok(answer) if answer.facts["granted"] == true => Ok(answer.facts),
        Ok(answer) => {
            let error = answer.facts["error"].as_str().unwrap_or_default().to_owned();
            Err(Obstacle { error: Some(error), reason: said(&answer.facts) })
        }
        Err(reason) => Err(Obstacle { error: None, reason }),
    }
}

/// Whether the metadata says so (ID-JAG draft, metadata of the identity provider).
fn announces(metadata: &Value) -> bool {
    let list = metadata["identity_chaining_requested_token_types_supported"].as_array();
    list.is_some_and(|list| list.iter().any(|kind| kind == ID_JAG))
}

/// What a case can wait for, in seconds.
const LONGEST_LIFE: u64 = 100;

const ADVICE: &str = "name an audience for which it does (profile section [exchange.id-jag], audience)";
