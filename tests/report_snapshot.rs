//! `snapshot.txt` and the committed snapshot it is compared with.

#[path = "common/report_sample.rs"]
mod sample;

use std::fs;
use std::path::Path;

use authspec::report::snapshot::{self, Drift};
use authspec::report::{Look, write_dir};
use insta::assert_snapshot;

#[test]
fn verdicts_and_documents() {
    assert_snapshot!(snapshot::render(&sample::everything()));
}

#[test]
fn what_changes_from_run_to_run_does_not_show() {
    let first = snapshot::render(&sample::everything());
    let mut other = sample::everything();
    other.duration_ms = 99;
    other.run.again = "authspec run http://127.0.0.1:4711/mcp".to_owned();
    other.documents.reverse();
    other.results.reverse();
    for document in &mut other.documents {
        let text = document.content.to_string().replace("127.0.0.1:3000", "127.0.0.1:4711").replace("c-81", "c-82");
        document.content = serde_json::from_str(&text).expect("JSON");
    }
    assert_eq!(snapshot::render(&other), first);
}

#[test]
fn insta_reads_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("target.snap");
    for report in [sample::everything(), sample::hostile()] {
        snapshot::bless(&file, &snapshot::render(&report)).expect("writable");
        let read = insta::Snapshot::from_file(&file).expect("the format of insta");
        assert_eq!(read.metadata().source(), Some("authspec"));
        assert!(read.metadata().description().is_some_and(|text| text.starts_with("verdicts and")));
        assert!(read.metadata().expression().is_some_and(|text| text.contains("127.0.0.1:<port>")));
        let text = read.as_text().expect("text").to_string();
        assert!(text.starts_with("target  localhost-<port>"), "{text}");
    }
}

#[test]
fn a_new_one_waits_for_review() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("deep/target.snap");
    let new = snapshot::render(&sample::spotless());
    let pending = dir.path().join("deep/target.snap.new");
    let outcome = snapshot::compare(&file, &new, &Look::plain()).expect("writable");
    assert_eq!(outcome, Drift::New { pending: pending.clone() });
    assert!(!file.exists());
    assert_eq!(fs::read_to_string(&pending).expect("pending"), new);
    snapshot::bless(&file, &new).expect("writable");
    assert!(!pending.exists(), "blessing removes the pending one");
    assert_eq!(snapshot::compare(&file, &new, &Look::plain()).expect("readable"), Drift::Same);
}

#[test]
fn drift_is_shown_and_waits_for_review() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("target.txt");
    let mut report = sample::everything();
    snapshot::bless(&file, &snapshot::render(&report)).expect("writable");
    report.results.retain(|result| result.case != "discovery/metadata");
    report.documents[0].content["scopes_supported"][0] = "admin\u{1b}[2J".into();
    let new = snapshot::render(&report);
    let outcome = snapshot::compare(&file, &new, &Look::plain()).expect("writable");
    let Drift::Drift { diff, pending } = outcome else { panic!("{outcome:?}") };
    assert_eq!(pending, dir.path().join("target.txt.new"));
    assert_eq!(fs::read_to_string(&pending).expect("pending"), new);
    assert_snapshot!(diff);
    snapshot::compare(&file, &snapshot::render(&sample::everything()), &Look::plain()).expect("readable");
    assert!(!pending.exists(), "a run without drift removes the pending one");
}

#[test]
fn line_ends_and_the_head_do_not_count() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("target.snap");
    let new = snapshot::render(&sample::spotless());
    let windows = new.replace("source: authspec", "source: elsewhere").replace('\n', "\r\n") + "\r\n";
    fs::write(&file, windows).expect("writable");
    assert_eq!(snapshot::compare(&file, &new, &Look::plain()).expect("readable"), Drift::Same);
}

#[test]
fn a_folder_gets_one_file_a_format() {
    let dir = tempfile::tempdir().expect("a folder");
    let written = write_dir(&dir.path().join("a/b"), &sample::everything()).expect("writable");
    let names: Vec<_> = written.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(names, ["junit.xml", "report.json", "snapshot.txt"]);
    let left = fs::read_dir(dir.path().join("a/b")).expect("readable").count();
    assert_eq!(left, names.len(), "no temporary file stays");
}

#[test]
fn a_folder_that_cannot_be_written_says_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("occupied");
    fs::write(&file, "").expect("writable");
    let half = dir.path().join("half");
    fs::create_dir_all(half.join("junit.xml")).expect("a folder where a file belongs");
    let error = write_dir(&half, &sample::spotless()).expect_err("one file cannot be written").to_string();
    assert!(
        error.contains("junit.xml") && half.join("report.json").exists() && half.join("snapshot.txt").exists(),
        "{error}"
    );
    let error = write_dir(&file, &sample::spotless()).expect_err("a file is no folder").to_string();
    assert!(error.starts_with(&format!("failed to create the folder {}: ", file.display())), "{error}");
    assert!(error.ends_with("make it writable or name another place"), "{error}");
    let error = snapshot::compare(Path::new("/"), "", &Look::plain()).expect_err("a folder is no file").to_string();
    assert!(error.starts_with("failed to read the snapshot /: "), "{error}");
}
