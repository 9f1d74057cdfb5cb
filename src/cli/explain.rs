//! `authspec explain ID`: what a case does, what a rule says, what a fault breaks; what a word of a case or a report means.

use authspec::diag::nearest;
use authspec::judge;
use authspec::rule::{Rule, Rules};
use authspec::suite::ability::{ABILITIES, TAGS, Word};
use authspec::suite::{Case, Suites, Verb};
use fixtures::Fault;

use super::{ExplainArgs, OK, USAGE, material, text};

/// Explains and gives the exit code.
pub fn main(args: &ExplainArgs) -> u8 {
    let (suites, rules) = match material(&args.suite) {
        Ok(material) => material,
        Err(code) => return code,
    };
    let id = args.id.trim_end_matches(".toml").trim_start_matches("suites/");
    // `case[variant]` of a report is about the case.
    let id = id.split('[').next().unwrap_or(id);
    if let Some(case) = suites.get(id) {
        explain_case(case, &rules);
    } else if let Some(rule) = rules.get(id) {
        explain_rule(rule, &suites, &rules);
    } else if let Some(fault) = fixtures::fault::find(id) {
        explain_fault(fault, &suites);
    } else if let Some(ability) = ABILITIES.iter().find(|word| word.name == id) {
        explain_ability(ability, &suites);
    } else if let Some(tag) = TAGS.iter().find(|word| word.name == id) {
        explain_tag(tag, &suites);
    } else if let Ok(verb) = id.parse::<Verb>() {
        explain_verb(verb);
    } else if let Some((word, meaning)) = WORDS.iter().find(|(word, _)| *word == id) {
        text::line(&format!("{word}, a word of reports\n  {meaning}"));
    } else {
        let known = suites
            .cases
            .iter()
            .map(|c| c.id.as_str())
            .chain(rules.iter().map(|r| r.id.as_str()))
            .chain(fixtures::catalogue().iter().map(|f| f.id))
            .chain(ABILITIES.iter().chain(TAGS).map(|word| word.name))
            .chain(Verb::ALL.map(Verb::name))
            .chain(WORDS.map(|(word, _)| word));
        let hint = nearest(id, known).map_or_else(
            || "see `authspec list`, with --rules or --faults".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        text::error(&format!("no case, rule, fault, ability, tag, verb or word of reports is called `{id}`: {hint}"));
        return USAGE;
    }
    OK
}

/// How a fault is tried by hand.
pub(super) fn broken_by(fault: &Fault) -> String {
    match fault.deployment {
        "client" => format!("authspec reference-client URL --fault {}", fault.id),
        deployment => format!("authspec serve {deployment} --fault {}", fault.id),
    }
}

/// Verdicts, and the kinds of findings, as `report.json` has them.
const WORDS: [(&str, &str); 11] = [
    ("pass", "the target does as the rule says"),
    ("fail", "the target breaks a rule that says MUST or MUST NOT"),
    ("warn", "the target does not as a rule says that says SHOULD or SHOULD NOT"),
    ("blocked", "the rule could not be judged: something that the case needs did not work; the message says what"),
    ("error", "the harness itself could not go on: a mistake in the case or of ours"),
    (
        "not-applicable",
        "the rule does not concern this target, or binds in another MCP version, or the profile leaves it out",
    ),
    ("known", "a failure that the profile accepts until a date, with its reason"),
    ("accepted", "what must be refused was accepted"),
    ("wrong-answer", "an answer that is not as the rule says"),
    ("crash", "a server error, or a connection that was dropped"),
    ("missing", "something that must be there is not there"),
];

fn explain_case(case: &Case, rules: &Rules) {
    text::line(&format!("case {}\n  {}", case.id, case.title));
    if let Some(why) = &case.why {
        text::line(&format!("  {why}"));
    }
    for id in case.rules() {
        if let Some(rule) = rules.get(id) {
            text::line(&format!(
                "  judges {} ({} {}): {} [{}]",
                rule.id, rule.role, rule.level, rule.requirement, rule.source
            ));
        }
    }
    if !case.needs.is_empty() {
        text::line(&format!("  needs {}", case.needs.join(", ")));
    }
    for fault in &case.faults {
        text::line(&format!("  turned red by fault {fault}"));
    }
    text::line(&format!("\n{}", case.source.text.trim_end()));
}

fn explain_rule(rule: &Rule, suites: &Suites, rules: &Rules) {
    text::line(&format!("rule {} ({}, {}, MCP versions: {})", rule.id, rule.role, rule.level, rule.versions));
    text::line(&format!("  {}", rule.requirement));
    text::line(&format!("  source  {}", rule.source));
    text::line(&format!("  seen by {}", rule.observable));
    text::line(&format!("  mend    {} ({})", rule.remedy, rule.party.in_words()));
    for case in suites.cases.iter().filter(|c| c.rules().contains(&rule.id.as_str())) {
        text::line(&format!("  case    {}", case.id));
    }
    let everywhere = [Verb::Register, Verb::Authorize, Verb::Token, Verb::Call];
    if everywhere.iter().any(|verb| judge::error_rule(*verb) == rule.id) {
        text::line("  case    and every other that demands a status or an error code of such a refusal");
    }
    for (_, reason) in rules.not_tested().iter().filter(|(id, _)| *id == rule.id) {
        text::line(&format!("  no case {reason}"));
    }
}

fn explain_fault(fault: &Fault, suites: &Suites) {
    text::line(&format!("fault {} of the reference deployment `{}`\n  {}", fault.id, fault.deployment, fault.title));
    for rule in fault.rules {
        text::line(&format!("  breaks {rule}"));
    }
    for case in suites.cases.iter().filter(|c| c.faults.iter().any(|f| f == fault.id)) {
        text::line(&format!("  turns {} red", case.id));
    }
    text::line(&format!("  try it: {}", broken_by(fault)));
}

fn explain_ability(ability: &Word, suites: &Suites) {
    text::line(&format!("ability {} of a target\n  {}", ability.name, ability.doc));
    let named = format!("\"{}\"", ability.name);
    text::line(&format!(
        "  found before anything is judged; where you know better, a profile says so: [abilities] with = [{named}], or without"
    ));
    let needs = |words: &[String]| words.iter().any(|word| word == ability.name);
    let needing =
        suites.cases.iter().filter(|case| needs(&case.needs) || case.each.iter().any(|one| needs(&one.needs)));
    needing.for_each(|case| text::line(&format!("  case    {}", case.id)));
}

fn explain_tag(tag: &Word, suites: &Suites) {
    text::line(&format!("tag {} of a case\n  {}", tag.name, tag.doc));
    let tagged = suites.cases.iter().filter(|case| case.tags.iter().any(|word| word == tag.name));
    tagged.for_each(|case| text::line(&format!("  case    {}", case.id)));
}

fn explain_verb(verb: Verb) {
    text::line(&format!("verb {verb}\n  {}", verb.doc()));
    for argument in verb.arguments() {
        text::line(&format!("  {:18} {} ({})", argument.name, argument.doc, argument.kind));
    }
    text::line("  what it leaves behind for `expect` and `capture`: suites/README.md");
}
