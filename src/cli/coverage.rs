//! `authspec coverage`: which rules cases judge, which not, and why.

use std::collections::{BTreeMap, BTreeSet};

use authspec::rule::{Role, Rules};
use authspec::suite::Suites;

use super::{FINDINGS, OK, SuiteArgs, material, text};

/// Counts and gives the exit code: a rule without a case and without a reason is red.
pub fn main(args: &SuiteArgs) -> u8 {
    let (suites, rules) = match material(args) {
        Ok(material) => material,
        Err(code) => return code,
    };
    let judged = judged(&suites);
    let excused: BTreeMap<&str, &str> =
        rules.not_tested().iter().map(|(id, reason)| (id.as_str(), reason.as_str())).collect();
    table(&rules, &judged, &excused);
    let open: Vec<_> =
        rules.iter().filter(|r| !judged.contains(r.id.as_str()) && !excused.contains_key(r.id.as_str())).collect();
    let stale: Vec<_> = excused.keys().filter(|id| judged.contains(**id) || rules.get(id).is_none()).collect();
    for rule in &open {
        text::line(&format!("no case and no reason: {} ({}, {})", rule.id, rule.role, rule.level));
    }
    for id in &stale {
        text::line(&format!("excused though it has a case, or is no rule: {id}"));
    }
    let variants: usize = suites.cases.iter().map(|c| c.each.len().max(1)).sum();
    text::line(&format!(
        "{} cases with {variants} runs judge {} of {} rules; {} are excused with a reason, {} have neither",
        suites.cases.len(),
        judged.len(),
        rules.len(),
        excused.len(),
        open.len()
    ));
    if open.is_empty() && stale.is_empty() { OK } else { FINDINGS }
}

/// Ids of all rules that some case judges.
fn judged(suites: &Suites) -> BTreeSet<&str> {
    suites.cases.iter().flat_map(|case| case.rules()).collect()
}

fn table(rules: &Rules, judged: &BTreeSet<&str>, excused: &BTreeMap<&str, &str>) {
    text::line(&format!(
        "{:22} {:>10} {:>6} {:>7} {:>8} {:>8}",
        "role", "level", "rules", "judged", "excused", "neither"
    ));
    let mut rows: BTreeMap<(Role, String), [usize; 4]> = BTreeMap::new();
    for rule in rules.iter() {
        let row = rows.entry((rule.role, rule.level.to_string())).or_default();
        let id = rule.id.as_str();
        row[0] += 1;
        row[1] += usize::from(judged.contains(id));
        row[2] += usize::from(excused.contains_key(id) && !judged.contains(id));
        row[3] += usize::from(!excused.contains_key(id) && !judged.contains(id));
    }
    for ((role, level), [all, judged, excused, open]) in rows {
        text::line(&format!("{:22} {level:>10} {all:>6} {judged:>7} {excused:>8} {open:>8}", role.to_string()));
    }
}
