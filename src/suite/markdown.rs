//! The tables of the case language as Markdown, for `suites/README.md`.

use std::fmt::Write as _;

use super::ability::{ABILITIES, TAGS, Word};
use super::fact::{own, shared};
use super::{CASE_KEYS, CODES, Fact, Holds, MATCHERS, Measure, Members, NAMESPACES, STEP_KEYS, Verb};

/// Every table: keys, verbs with arguments and facts, matchers, variables, abilities, tags, slips.
pub fn markdown() -> String {
    let mut page = String::new();
    section(&mut page, "Keys of a case", &[("key", "meaning")], CASE_KEYS.iter().map(|(name, doc)| row(name, doc)));
    section(&mut page, "Keys of a step", &[("key", "meaning")], STEP_KEYS.iter().map(|(name, doc)| row(name, doc)));
    page.push_str("## Verbs\n\nEvery verb fills in an honest request; an argument is a departure from it.\n\n");
    for verb in Verb::ALL {
        verb_section(&mut page, verb);
    }
    facts_of_http(&mut page);
    section(&mut page, "Matchers", &[("matcher", "holds for")], MATCHERS.iter().map(|(name, doc)| row(name, doc)));
    let measures = Measure::ALL.iter().map(|measure| row(measure.name(), measure.doc()));
    section(&mut page, "Measures", &[("`of`", "is")], measures);
    let variables = NAMESPACES.iter().map(|space| row(&variable(space.name, space.holds), space.doc));
    section(&mut page, "Built-in variables", &[("variable", "is")], variables);
    words(&mut page, "Abilities", "a target with it", ABILITIES);
    words(&mut page, "Tags", "a case with it", TAGS);
    section(&mut page, "Slips", &[("code", "meaning")], CODES.iter().map(|code| row(code.name, code.doc)));
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn verb_section(page: &mut String, verb: Verb) {
    line(page, &format!("### {verb}\n\n{}.\n", capitalised(verb.doc())));
    line(page, "| argument | takes | meaning |\n|---|---|---|");
    for argument in verb.arguments() {
        line(page, &format!("| `{}` | {} | {} |", argument.name, argument.kind, cell(argument.doc)));
    }
    if matches!(verb, Verb::Callback | Verb::Consent | Verb::Exchange | Verb::Login) {
        let same = if verb == Verb::Exchange { Verb::Token } else { Verb::Authorize };
        return line(page, &format!("\nIt leaves the facts of `{same}`.\n"));
    }
    line(page, "\n| fact | is |\n|---|---|");
    own(verb).iter().for_each(|fact| fact_rows(page, "", fact));
    if !shared(verb).is_empty() {
        line(page, "\nIt also leaves the facts of every HTTP answer, below.");
    }
    page.push('\n');
}

fn facts_of_http(page: &mut String) {
    line(page, "## Facts of every HTTP answer\n\n| fact | is |\n|---|---|");
    shared(Verb::Fetch).iter().for_each(|fact| fact_rows(page, "", fact));
    page.push('\n');
}

fn fact_rows(page: &mut String, parent: &str, fact: &Fact) {
    let path = format!("{parent}{}", fact.name);
    match fact.holds {
        Holds::Anything => line(page, &format!("| `{path}`, `{path}.*` | {} |", cell(fact.doc))),
        Holds::Headers => line(page, &format!("| `{path}.NAME` | {} |", cell(fact.doc))),
        Holds::Value => line(page, &format!("| `{path}` | {} |", cell(fact.doc))),
        Holds::Words(words) => {
            line(page, &format!("| `{path}` | {}: `{}` |", cell(fact.doc), words.join("`, `")));
        }
        Holds::Members(members) => {
            line(page, &format!("| `{path}` | {} |", cell(fact.doc)));
            members.iter().for_each(|member| fact_rows(page, &format!("{path}."), member));
        }
    }
}

fn variable(name: &str, holds: Members) -> String {
    match holds {
        Members::Free => format!("${name}.*"),
        Members::Named(names) => {
            names.iter().map(|member| format!("${name}.{member}")).collect::<Vec<_>>().join("`, `")
        }
        Members::Number => format!("${name}`, `${name}.NUMBER"),
        Members::OfUser => format!("${name}.NAME.username`, `${name}.NAME.password"),
    }
}

fn words(page: &mut String, title: &str, heading: &str, words: &[Word]) {
    section(page, title, &[("word", heading)], words.iter().map(|word| row(word.name, word.doc)));
}

fn section(page: &mut String, title: &str, heading: &[(&str, &str)], rows: impl Iterator<Item = String>) {
    line(page, &format!("## {title}\n"));
    for (left, right) in heading {
        line(page, &format!("| {left} | {right} |\n|---|---|"));
    }
    rows.for_each(|row| line(page, &row));
    page.push('\n');
}

fn row(name: &str, doc: &str) -> String {
    format!("| `{name}` | {} |", cell(doc))
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("a String takes every write");
}
