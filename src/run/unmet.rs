//! Patterns that meet no case: most likely slips, and whoever wrote one believes that something was judged, or left out.

use super::patterns::{Patterns, with_variant};
use crate::diag::nearest;
use crate::suite::{Case, Suites};
use crate::target::{KnownFailure, Profile};

/// What to tell of each pattern of `--only` and `--skip` that meets none of these cases, by id, area or rule.
#[must_use]
pub fn unmet(suites: &Suites, only: &[String], skip: &[String]) -> Vec<String> {
    let of = |pattern: &String| Patterns::of(std::slice::from_ref(pattern));
    let any = |is_met: &dyn Fn(&Case) -> bool| suites.cases.iter().any(is_met);
    let wanted = only.iter().filter(|pattern| {
        let glob = of(pattern);
        !any(&|case| glob.concern(case))
    });
    let wanted = wanted.map(|pattern| nothing(suites, pattern));
    let skipped = skip.iter().map(|pattern| (pattern, of(pattern)));
    let skipped = skipped.filter(|(_, glob)| !any(&|case| glob.meet_some_of(case)));
    let skipped = skipped.map(|(pattern, glob)| match any(&|case| glob.concern(case)) {
        true => format!(
            "`{pattern}` cannot be skipped: no case is about it, others only file under it how they were refused. Skip \
             those (`authspec explain {pattern}` names them), or accept it as a known failure in the profile"
        ),
        false => nothing(suites, pattern),
    });
    wanted.chain(skipped).collect()
}

fn nothing(suites: &Suites, pattern: &str) -> String {
    let Some((id, variant)) = with_variant(pattern) else {
        return format!("`{pattern}` meets no case, area or rule{}", meant(suites, pattern));
    };
    match suites.get(id) {
        None => format!("`{id}` is no case{}", meant(suites, id)),
        Some(case) if case.each.is_empty() => format!("`{id}` has no variants: say `{id}`"),
        Some(case) => {
            let names: Vec<&str> = case.each.iter().map(|variant| variant.name.as_str()).collect();
            let near = nearest(variant, names.iter().copied()).map(|near| format!(": did you mean `{id}[{near}]`?"));
            let near = near.unwrap_or_else(|| format!(": they are {}", names.join(", ")));
            format!("`{id}` has no variant `{variant}`{near}")
        }
    }
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
    let near = nearest(pattern, exact.into_iter().chain(wide.iter().map(String::as_str)));
    near.map_or_else(|| ": see `authspec list`".to_owned(), |near| format!(": did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        unmet(Suites::embedded(), &patterns, &[])
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
        assert_eq!(
            told(&["resource/kid-is-no-input[pth]", "resource/kid-is-no-inpt[path]", "token/code-one-time[x]"]),
            [
                "`resource/kid-is-no-input` has no variant `pth`: did you mean `resource/kid-is-no-input[path]`?",
                "`resource/kid-is-no-inpt` is no case: did you mean `resource/kid-is-no-input`?",
                "`token/code-one-time` has no variants: say `token/code-one-time`",
            ]
        );
        assert_eq!(told(&["qwertyuiop"]), ["`qwertyuiop` meets no case, area or rule: see `authspec list`"]);
    }
    #[test]
    fn a_rule_that_cases_only_file_under_is_not_skipped_in_silence() {
        let skip = |rule: &str| unmet(Suites::embedded(), &[], &[rule.to_owned()]);
        let mut rules: Vec<&str> =
            Suites::embedded().cases.iter().flat_map(crate::judge::default_error_rules).collect();
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            let is_judged = Suites::embedded().cases.iter().any(|case| case.rules().contains(&rule));
            let told = skip(rule);
            assert_eq!(told.is_empty(), is_judged, "{told:?}");
            assert!(told.iter().all(|text| text.contains("cannot be skipped")), "{told:?}");
        }
        assert_eq!(skip("token/code-one-time"), Vec::<String>::new());
    }
}
