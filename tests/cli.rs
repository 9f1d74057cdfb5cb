//! The command line as a user meets it: exit codes, messages, files.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn authspec(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_authspec")).args(args).env_remove("COLUMNS").output().expect("the binary runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server that answers every request with the same bytes, until the test ends.
fn answering(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(response.as_bytes());
        }
    });
    url
}

#[test]
fn the_reference_is_green() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let run = authspec(&["run", "--report", out]);
    let text = stdout(&run);
    assert_eq!(run.status.code(), Some(0), "{text}{}", stderr(&run));
    assert!(text.contains("0 failed") && text.contains("0 blocked"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours when piped");
    assert!(text.lines().all(|l| l.chars().count() <= 100), "nothing wider than 100 columns");
    for file in ["junit.xml", "report.json", "snapshot.txt"] {
        assert!(Path::new(out).join(file).exists(), "{file} is written");
    }
    let report = std::fs::read_to_string(Path::new(out).join("report.json")).expect("a report");
    for secret in ["alice-password", "mallory-password", "\"eyJ"] {
        assert!(!report.contains(secret), "{secret} stands in report.json");
    }
}

#[test]
fn one_case_can_be_repeated() {
    let run = authspec(&["run", "--only", "token/code-one-time", "--format", "quiet"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", stdout(&run), stderr(&run));
}

#[test]
fn no_case_selected_is_a_usage_error() {
    let run = authspec(&["run", "--only", "tokken/*"]);
    assert_eq!(run.status.code(), Some(4), "{}", stderr(&run));
    assert!(stderr(&run).contains("no case was selected"));
}

#[test]
fn a_url_where_nobody_listens_is_said_so() {
    let run = authspec(&["run", "http://127.0.0.1:1/mcp"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    let text = stderr(&run);
    assert!(text.contains("does not answer") && text.contains("Is the server running"), "{text}");
}

#[test]
fn a_server_without_oauth_is_said_so() {
    let url = answering(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 36\r\nconnection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
    );
    let run = authspec(&["run", &url]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("without a token"), "{}", stderr(&run));
}

#[test]
fn html_in_place_of_json_is_said_so() {
    let url = answering(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>",
    );
    let run = authspec(&["run", &url]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("Check the URL"), "{}", stderr(&run));
}

#[test]
fn a_wrong_target_is_a_usage_error() {
    for target in ["nonsense", "missing.toml", "ftp://127.0.0.1/mcp"] {
        let run = authspec(&["run", target]);
        assert_eq!(run.status.code(), Some(4), "{target}: {}", stderr(&run));
        assert!(stderr(&run).contains("error"), "{}", stderr(&run));
    }
}

#[test]
fn a_profile_with_a_typo_shows_the_line_and_the_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "[target]\nmcp-urll = \"http://127.0.0.1:1/mcp\"\n").expect("a file");
    let run = authspec(&["run", file.to_str().expect("UTF-8")]);
    assert_eq!(run.status.code(), Some(4), "{}", stderr(&run));
    let text = stderr(&run);
    assert!(text.contains("mcp-urll") && text.contains("mcp-url") && text.contains('^'), "{text}");
}

#[test]
fn a_missing_environment_variable_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    let text = "[target]\nmcp-url = \"https://mcp.example.com/mcp\"\n[registration]\nhow = \"preset\"\nclient-id = \"a\"\nclient-secret = { env = \"AUTHSPEC_NOT_SET\" }\n";
    std::fs::write(&file, text).expect("a file");
    let run = authspec(&["run", file.to_str().expect("UTF-8")]);
    assert_eq!(run.status.code(), Some(4), "{}", stderr(&run));
    assert!(stderr(&run).contains("AUTHSPEC_NOT_SET"), "{}", stderr(&run));
}

#[test]
fn an_unwritable_report_folder_is_found_before_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let run = authspec(&["run", "--report", file.join("out").to_str().expect("UTF-8")]);
    assert_eq!(run.status.code(), Some(4), "{}", stderr(&run));
    assert!(stderr(&run).contains("cannot be written"), "{}", stderr(&run));
}

#[test]
fn a_wrong_case_file_has_its_own_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("token")).expect("a folder");
    std::fs::write(folder.path().join("token/wrong.toml"), "title = \"x\"\n[[step]]\ntokn = {}\n").expect("a file");
    let path = folder.path().to_str().expect("UTF-8");
    for args in [&["lint", path][..], &["run", "--suites", path][..]] {
        let run = authspec(args);
        assert_eq!(run.status.code(), Some(3), "{args:?}: {}", stderr(&run));
        assert!(stderr(&run).contains("tokn"), "{}", stderr(&run));
    }
}

#[test]
fn unknown_ids_come_with_the_nearest_one() {
    let run = authspec(&["explain", "token.code-one-tim"]);
    assert_eq!(run.status.code(), Some(4));
    assert!(stderr(&run).contains("token.code-one-time"), "{}", stderr(&run));
    let run = authspec(&["serve", "serverr"]);
    assert_eq!(run.status.code(), Some(4));
    assert!(stderr(&run).contains("did you mean") || stderr(&run).contains("Did you mean"), "{}", stderr(&run));
}

#[test]
fn every_rule_has_a_case_or_a_reason() {
    let run = authspec(&["coverage"]);
    assert_eq!(run.status.code(), Some(0), "{}", stdout(&run));
}

#[test]
fn the_snapshot_tells_a_drift() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("reference.snap");
    let file = file.to_str().expect("UTF-8");
    let only = ["run", "--only", "discovery/*", "--format", "quiet", "--snapshot", file];
    assert_eq!(authspec(&only).status.code(), Some(1), "there is none yet");
    assert_eq!(authspec(&[&only[..], &["--bless"]].concat()).status.code(), Some(0));
    assert_eq!(authspec(&only).status.code(), Some(0), "another run, other ports, the same snapshot");
    let text = std::fs::read_to_string(file).expect("a snapshot").replacen("pass", "fail", 1);
    std::fs::write(file, text).expect("a snapshot");
    let drifted = authspec(&only);
    assert_eq!(drifted.status.code(), Some(1));
    assert!(stdout(&drifted).contains("DRIFT"), "{}", stdout(&drifted));
}

#[test]
fn bad_arguments_are_usage_errors() {
    for args in [
        &["run", "--mcp-version", "2024-01-01"][..],
        &["run", "--shard", "3/2"],
        &["run", "--only", "[a"],
        &["frobnicate"],
    ] {
        let run = authspec(args);
        assert_eq!(run.status.code(), Some(4), "{args:?}: {}", stderr(&run));
    }
}
