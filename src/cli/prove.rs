//! `authspec prove`: every fault against every case, and whether the matrix is what the case files say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use authspec::prove::{self, News, Proof};
use authspec::run::Material;
use authspec::suite::Suites;
use fixtures::Fault;

use super::{FINDINGS, OK, ProveArgs, USAGE, globs, material, text};

/// Proves and gives the exit code.
pub fn main(args: &ProveArgs) -> u8 {
    let faults = match selected(&args.fault) {
        Ok(faults) => faults,
        Err(reason) => {
            text::error(&reason);
            return USAGE;
        }
    };
    let (suites, rules) = match material(&args.suite) {
        Ok(material) => material,
        Err(code) => return code,
    };
    let suites = match cases(suites.into_owned(), &args.only) {
        Ok(suites) => suites,
        Err(reason) => {
            text::error(&reason);
            return USAGE;
        }
    };
    let material = Material { suites: &suites, rules: &rules };
    let whole = args.fault.is_empty();
    // Of all faults those that have to do with the chosen cases: others turn other cases red, which were not tried.
    let concerns = |proof: &Proof| !whole || args.only.is_empty() || proof.caught() || !proof.missed.is_empty();
    let mut tell = |news: News<'_>| match news {
        News::Stage(stage) => text::remark(stage),
        News::Proof(proof) if concerns(proof) => text::line(&row(proof)),
        News::Proof(_) => {}
    };
    match prove::prove(faults, material, PARALLEL, args.every_case, &mut tell) {
        Err(error) => {
            text::error(&format!("a reference deployment cannot be started: {error}"));
            USAGE
        }
        Ok((healthy, mut proofs)) => {
            if let Some(dir) = &args.bless {
                bless(dir, &suites, &proofs);
            }
            proofs.retain(concerns);
            summary(&suites, &healthy, &proofs, whole)
        }
    }
}

/// The suites, without the cases that are not asked for.
fn cases(mut suites: Suites, patterns: &[String]) -> Result<Suites, String> {
    if patterns.is_empty() {
        return Ok(suites);
    }
    let globs = globs(patterns)?;
    suites.cases.retain(|case| globs.is_match(&case.id) || globs.is_match(&case.area));
    if suites.cases.is_empty() { Err("no case was selected: see `authspec list`".into()) } else { Ok(suites) }
}

fn selected(patterns: &[String]) -> Result<Vec<&'static Fault>, String> {
    let globs = globs(patterns)?;
    let faults: Vec<_> = fixtures::catalogue().iter().filter(|f| patterns.is_empty() || globs.is_match(f.id)).collect();
    if faults.is_empty() { Err("no fault is called so: see `authspec list --faults`".into()) } else { Ok(faults) }
}

/// One line of the matrix.
fn row(proof: &Proof) -> String {
    let mark = if proof.exact() { "ok   " } else { "WRONG" };
    let red: Vec<&str> = proof.reds.red.keys().map(String::as_str).collect();
    let mut parts = vec![format!("{mark} {:44} {} red", proof.fault.id, red.len())];
    let mut add = |label: &str, ids: &[String]| {
        if !ids.is_empty() {
            parts.push(format!("{label}: {}", ids.join(", ")));
        }
    };
    add("missed", &proof.missed);
    add("beside its list", &proof.beside);
    add("in error", &proof.reds.errors.keys().cloned().collect::<Vec<_>>());
    add("not judged at all", &proof.reds.not_started.iter().cloned().collect::<Vec<_>>());
    if !proof.caught() {
        add("UNCAUGHT; blocked", &proof.reds.blocked.keys().take(5).cloned().collect::<Vec<_>>());
        if proof.reds.blocked.is_empty() {
            parts.push("UNCAUGHT".into());
        }
    }
    parts.join("; ")
}

fn summary(suites: &Suites, healthy: &prove::Reds, proofs: &[Proof], whole: bool) -> u8 {
    let mut bad = 0;
    let mut complain = |text: String| {
        bad += 1;
        text::line(&text);
    };
    for case in healthy.red.keys().chain(healthy.blocked.keys()).chain(healthy.errors.keys()) {
        complain(format!("the healthy reference turns {case} red"));
    }
    if let Some(reason) = &healthy.not_started {
        complain(format!("the healthy reference could not be judged: {reason}"));
    }
    let caught: BTreeSet<&String> = proofs.iter().flat_map(|p| p.reds.red.keys()).collect();
    if whole {
        for case in suites.cases.iter().filter(|c| !caught.contains(&c.id)) {
            complain(format!("unproved: no fault turns {} red", case.id));
        }
    }
    let uncaught = proofs.iter().filter(|p| !p.caught()).count();
    let inexact = proofs.iter().filter(|p| p.caught() && !p.exact()).count();
    text::line(&format!(
        "{} faults: {} exact, {inexact} inexact, {uncaught} uncaught; {} of {} cases proved",
        proofs.len(),
        proofs.iter().filter(|p| p.exact()).count(),
        caught.len(),
        suites.cases.len()
    ));
    if bad + uncaught + inexact == 0 { OK } else { FINDINGS }
}

/// Writes the `faults` line of each case file as the matrix shows it.
fn bless(dir: &Path, suites: &Suites, proofs: &[Proof]) {
    let proved: BTreeSet<&str> = proofs.iter().map(|p| p.fault.id).collect();
    let mut turned: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for proof in proofs {
        for case in proof.reds.red.keys() {
            turned.entry(case.as_str()).or_default().insert(proof.fault.id);
        }
    }
    for case in &suites.cases {
        let mut faults: BTreeSet<&str> = turned.get(case.id.as_str()).cloned().unwrap_or_default();
        // What was not proved in this run stays as it is.
        faults.extend(case.faults.iter().map(String::as_str).filter(|f| !proved.contains(f)));
        let old: BTreeSet<&str> = case.faults.iter().map(String::as_str).collect();
        if old != faults {
            let path = dir.join(format!("{}.toml", case.id));
            match rewrite(&path, &faults) {
                Ok(()) => text::remark(&format!("wrote the faults of {}", path.display())),
                Err(error) => text::error(&format!("{} cannot be rewritten: {error}", path.display())),
            }
        }
    }
}

/// Replaces the (possibly many-lined) value of `faults` in a case file, or adds it behind the title.
fn rewrite(path: &Path, faults: &BTreeSet<&str>) -> std::io::Result<()> {
    let text = std::fs::read_to_string(path)?;
    let list: Vec<String> = faults.iter().map(|f| format!("\"{f}\"")).collect();
    let one = format!("faults = [{}]", list.join(", "));
    let value = if one.len() <= 110 { one } else { format!("faults = [\n  {},\n]", list.join(",\n  ")) };
    let mut out = Vec::new();
    let mut lines = text.lines();
    let mut done = false;
    while let Some(line) = lines.next() {
        if !done && line.starts_with("faults") {
            let mut last = line;
            while !last.contains(']') {
                last = lines.next().unwrap_or("]");
            }
            out.push(value.clone());
            done = true;
        } else if !done && line.starts_with("[[step]]") {
            while out.last().is_some_and(String::is_empty) {
                out.pop();
            }
            out.push(value.clone());
            out.push(String::new());
            out.push(line.to_owned());
            done = true;
        } else {
            out.push(line.to_owned());
        }
    }
    std::fs::write(path, out.join("\n") + "\n")
}

/// Deployments at once: signing and parsing keep two cores busy.
const PARALLEL: usize = 6;
