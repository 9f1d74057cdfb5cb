//! A client under test is a program: it is started against a server of ours for each step that drives it.

#[path = "common/command.rs"]
mod command;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::Output;
use std::thread;
use std::time::Duration;

use command::{authspec, stderr, stdout};

/// Judges the program of this command line.
fn judged(command: &[&str], more: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("client.toml");
    let words: Vec<String> = command.iter().map(|word| format!("{word:?}")).collect();
    let profile =
        format!("[target]\nroles = [\"client\"]\n\n[launch]\ncommand = [{}]\ntimeout = \"20s\"\n", words.join(", "));
    std::fs::write(&file, profile).expect("the profile can be written");
    authspec(&[&["run", file.to_str().expect("UTF-8")], more].concat())
}

const REFERENCE: &[&str] = &[env!("CARGO_BIN_EXE_authspec"), "reference-client", "{url}"];
const SOME: &[&str] = &["--only", "client/pkce", "--only", "client/state*", "--only", "client/step-up"];

#[test]
fn a_healthy_program_passes() {
    let run = judged(REFERENCE, SOME);
    assert_eq!(run.status.code(), Some(0), "{}{}", stdout(&run), stderr(&run));
    let said = stdout(&run);
    assert!(said.contains("0 failed, 0 warnings, ") && !said.contains(" 0 passed"), "{said}");
}

#[test]
fn a_broken_one_does_not() {
    let run = judged(&[REFERENCE, &["--fault", "client.pkce-plain"]].concat(), SOME);
    assert_eq!(run.status.code(), Some(1), "{}", stdout(&run));
    assert!(stdout(&run).contains("client.pkce-s256"), "{}", stdout(&run));
}

#[test]
fn what_does_not_come_to_be_served_is_told_with_its_way() {
    let run = judged(&["echo", "no such option"], SOME);
    assert_eq!(run.status.code(), Some(2), "{}", stdout(&run));
    let said = stderr(&run);
    assert!(said.contains("ended with exit code 0") && said.contains("it asked for nothing there"), "{said}");
    assert!(said.contains("no such option"), "{said}");
    let killed = judged(&["sh", "-c", "kill -SEGV $$", "{url}"], SOME);
    assert!(stderr(&killed).contains("the client was ended by signal 11"), "{}", stderr(&killed));
    let lost = judged(&[REFERENCE, &["--fault", "client.token-read", "--fault", "client.iss-demanded"]].concat(), SOME);
    assert_eq!(lost.status.code(), Some(0), "neither is met by an honest server: {}", stderr(&lost));
}

#[test]
fn a_profile_without_a_program_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("client.toml");
    std::fs::write(&file, "[target]\nroles = [\"client\"]\n").expect("the profile can be written");
    let run = authspec(&["run", file.to_str().expect("UTF-8")]);
    assert_eq!(run.status.code(), Some(4), "{}", stdout(&run));
    assert!(stderr(&run).contains("section [launch]"), "{}", stderr(&run));
}

/// Answers one request with these lines, and gives back the first line of it.
fn answer_once(listener: &TcpListener, lines: &str) -> String {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut buffer = [0; 2048];
    let read = stream.read(&mut buffer).expect("a request");
    stream
        .write_all(format!("HTTP/1.1 {lines}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
        .expect("sent");
    String::from_utf8_lossy(&buffer[..read]).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_browser_waits_for_the_client_to_listen() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port_of =
        |listener: &TcpListener| listener.local_addr().map(|address: SocketAddr| address.port()).expect("a port");
    let place = port_of(&server);
    // Free for a moment: the client takes it late.
    let client = port_of(&TcpListener::bind("127.0.0.1:0").expect("a port"));
    let asked = thread::spawn(move || {
        answer_once(&server, &format!("302 Found\r\nlocation: http://localhost:{client}/callback?code=1"));
        thread::sleep(Duration::from_millis(300));
        answer_once(&TcpListener::bind(("127.0.0.1", client)).expect("the port of the client"), "200 OK")
    });
    let run = authspec(&["browse", &format!("http://127.0.0.1:{place}/authorize")]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert_eq!(asked.join().expect("both were asked"), "GET /callback?code=1 HTTP/1.1");
    let far = authspec(&["browse", "http://example.com/"]);
    assert_eq!(far.status.code(), Some(4), "{}", stderr(&far));
}
