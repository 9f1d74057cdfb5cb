//! Holds the layers of `docs/architecture.md`: a module uses lower layers only, and siblings do not know each other.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer, lowest first.
const LAYERS: &[&[&str]] = &[
    &["diag", "fact"],
    &["oauth", "rule", "transcript"],
    &["suite", "target", "wire"],
    &["step", "judge"],
    &["event"],
    &["run", "report"],
    &["acceptance", "inspect", "prove", "reference"],
];

/// The top layer may use its own members: they are ways in, not parts.
const TOP: usize = 6;

#[test]
fn modules_use_lower_layers_only() {
    let mut wrong = Vec::new();
    for (layer, modules) in LAYERS.iter().enumerate() {
        for module in *modules {
            for file in files(module) {
                let text = fs::read_to_string(&file).expect("a source file");
                for (number, line) in text.lines().enumerate() {
                    for used in uses(line) {
                        let Some(its) = LAYERS.iter().position(|l| l.contains(&used.as_str())) else { continue };
                        let own = used == **module;
                        let lower = its < layer || layer == TOP && its == TOP;
                        if !own && !lower {
                            wrong.push(format!(
                                "{}:{}: `{module}` (layer {layer}) uses `{used}` (layer {its})",
                                file.display(),
                                number + 1
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_layer() {
    let lib = fs::read_to_string("src/lib.rs").expect("the crate root");
    for line in lib.lines().filter_map(|l| l.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        assert!(LAYERS.iter().any(|l| l.contains(&module)), "module `{module}` has no layer in tests/layers.rs");
    }
}

#[test]
fn the_judged_side_knows_nothing_of_the_harness() {
    for manifest in ["mock-idp/Cargo.toml", "fixtures/Cargo.toml"] {
        let text = fs::read_to_string(manifest).expect("a manifest");
        assert!(!text.contains("authspec"), "{manifest} depends on the harness");
    }
}

#[test]
fn only_the_command_line_reads_the_environment() {
    let mut wrong = Vec::new();
    for module in LAYERS.iter().flat_map(|l| l.iter()).filter(|m| **m != "acceptance") {
        for file in files(module) {
            let text = fs::read_to_string(&file).expect("a source file");
            if text.contains("env::var") {
                wrong.push(file.display().to_string());
            }
        }
    }
    assert!(wrong.is_empty(), "these read the environment: {}", wrong.join(", "));
}

#[test]
fn files_stay_small() {
    let mut large = Vec::new();
    for root in ["src", "fixtures/src", "mock-idp/src"] {
        for file in walk(Path::new(root)) {
            let lines = fs::read_to_string(&file).expect("a source file").lines().count();
            if lines > 600 {
                large.push(format!("{} has {lines} lines", file.display()));
            }
        }
    }
    assert!(large.is_empty(), "{}", large.join("\n"));
}

/// Modules of this crate that a line names by `crate::`.
fn uses(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let names = code.match_indices("crate::").map(|(at, found)| &code[at + found.len()..]);
    let mut out = Vec::new();
    for rest in names {
        // `use crate::{a::B, c::D}` names several modules.
        let list = rest.strip_prefix('{').map_or(rest, |inner| inner.split('}').next().unwrap_or(inner));
        let parts = if rest.starts_with('{') { list.split(',').collect::<Vec<_>>() } else { vec![list] };
        out.extend(
            parts
                .into_iter()
                .map(|p| p.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()),
        );
    }
    out
}

fn files(module: &str) -> Vec<PathBuf> {
    let single = PathBuf::from(format!("src/{module}.rs"));
    if single.exists() { vec![single] } else { walk(Path::new(&format!("src/{module}"))) }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
        if entry.is_dir() {
            out.extend(walk(&entry));
        } else if entry.extension().is_some_and(|e| e == "rs") {
            out.push(entry);
        }
    }
    out
}
