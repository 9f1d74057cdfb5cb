//! Reads the arguments of a verb and holds them against the verb table.

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::Verb;
use super::actor::{NAMING, Named};
use super::draft::{Awaited, Notes};
use super::slip::{REPEAT, Slips, UNKNOWN_ARGUMENT, UNKNOWN_CHOICE, WRONG_TYPE};
use super::tree::{Item, Key, entries, json, kind};
use super::variable::Use;
use super::verb::{Argument, Kind};

/// The arguments of `verb` as data; what is wrong with them goes to `slips`.
pub(super) fn read(
    verb: Verb,
    key: &Key<'_>,
    item: &Item<'_>,
    notes: &mut Notes,
    slips: &mut Slips<'_>,
) -> Map<String, Value> {
    let DeValue::Table(table) = item.get_ref() else {
        let slip =
            slips.add(WRONG_TYPE, item.span(), format!("`{verb}` must be a table, not {}", kind(item.get_ref())));
        slip.help = Some(format!("write `{verb} = {{}}` for the honest request"));
        return Map::new();
    };
    let args = read_table(verb, table, notes, slips);
    if verb == Verb::Repeat {
        check_repeat(key, table, slips);
    }
    args
}

/// Holds one value against the kind of its argument (`name` is `verb.argument`).
pub(super) fn check(name: &str, wanted: Kind, item: &Item<'_>, slips: &mut Slips<'_>) {
    let value = item.get_ref();
    if value.as_str().is_some_and(|text| Use::of_whole(text).is_some()) {
        return;
    }
    match (wanted, value) {
        (Kind::Any, _)
        | (Kind::Bool, DeValue::Boolean(_))
        | (Kind::List, DeValue::Array(_))
        | (Kind::Number, DeValue::Integer(_) | DeValue::Float(_))
        | (Kind::Table, DeValue::Table(_))
        | (Kind::Text, DeValue::String(_)) => {}
        (Kind::Choice(words), DeValue::String(word)) => {
            if !words.contains(&&**word) && !word.contains("${") {
                slips.unknown(UNKNOWN_CHOICE, item.span(), &format!("value of `{name}`"), word, words.iter().copied());
            }
        }
        (Kind::Parts(_), DeValue::Boolean(_)) => {}
        (Kind::Parts(parts), DeValue::Table(table)) => {
            for (key, _) in entries(table).into_iter().filter(|(key, _)| !parts.contains(&&**key.get_ref())) {
                let what = format!("part of `{name}`");
                slips.unknown(UNKNOWN_ARGUMENT, key.span(), &what, key.get_ref(), parts.iter().copied());
            }
        }
        (Kind::Parts(_), other) => slips.mistyped(item.span(), name, "true, false or a table", kind(other)),
        (Kind::Choice(_), other) => slips.mistyped(item.span(), name, "a text", kind(other)),
        (wanted, other) => slips.mistyped(item.span(), name, &wanted.to_string(), kind(other)),
    }
}

fn read_table(verb: Verb, table: &DeTable<'_>, notes: &mut Notes, slips: &mut Slips<'_>) -> Map<String, Value> {
    let mut args = Map::new();
    for (key, item) in entries(table) {
        let Some(argument) = verb.argument(key.get_ref()) else {
            unknown(verb, key, slips);
            continue;
        };
        let value = match nested(verb, argument) {
            Some(inner) => Value::Object(read(inner, key, item, notes, slips)),
            None => read_value(verb, argument, item, notes, slips),
        };
        args.insert(argument.name.to_owned(), value);
    }
    args
}

/// The verb that `repeat` holds under this argument.
fn nested(verb: Verb, argument: &Argument) -> Option<Verb> {
    (verb == Verb::Repeat).then(|| argument.name.parse().ok()).flatten()
}

fn read_value(verb: Verb, argument: &Argument, item: &Item<'_>, notes: &mut Notes, slips: &mut Slips<'_>) -> Value {
    let name = format!("{verb}.{}", argument.name);
    check(&name, argument.kind, item, slips);
    let key = item.get_ref().as_str().and_then(Use::of_whole).and_then(|path| path.strip_prefix("each."));
    if let Some(key) = key {
        notes.awaited.push(Awaited { key: key.to_owned(), argument: name.clone(), kind: argument.kind });
    }
    if let Some(who) = item.get_ref().as_str().filter(|_| NAMING.contains(&argument.name)) {
        notes.named.push(Named { argument: argument.name, name: who.to_owned(), span: item.span() });
    }
    json(item).unwrap_or_else(|span| {
        slips.add(WRONG_TYPE, span, format!("`{name}` holds a number that JSON cannot hold"));
        Value::Null
    })
}

fn unknown(verb: Verb, key: &Key<'_>, slips: &mut Slips<'_>) {
    let known = verb.arguments().iter().map(|argument| argument.name);
    slips.unknown(UNKNOWN_ARGUMENT, key.span(), &format!("argument of `{verb}`"), key.get_ref(), known);
}

fn check_repeat(key: &Key<'_>, table: &DeTable<'_>, slips: &mut Slips<'_>) {
    let verbs: Vec<_> = entries(table).into_iter().filter(|(key, _)| key.get_ref().parse::<Verb>().is_ok()).collect();
    match verbs.as_slice() {
        [] => {
            let slip = slips.add(REPEAT, key.span(), "`repeat` without a verb to repeat");
            let verbs: Vec<&str> =
                Verb::ALL.into_iter().filter(|verb| verb.can_be_repeated()).map(Verb::name).collect();
            slip.help = Some(format!("give it the arguments of one of {}", verbs.join(", ")));
        }
        [_] => {}
        [_, second, ..] => {
            slips.add(REPEAT, second.0.span(), "`repeat` with more than one verb").label = "the second one".to_owned();
        }
    }
    if !table.contains_key("parallel") && !table.contains_key("times") {
        let slip = slips.add(REPEAT, key.span(), "`repeat` does not say how often");
        slip.help = Some("give it `parallel` (at once) or `times` (in a row)".to_owned());
    }
}
