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
    let spoken = facts["mcp"]["version"].as_str().and_then(|version| version.parse::<McpVersion>().ok());
    world.version = options.version.or(profile.target.mcp_version).or(spoken).unwrap_or(McpVersion::NEWEST);
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
        let exit = facts["exit"].as_i64().map_or("it had to be ended".to_owned(), |code| format!("exit code {code}"));
        seen.notes.push(format!(
            "the client was served by an honest server and did not end well ({exit}): let the command end with 0 when it has \
             what it wanted, within launch.timeout"
        ));
    }
    Ok(seen)
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
    let ended = match facts["exit"].as_i64() {
        Some(code) => format!("ended with exit code {code}"),
        None => "did not end in time (launch.timeout)".to_owned(),
    };
    let way = facts["way"].as_str().unwrap_or_default();
    let way = if way.is_empty() { "it asked for nothing there".to_owned() } else { format!("it asked for {way}") };
    let output = facts["output"].as_str().unwrap_or_default();
    let said = if output.is_empty() { "it printed nothing" } else { "the end of its output:" };
    format!(
        "the client {ended} without a request that an honest server could serve with a token: {way}; {said}{}{}",
        if output.is_empty() { "" } else { "\n" },
        fact::clip(output, 1500)
    )
}
