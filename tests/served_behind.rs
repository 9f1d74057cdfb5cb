//! The references that take the tokens of an issuer, each in a process of its own: judged by their profiles, and tried by hand.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

const AUTHSPEC: &str = env!("CARGO_BIN_EXE_authspec");

/// A profile of `fixtures/profiles`, run with this binary in place of the one in the search path.
fn run(name: &str, more: &str, only: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let shipped = format!("{}/fixtures/profiles/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(shipped).expect("the profile is there");
    let text =
        text.replace("\"authspec\"", &format!("\"{AUTHSPEC}\"")).replace("\"{idp}\"", &format!("\"{{idp}}\"{more}"));
    let file = folder.path().join("profile.toml");
    std::fs::write(&file, text).expect("a file of the test");
    let mut command = Command::new(AUTHSPEC);
    command.arg("run").arg(&file).args(["--mcp-version", "2026-07-28"]);
    let output = command.args(only.iter().flat_map(|only| ["--only", only])).output().expect("it runs");
    (output.status.code(), text_of(&[output.stdout, output.stderr].concat()))
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_api_is_green_by_its_profile() {
    let only =
        ["resource/audience-*", "resource/introspected-*", "resource/scope*", "resource/tenant-*", "resource/ro*"];
    let (code, said) = run("scoped-api", "", &only);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 blocked,") && said.contains("0 failed,"), "{said}");
    let (code, said) = run("scoped-api", ", \"--fault\", \"api.audience-prefix\"", &["resource/audience-*"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("rs.token-audience-near-miss"), "{said}");
}

#[test]
fn the_gateway_is_green_by_its_profile() {
    let (code, said) = run("exchange-gateway", "", &["gateway/*"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 blocked,") && said.contains("0 failed,"), "{said}");
    let fault = ", \"--fault\", \"gateway.token-passthrough\"";
    let (code, said) = run("exchange-gateway", fault, &["gateway/token-of-the-caller-stays"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("rs.no-token-passthrough"), "{said}");
}

#[test]
fn what_serve_tells_leads_to_a_token_that_is_served() {
    for name in ["scoped-api", "exchange-gateway"] {
        let served = Served::start(&[name]);
        let line = served.told.lines().find_map(|line| line.split_once("authspec mint ")).expect("a line to run").1;
        let mint = |more: &[&str]| {
            let arguments = ["mint"].into_iter().chain(line.split_whitespace()).chain(more.iter().copied());
            Command::new(AUTHSPEC).args(arguments).output().expect("it runs")
        };
        let status = |minted: Output| {
            assert_eq!(minted.status.code(), Some(0), "{}", text_of(&minted.stderr));
            served.status(text_of(&minted.stdout).trim())
        };
        assert_eq!(status(mint(&[])), 200, "{name}");
        assert_eq!(status(mint(&["--claim", "exp=-1h"])), 401, "{name}");
        assert_eq!(status(mint(&["--opaque"])), if name == "scoped-api" { 200 } else { 401 }, "{name}");
        let profile = format!("authspec run fixtures/profiles/{name}.toml");
        assert!(served.told.contains(&profile), "{}", served.told);
        assert!(
            name != "scoped-api" || served.told.contains("0b9c6f5e-6d1c-4c36-9f0b-8a4f4b0d7a11"),
            "{}",
            served.told
        );
    }
}

#[test]
fn who_has_another_issuer_is_told_of_no_token_that_cannot_be_had() {
    let served = Served::start(&["scoped-api", "--upstream", "http://127.0.0.1:9/gone"]);
    assert!(!served.told.contains("authspec mint") && served.told.contains("api://scoped-api"), "{}", served.told);
}

/// `authspec serve`, killed with the value.
struct Served {
    child: Child,
    url: String,
    /// What it said before it was ready.
    told: String,
}

impl Served {
    fn start(args: &[&str]) -> Self {
        let errors = tempfile::NamedTempFile::new().expect("a file");
        let mut command = Command::new(AUTHSPEC);
        command.arg("serve").args(args).stdout(Stdio::piped()).stderr(errors.reopen().expect("a file"));
        let mut child = command.spawn().expect("it starts");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("it was piped")).read_line(&mut url).expect("a line");
        let told = std::fs::read_to_string(errors.path()).expect("what it said");
        Self { child, url: url.trim().trim_start_matches("READY ").to_owned(), told }
    }

    /// What an MCP request with this token is answered.
    fn status(&self, token: &str) -> u16 {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let request = reqwest::Client::new().post(&self.url).header("content-type", "application/json");
        let request = request.bearer_auth(token).body(body);
        runtime.block_on(request.send()).expect("an answer").status().as_u16()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
