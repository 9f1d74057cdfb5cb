//! `authspec list`: cases, verbs, faults.

use authspec::suite::{self, Case};

use super::{ListArgs, OK, USAGE, globs, material, text};

/// Lists and gives the exit code.
pub fn main(args: &ListArgs) -> u8 {
    if args.verbs {
        text::line(suite::markdown().trim_end());
        return OK;
    }
    if args.faults {
        for fault in fixtures::catalogue() {
            text::line(&format!("{:44} {}", fault.id, fault.title));
        }
        return OK;
    }
    let globs = match globs(&args.only) {
        Ok(globs) => globs,
        Err(reason) => {
            text::error(&reason);
            return USAGE;
        }
    };
    let (suites, _) = match material(&args.suite) {
        Ok(material) => material,
        Err(code) => return code,
    };
    let wanted = |case: &Case| {
        args.only.is_empty()
            || globs.is_match(&case.id)
            || globs.is_match(&case.area)
            || case.rules().iter().any(|r| globs.is_match(r))
    };
    let mut count = 0;
    for case in suites.cases.iter().filter(|c| wanted(c)) {
        count += 1;
        let variants = if case.each.is_empty() { String::new() } else { format!(" ({} variants)", case.each.len()) };
        text::line(&format!("{:44} {}{variants}", case.id, case.title));
    }
    text::line(&text::plural(count, "case"));
    OK
}
