//! `authspec list`: cases, rules, faults, verbs.

use authspec::judge;
use authspec::suite::{self, Case};

use super::{ListArgs, OK, USAGE, globs, material, text};

/// Lists and gives the exit code.
pub fn main(args: &ListArgs) -> u8 {
    if args.verbs {
        text::line(suite::markdown().trim_end());
        return OK;
    }
    let globs = match globs(&args.only) {
        Ok(globs) => globs,
        Err(reason) => {
            text::error(&reason);
            return USAGE;
        }
    };
    let meant = |id: &str| args.only.is_empty() || globs.is_match(id);
    if args.faults {
        for fault in fixtures::catalogue().iter().filter(|fault| meant(fault.id)) {
            text::line(&format!("{:44} {}", fault.id, fault.title));
        }
        return OK;
    }
    let (suites, rules) = match material(&args.suite) {
        Ok(material) => material,
        Err(code) => return code,
    };
    if args.rules {
        for rule in rules.iter().filter(|rule| meant(&rule.id)) {
            text::line(&format!("{:44} {} {}: {}", rule.id, rule.role, rule.level, rule.requirement));
        }
        return OK;
    }
    let judged = |case: &Case| case.rules().into_iter().any(meant) || judge::default_error_rules(case).any(meant);
    let wanted = |case: &Case| meant(&case.id) || meant(&case.area) || judged(case);
    let mut count = 0;
    for case in suites.cases.iter().filter(|c| wanted(c)) {
        count += 1;
        let variants = if case.each.is_empty() { String::new() } else { format!(" ({} variants)", case.each.len()) };
        text::line(&format!("{:44} {}{variants}", case.id, case.title));
    }
    text::line(&text::plural(count, "case"));
    OK
}
