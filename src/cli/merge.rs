//! `authspec merge DIR... -o DIR`: reports of shards or of several targets as one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use authspec::event::Shard;
use authspec::report::{self, Report};

use super::{BLOCKED, MergeArgs, OK, USAGE, text};

/// Merges and gives the exit code.
pub fn main(args: &MergeArgs) -> u8 {
    let mut reports = Vec::new();
    for dir in &args.dirs {
        match read(dir) {
            Ok(report) => reports.push(report),
            Err(reason) => {
                text::error(&reason);
                return USAGE;
            }
        }
    }
    if let Some(case) = twice(&reports) {
        text::remark(&format!(
            "{case} is in more than one of the reports and counts more than once: is one of them named twice?"
        ));
    }
    let missing = missing(&reports);
    let Some(mut merged) = report::merge(reports) else {
        text::error("there is nothing to merge: name at least one report folder");
        return USAGE;
    };
    merged.run.problems.extend(missing.iter().cloned());
    match report::write_dir(&args.output, &merged) {
        Ok(_) => {
            let counts = merged.counts();
            text::line(&format!(
                "{} results in {}: {} failed, {} passed, {} blocked",
                merged.results.len(),
                args.output.display(),
                counts.fail,
                counts.pass,
                counts.blocked + counts.error
            ));
            missing.iter().for_each(|shard| text::error(shard));
            if missing.is_empty() { OK } else { BLOCKED }
        }
        Err(error) => {
            text::error(&error.to_string());
            USAGE
        }
    }
}

/// The shards of each target that are not among the reports, in sentences.
fn missing(reports: &[Report]) -> Vec<String> {
    let mut parts: BTreeMap<(&str, usize), BTreeSet<usize>> = BTreeMap::new();
    for report in reports {
        for shard in &report.run.shards {
            parts.entry((report.target.name.as_str(), shard.of)).or_default().insert(shard.number);
        }
    }
    let lost = parts.into_iter().flat_map(|((target, of), there)| {
        let lost = (1..=of).filter(move |number| !there.contains(number));
        lost.map(move |number| (target, Shard { number, of }))
    });
    lost.map(|(target, shard)| {
        format!("shard {shard} of {target} is not among the reports: its cases count for nothing")
    })
    .collect()
}

/// A case that two reports of one target have: shards share none.
fn twice(reports: &[Report]) -> Option<&str> {
    let mut known = BTreeSet::new();
    for report in reports {
        let cases: BTreeSet<(&str, &str)> =
            report.cases.iter().map(|info| (report.target.name.as_str(), info.case.as_str())).collect();
        if let Some(&(_, case)) = cases.iter().find(|case| known.contains(*case)) {
            return Some(case);
        }
        known.extend(cases);
    }
    None
}

/// A report from a folder that `--report` wrote, or from a `report.json`.
pub fn read(path: &Path) -> Result<Report, String> {
    let file = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
    let text =
        std::fs::read_to_string(&file).map_err(|e| format!("the report {} cannot be read: {e}", file.display()))?;
    Report::from_json(&text).map_err(|e| format!("{} is no report: {e}", file.display()))
}
