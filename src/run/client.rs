//! The preflight of an MCP client: it is started once against an honest server, and has to come to a tool there.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ability::{Abilities, Ability};
use super::preflight::Preflight;
use super::recipe::{act, context};
use super::{Helpers, NotStarted, Options};
use crate::fact;
use crate::rule::{McpVersion, Role};
use crate::step::World;
use crate::suite::Verb;
use crate::target::Profile;
use crate::wire::Wire;

/// Starts the client against an honest server.
///
/// # Errors
/// It was not served there: nothing could be told from what it does at others.
pub async fn look(
    profile: &Profile,
    helpers: &Helpers,
    options: &Options,
    wanted: Option<BTreeSet<String>>,
    mut world: World,
) -> Result<Preflight, NotStarted> {
    if helpers.idp.is_none() {
        return Err(NotStarted { message: "there is no authorization server to send the client to".to_owned() });
    }
    let wire = Wire::new(Arc::clone(&world.http));
    let mut context = context(&Arc::new(world.clone()), &wire).await;
    let honest = json!({ "scope": "mcp:read", "issuer": { "iss-in-response": true } });
    let facts = act(&mut context, Verb::Drive, honest).await.map(|performed| performed.facts);
    let facts = facts.map_err(|reason| NotStarted { message: reason })?;
    if facts["mcp"]["served"] == 0 || facts["requests"]["token"]["count"] == 0 {
        return Err(NotStarted { message: not_served(&facts) });
    }
    let spoken = facts["mcp"]["version"].as_str().unwrap_or_default();
    world.version = options.version.or(profile.target.mcp_version).unwrap_or_else(|| judged_by(spoken));
    let mut seen = Preflight {
        name: profile.target.name.clone(),
        roles: vec![Role::Client],
        abilities: abilities(&facts),
        login: "by our authorization server, which asks nobody".to_owned(),
        registration: registration(&facts).to_owned(),
        wanted,
        notes: Vec::new(),
        documents: Vec::new(),
        world,
    };
    if facts["done"] != true {
        let exit = facts["ended"].as_str().unwrap_or_default();
        seen.notes.push(format!(
            "the client was served by an honest server and did not end well (it {exit}): let the command end with 0 when it has \
             what it wanted, within launch.timeout"
        ));
    }
    Ok(seen)
}

/// The rules for a client that speaks this version. Those before the first with authorization are judged by that one.
fn judged_by(spoken: &str) -> McpVersion {
    let first = McpVersion::V2025_03_26;
    let dated = spoken.len() == 10 && spoken.starts_with("20");
    match spoken.parse() {
        Ok(version) => version,
        Err(_) if dated && spoken < first.as_str() => first,
        Err(_) => McpVersion::NEWEST,
    }
}

/// What the honest run shows that the client does.
fn abilities(facts: &Value) -> Abilities {
    let mut abilities = Abilities::default();
    let count = |name: &str| facts["requests"][name]["count"].as_u64().unwrap_or(0);
    abilities.set("client", Ability::Has);
    abilities.decide(
        "client-registers",
        count("register") > 0,
        "the client did not register with a server that it did not know",
    );
    let calls = facts["mcp"]["called"].as_u64().unwrap_or(0) > 0;
    abilities.decide("client-calls-tools", calls, "the client called no tool of an honest server");
    let state = facts["requests"]["authorize"]["query"]["state"].is_string();
    abilities.decide("client-sends-state", state, "its authorization requests have no state");
    let opened = facts["opened"].as_str().is_some_and(|urls| !urls.is_empty());
    abilities.decide(
        "client-opens-urls",
        opened,
        "it opened its authorization URL with none of the commands that we look at",
    );
    let grants = facts["requests"]["register"]["body"]["grant_types"].as_array();
    let refreshes = grants.is_none_or(|grants| grants.iter().any(|grant| grant == "refresh_token"));
    abilities.decide("client-wants-refresh", refreshes, "it registered without the grant refresh_token");
    abilities
}

fn registration(facts: &Value) -> &'static str {
    let id = facts["requests"]["authorize"]["query"]["client_id"].as_str().unwrap_or_default();
    match facts["requests"]["register"]["count"].as_u64() {
        Some(1..) => "the client registers",
        _ if id.starts_with("https://") => "the client is a metadata document",
        _ => "the client has an id already",
    }
}

/// Why nothing can be judged, with what the client did and said.
fn not_served(facts: &Value) -> String {
    let ended = facts["ended"].as_str().unwrap_or_default();
    let way = facts["way"].as_str().unwrap_or_default();
    let way = if way.is_empty() { "it asked for nothing there".to_owned() } else { format!("it asked for {way}") };
    let refused = facts["refused"]
        .as_str()
        .map(|refused| format!("; our authorization server refused: {}", fact::clip(refused, 300)));
    let refused = refused.unwrap_or_default();
    let output = facts["output"].as_str().unwrap_or_default();
    let said = if output.is_empty() { "it printed nothing" } else { "the end of its output:" };
    format!(
        "the client {ended} without a request that an honest server could serve with a token: {way}{refused}; {said}{}{}",
        if output.is_empty() { "" } else { "\n" },
        fact::clip(output, 1500)
    )
}
