//! Case files that are wrong, each with what a person is told about it.
//!
//! `tests/wrong-cases/NAME.toml` (or a folder of that name, whose files are read together) has its complaint in
//! `NAME.txt`. `BLESS=1 cargo test --test wrong_cases` rewrites the complaints; review them like code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use authspec::diag::{Diagnostic, render};
use authspec::rule::Rules;
use authspec::suite::{CODES, Options, Suites, find};

#[test]
fn every_wrong_case_is_explained() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut drifted = Vec::new();
    for path in wrong_cases() {
        let shown = render(&complaints(&path), false);
        let golden = path.with_extension("txt");
        if bless {
            fs::write(&golden, &shown).expect("the golden is writable");
        } else if fs::read_to_string(&golden).unwrap_or_default() != shown {
            drifted.push(format!("--- {}\n{shown}", golden.display()));
        }
    }
    assert!(drifted.is_empty(), "BLESS=1 rewrites, after a look:\n{}", drifted.join("\n"));
}

#[test]
fn every_code_has_a_wrong_case() {
    let seen: BTreeSet<&str> = wrong_cases().iter().flat_map(|path| complaints(path)).map(|slip| slip.code).collect();
    let unseen: Vec<&str> = CODES.iter().map(|code| code.name).filter(|code| !seen.contains(code)).collect();
    assert!(unseen.is_empty(), "no file in tests/wrong-cases shows: {}", unseen.join(", "));
}

#[test]
fn slips_come_in_the_order_of_the_lines() {
    let slips = complaints(Path::new("tests/wrong-cases/five-slips.toml"));
    let lines: Vec<usize> = slips.iter().map(Diagnostic::line).collect();
    assert_eq!(lines.len(), 5);
    assert!(lines.is_sorted(), "{lines:?}");
}

#[test]
fn no_golden_is_left_over() {
    let entries = fs::read_dir(FOLDER).expect("the folder of wrong cases");
    let goldens = entries.map(|entry| entry.expect("readable").path()).filter(|path| ends_in(path, "txt"));
    let orphans: Vec<PathBuf> =
        goldens.filter(|path| !path.with_extension("toml").exists() && !path.with_extension("").exists()).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}

fn complaints(path: &Path) -> Vec<Diagnostic> {
    let built_in = path.file_stem().is_some_and(|name| name == "no-faults");
    let options = Options { require_faults: built_in };
    let read = find(path).and_then(|files| Suites::read(&files, Rules::embedded(), options));
    read.err().unwrap_or_else(|| panic!("{} is in order", path.display()))
}

/// The files and folders below `tests/wrong-cases`, in order of name.
fn wrong_cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).expect("the folder of wrong cases");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.is_dir() || ends_in(path, "toml"));
    paths.sort();
    paths
}

fn ends_in(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

const FOLDER: &str = "tests/wrong-cases";
