//! Which clients a case takes from the pool, and when it is its turn.

use serde_json::{Map, Value};
use tokio::sync::OwnedMutexGuard;

use super::{Shared, Task};
use crate::run::exchange;
use crate::step::Wanted;
use crate::suite::{Case, Step, Verb};

/// Waits for the turn of a case, where logins of others would end its tokens; that turn is over when this is dropped.
pub(super) async fn turn(shared: &Shared, task: &Task) -> Option<OwnedMutexGuard<()>> {
    let wants = || {
        let none = Map::new();
        let values = task.runs.iter().map(|variant| variant.as_ref().map_or(&none, |variant| &variant.values));
        let mut pooled: Vec<_> = values.flat_map(|values| wanted_clients(&task.case, values)).collect();
        exchange::wanted_clients(&shared.world, &task.case, &mut pooled);
        Wanted { pooled, own: task.case.steps.iter().any(|step| step.verb == Verb::Register) }
    };
    shared.world.pool.turn(&shared.world, wants).await
}

/// The pooled clients that a case names: `default` always if any step needs one, `other`, and kinds (`basic`, `post`, `jwt`).
pub(super) fn wanted_clients(case: &Case, values: &Map<String, Value>) -> Vec<(String, String)> {
    let mut words = Words::default();
    let mut registers = Vec::new();
    for step in &case.steps {
        words.read_table(&step.args);
        if step.verb == Verb::Register {
            registers.push(step.args.get("as").and_then(Value::as_str).unwrap_or("default"));
        }
    }
    words.read_table(values);
    let acts_as_client = |step: &Step| {
        let needs_none = matches!(
            step.verb,
            Verb::Discover
                | Verb::Drive
                | Verb::Register
                | Verb::Manage
                | Verb::Wait
                | Verb::Call
                | Verb::Fetch
                | Verb::Mutate
        );
        !needs_none && !is_of_machine(&step.args)
    };
    let uses_default = case.steps.iter().any(acts_as_client) || words.names("default", "client") || words.has("auth");
    let mut wanted = Vec::new();
    let mut want = |name: &str, kind: &str| {
        if !registers.contains(&name) {
            wanted.push((name.to_owned(), kind.to_owned()));
        }
    };
    if uses_default {
        want("default", "public");
    }
    if words.names("other", "other") {
        want("other", "public");
    }
    for kind in ["basic", "post", "jwt"].into_iter().filter(|kind| words.clients.contains(kind)) {
        want(kind, kind);
    }
    for name in ["machine", "machine-basic", "machine-jwt", "machine-other", "machine-post"] {
        if words.names(name, name) || name == "machine" && words.has("id-jag") {
            want(name, name.trim_end_matches("-other"));
        }
    }
    wanted
}

/// The keys and texts of a case's arguments, and what its `client` arguments say.
#[derive(Default)]
struct Words<'a> {
    all: Vec<&'a str>,
    clients: Vec<&'a str>,
}

impl<'a> Words<'a> {
    fn read_table(&mut self, table: &'a Map<String, Value>) {
        for (name, value) in table {
            self.all.push(name);
            self.clients.extend(value.as_str().filter(|_| name == "client"));
            self.read(value);
        }
    }

    fn read(&mut self, value: &'a Value) {
        match value {
            Value::String(text) => self.all.push(text),
            Value::Array(items) => items.iter().for_each(|item| self.read(item)),
            Value::Object(table) => self.read_table(table),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Whether a key or a text is this word.
    fn has(&self, word: &str) -> bool {
        self.all.contains(&word)
    }

    /// Whether a step acts as this client, or a text speaks of it by its variable (`$other.id`).
    fn names(&self, client: &str, variable: &str) -> bool {
        let speaks = |text: &str| {
            let mut names = text.split('$').skip(1).map(|rest| rest.strip_prefix('{').unwrap_or(rest));
            names.any(|name| name.strip_prefix(variable).is_some_and(|rest| rest.starts_with('.')))
        };
        self.clients.contains(&client) || self.all.iter().any(|text| speaks(text))
    }
}

/// Whether a step acts without a user and without the usual client.
fn is_of_machine(args: &Map<String, Value>) -> bool {
    if let Some(repeated) = args.get("token").and_then(Value::as_object) {
        return is_of_machine(repeated);
    }
    let by_machine = args.get("client").and_then(Value::as_str).is_some_and(|name| name.starts_with("machine"));
    by_machine || ["assertion-token", "id-jag", "workload"].iter().any(|name| args.contains_key(*name))
}
