//! The case language explained: the page for authors, its worked example, and the built-in suites hold what lint demands.

use std::fs;
use std::path::Path;

use authspec::diag::{Diagnostic, Source, render};
use authspec::rule::Rules;
use authspec::suite::{File, Options, Suites, markdown};

/// Everything below `tests/right-cases` is in order, and together uses every part of the language.
#[test]
fn right_cases_are_accepted() {
    let suites = Suites::load(Path::new("tests/right-cases"), Rules::embedded()).unwrap_or_else(complain);
    assert!(!suites.cases.is_empty());
}

#[test]
fn built_in_suites_are_accepted() {
    let suites = Suites::built_in().unwrap_or_else(|slips| panic!("{}", render(slips, false)));
    assert!(!suites.cases.is_empty());
}

#[test]
fn built_in_suites_on_disk_are_those_of_the_binary() {
    let on_disk = Suites::load(Path::new("suites"), Rules::embedded()).unwrap_or_else(complain);
    let ids = |suites: &Suites| suites.cases.iter().map(|case| case.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&on_disk), ids(Suites::embedded()), "rebuild: the binary does not hold what lies in suites/");
}

/// Whatever an author's half-written file looks like, it is answered by complaints and never by a crash.
#[test]
fn broken_files_are_explained() {
    let whole = fs::read_to_string(EVERY_CLAUSE).expect("a right case");
    let places = || whole.char_indices().map(|(at, _)| at).step_by(7);
    let cut = places().map(|at| whole[..at].to_owned());
    let dented = places().map(|at| format!("{}{}", &whole[..at], whole[at..].replacen(['"', '=', '{', ']'], "", 1)));
    let mut explained = 0;
    for text in cut.chain(dented) {
        let source = Source::new("half.toml", text);
        let file = File { id: "half".into(), area: "half".into(), source };
        if let Err(slips) = Suites::read(&[file], Rules::embedded(), Options::default()) {
            assert!(slips.iter().all(|slip| slip.span.end <= slip.source.text.len()));
            assert!(!render(&slips, false).is_empty());
            explained += 1;
        }
    }
    assert!(explained > 100, "{explained}");
}

#[test]
fn line_ends_of_windows_and_a_mark_at_the_start_are_no_slip() {
    let whole = fs::read_to_string(EVERY_CLAUSE).expect("a right case");
    for text in [whole.replace('\n', "\r\n"), format!("\u{feff}{whole}")] {
        let source = Source::new("windows.toml", text);
        let file = File { id: "windows".into(), area: "windows".into(), source };
        Suites::read(&[file], Rules::embedded(), Options::default()).unwrap_or_else(complain);
    }
}

/// The tables of `suites/README.md` are made from the code; `BLESS=1` rewrites them.
#[test]
fn readme_holds_the_tables() {
    let readme = fs::read_to_string(README).expect("the page for authors");
    let (head, _) = readme.split_once(MARK).expect("the mark above the tables");
    let wanted = format!("{head}{MARK}\n\n{}", markdown());
    if std::env::var_os("BLESS").is_some() {
        fs::write(README, &wanted).expect("the page for authors is writable");
    } else {
        assert!(readme == wanted, "{README} is out of date: BLESS=1 cargo test --test case_language");
    }
}

/// The worked example of the page is a case that lint accepts, word for word.
#[test]
fn readme_holds_the_worked_example() {
    let readme = fs::read_to_string(README).expect("the page for authors");
    let example = fs::read_to_string(EXAMPLE).expect("the worked example");
    assert!(readme.contains(&format!("```toml\n{example}```")), "{README} does not show {EXAMPLE}");
}

fn complain(slips: Vec<Diagnostic>) -> Suites {
    panic!("{}", render(&slips, false))
}

const README: &str = "suites/README.md";
const EXAMPLE: &str = "tests/right-cases/example/refresh-token-rotates.toml";
const EVERY_CLAUSE: &str = "tests/right-cases/example/every-clause.toml";
const MARK: &str = "<!-- Made from the code: BLESS=1 cargo test --test case_language -->";
