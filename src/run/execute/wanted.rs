//! Which clients a case takes from the pool.

use serde_json::{Map, Value};

use crate::suite::{Case, Verb};

/// The pooled clients that a case names: `default` always if any step needs one, `other`, and kinds (`basic`, `post`, `jwt`).
pub(super) fn wanted_clients(case: &Case, values: &Map<String, Value>) -> Vec<(String, String)> {
    let mut text = String::new();
    let mut registers = Vec::new();
    for step in &case.steps {
        text.push_str(&Value::Object(step.args.clone()).to_string());
        if step.verb == Verb::Register {
            registers.push(step.args.get("as").and_then(Value::as_str).unwrap_or("default").to_owned());
        }
    }
    text.push_str(&Value::Object(values.clone()).to_string());
    let uses_default = case.steps.iter().any(|s| {
        !matches!(s.verb.to_string().as_str(), "discover" | "register" | "wait" | "call" | "fetch" | "mutate")
            && !is_of_machine(&s.args)
    }) || text.contains("$client.")
        || text.contains("\"client\":\"default\"")
        || text.contains("\"auth\"");
    let mut wanted = Vec::new();
    if uses_default {
        wanted.push(("default".to_owned(), "public".to_owned()));
    }
    if text.contains("\"client\":\"other\"") || text.contains("$other.") || text.contains("${other.") {
        wanted.push(("other".to_owned(), "public".to_owned()));
    }
    for kind in ["basic", "post", "jwt"] {
        if text.contains(&format!("\"client\":\"{kind}\"")) {
            wanted.push((kind.to_owned(), kind.to_owned()));
        }
    }
    for name in ["machine", "machine-basic", "machine-jwt", "machine-other", "machine-post"] {
        let named = [format!("\"client\":\"{name}\""), format!("${name}."), format!("${{{name}.")];
        if named.iter().any(|n| text.contains(n)) || name == "machine" && text.contains("\"id-jag\"") {
            wanted.push((name.to_owned(), name.trim_end_matches("-other").to_owned()));
        }
    }
    wanted.retain(|(name, _)| !registers.contains(name));
    wanted
}

/// Whether a step acts without a user and without the usual client.
fn is_of_machine(args: &Map<String, Value>) -> bool {
    let by_machine = args.get("client").and_then(Value::as_str).is_some_and(|name| name.starts_with("machine"));
    by_machine || ["assertion-token", "id-jag", "workload"].iter().any(|name| args.contains_key(*name))
}
