//! `authspec lint [PATH]...`: every slip of every file at once.

use authspec::rule::Rules;
use authspec::suite::Suites;

use super::{LintArgs, OK, USAGE, text};

/// Checks and gives the exit code.
pub fn main(args: &LintArgs) -> u8 {
    let mut slips = Vec::new();
    let mut cases = 0;
    // The other commands take the folder by --suites.
    let paths: Vec<_> = args.paths.iter().chain(&args.suite.suites).collect();
    if paths.is_empty() {
        match Suites::built_in() {
            Ok(suites) => cases = suites.cases.len(),
            Err(found) => slips.extend(found.iter().cloned()),
        }
    }
    for path in paths {
        let rules = if path.join("rules").is_dir() { Rules::load(path) } else { Ok(Rules::embedded().clone()) };
        match rules.and_then(|rules| Suites::load(path, &rules)) {
            Ok(suites) => cases += suites.cases.len(),
            Err(found) => slips.extend(found),
        }
    }
    if slips.is_empty() && cases == 0 {
        text::error("there is no case file (.toml): a folder without any is hardly what was meant");
        return USAGE;
    }
    if slips.is_empty() {
        text::line(&format!("{}, no slips", text::plural(cases, "case")));
        return OK;
    }
    text::slips(&slips)
}
