//! `authspec merge DIR... -o DIR`: reports of shards or of several targets as one.

use std::path::Path;

use authspec::report::{self, Report};

use super::{MergeArgs, OK, USAGE, text};

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
    let Some(merged) = report::merge(reports) else {
        text::error("there is nothing to merge: name at least one report folder");
        return USAGE;
    };
    match report::write_dir(&args.output, &merged) {
        Ok(_) => {
            text::line(&format!("{} results in {}", merged.results.len(), args.output.display()));
            OK
        }
        Err(error) => {
            text::error(&error.to_string());
            USAGE
        }
    }
}

/// A report from a folder that `--report` wrote, or from a `report.json`.
pub fn read(path: &Path) -> Result<Report, String> {
    let file = if path.is_dir() { path.join("report.json") } else { path.to_owned() };
    let text =
        std::fs::read_to_string(&file).map_err(|e| format!("the report {} cannot be read: {e}", file.display()))?;
    Report::from_json(&text).map_err(|e| format!("{} is no report: {e}", file.display()))
}
