//! Patterns that meet no case: most likely slips, and whoever wrote one believes that something was judged, or left out.

use super::plan::{concerns, globs, without_variant};
use crate::diag::nearest;
use crate::suite::Suites;
use crate::target::{KnownFailure, Profile};

/// What to tell of each pattern of the command line that meets none of these cases, by id, area or rule.
#[must_use]
pub fn unmet(suites: &Suites, patterns: &[String]) -> Vec<String> {
    let meets_any = |pattern: &String| {
        let glob = globs(std::slice::from_ref(pattern));
        suites.cases.iter().any(|case| concerns(&glob, case))
    };
    let misses = patterns.iter().filter(|pattern| !meets_any(pattern));
    misses.map(|pattern| format!("`{pattern}` meets no case, area or rule{}", meant(suites, pattern))).collect()
}

/// The same of the known failures of a profile.
pub(super) fn unmet_known(suites: &Suites, profile: &Profile) -> Vec<String> {
    let covers = |known: &&KnownFailure| {
        suites.cases.iter().any(|case| {
            let variants = case.each.iter().map(|variant| Some(variant.name.as_str())).chain([None]);
            let mut rules = case.rules();
            // What an answer breaks beside the rule itself.
            rules.extend(known.rule.as_deref().filter(|_| known.case.is_some()));
            variants.into_iter().any(|variant| rules.iter().any(|rule| known.covers(rule, &case.id, variant)))
        })
    };
    let misses = profile.known_failures.iter().filter(|known| !covers(known));
    let told = misses.map(|known| {
        let named = known.case.as_ref().map(|glob| glob.glob().glob()).or(known.rule.as_deref()).unwrap_or_default();
        format!("known failure {} meets nothing that is judged{}", known.scope(), meant(suites, named))
    });
    told.collect()
}

/// What was meant, as the end of a sentence.
fn meant(suites: &Suites, pattern: &str) -> String {
    let rules = suites.cases.iter().flat_map(|case| case.rules());
    let ids = suites.cases.iter().map(|case| case.id.as_str());
    let areas = suites.cases.iter().map(|case| case.area.as_str());
    let exact: Vec<&str> = areas.clone().chain(ids).chain(rules.clone()).collect();
    let prefixes = rules.filter_map(|rule| rule.split_once('.')).map(|(prefix, _)| format!("{prefix}.*"));
    let wide: Vec<String> = areas.map(|area| format!("{area}/*")).chain(prefixes).collect();
    let near = nearest(without_variant(pattern), exact.into_iter().chain(wide.iter().map(String::as_str)));
    near.map_or_else(|| ": see `authspec list`".to_owned(), |near| format!(": did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        unmet(Suites::embedded(), &patterns)
    }

    #[test]
    fn what_meets_something_is_not_told() {
        assert_eq!(
            told(&["token", "token/*", "token.code-one-time", "token/code-one-time", "*"]),
            Vec::<String>::new()
        );
        assert_eq!(told(&["resource/kid-is-no-input[path]"]), Vec::<String>::new());
    }

    #[test]
    fn slips_are_told_with_what_was_meant() {
        let said =
            |pattern: &str, near: &str| format!("`{pattern}` meets no case, area or rule: did you mean `{near}`?");
        assert_eq!(
            told(&["tokn/*", "token", "token/code-onetime", "tokne.*"]),
            [said("tokn/*", "token/*"), said("token/code-onetime", "token/code-one-time"), said("tokne.*", "token.*")]
        );
        assert_eq!(told(&["qwertyuiop"]), ["`qwertyuiop` meets no case, area or rule: see `authspec list`"]);
    }
}
