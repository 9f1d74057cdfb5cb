//! The identity provider over https: a proxy that trusts its authority is judged like any other, from a profile.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const AUTHSPEC: &str = env!("CARGO_BIN_EXE_authspec");

/// The profile of `fixtures/profiles`, with this binary in place of the one in the search path.
fn profile(folder: &Path, more: &str) -> String {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/profiles/https-proxy.toml");
    let text = std::fs::read_to_string(shipped).expect("the profile is there");
    let text = text.replace("\"authspec\"", &format!("\"{AUTHSPEC}\"")).replace("\"{ca-file}\"", more);
    let file = folder.join("profile.toml");
    std::fs::write(&file, text).expect("a file of the test");
    file.display().to_string()
}

fn run(profile: &str, only: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(AUTHSPEC);
    command.args(["run", profile, "--mcp-version", "2026-07-28"]);
    let output = command.args(only.iter().flat_map(|only| ["--only", only])).output().expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn the_main_cases_are_green_over_https() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "\"{ca-file}\"");
    let only =
        ["proxy/tls-*", "proxy/consent-*", "proxy/state-*", "proxy/cookie-*", "proxy/identity-*", "proxy/upstream-*"];
    let (code, said) = run(&profile, &only);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 blocked,") && !said.contains("upstream-tls"), "{said}");
    let ca = std::fs::read_to_string(folder.path().join("https-proxy-ca.pem")).expect("it was written");
    assert!(ca.starts_with("-----BEGIN CERTIFICATE-----") && !ca.contains("PRIVATE"), "{ca}");
}

#[test]
fn a_proxy_that_verifies_nothing_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(folder.path(), "\"{ca-file}\", \"--fault\", \"https.certificate-unchecked\"");
    let (code, said) = run(&profile, &["proxy/tls-*"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("proxy.upstream-tls-verified"), "{said}");
}

#[test]
fn a_proxy_without_the_authority_is_told_apart_from_a_broken_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let stranger = folder.path().join("stranger.pem");
    let _idp = Served::start(&["idp", "--tls", &stranger.display().to_string()]);
    let profile = profile(folder.path(), &format!("\"{}\"", stranger.display()));
    let (code, said) = run(&profile, &["proxy/*"]);
    assert_eq!(code, Some(2), "{said}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("has to trust the certificate in upstream.ca-file"), "{said}");
}

#[test]
fn a_resource_server_is_held_to_it_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("api.toml");
    for (more, code) in [("", Some(0)), (", \"--fault\", \"api.certificate-unchecked\"", Some(1))] {
        std::fs::write(&file, API.replace("AUTHSPEC", AUTHSPEC).replace("MORE", more)).expect("a file of the test");
        let (ended, said) = run(&file.display().to_string(), &["resource/tls-introspection"]);
        assert_eq!(ended, code, "{said}");
        assert_eq!(said.contains("rs.outgoing-tls-verified"), code == Some(1), "{said}");
        assert!(code == Some(1) || said.contains("3 passed"), "{said}");
    }
}

/// The reference that takes the tokens of our provider, reached over https.
const API: &str = r#"
[target]
name = "api"
roles = ["resource-server"]

[launch]
command = ["AUTHSPEC", "serve", "scoped-api", "--upstream", "{idp}", "--upstream-ca", "{ca-file}"MORE]

[upstream]
listen = "127.0.0.1:0"
ca-file = "api-ca.pem"
issuer-path = "/idp"
client-id = "scoped-api"
client-secret = "scoped-api-secret-0123456789abcdef"

[token]
audience = "api://scoped-api"
scope-claim = "scp"
typ = "JWT"
claims = { tid = "0b9c6f5e-6d1c-4c36-9f0b-8a4f4b0d7a11" }

[scopes]
tool-read = { name = "echo", scopes = ["Notes.Read"], arguments = { text = "hello" } }
"#;

#[test]
fn the_provider_is_served_over_https_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    let idp = Served::start(&["idp", "--tls", &file.display().to_string()]);
    assert!(idp.url.starts_with("https://127.0.0.1:"), "{}", idp.url);
    let ca = reqwest::Certificate::from_pem(&std::fs::read(&file).expect("it was written")).expect("a certificate");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let url = format!("{}/.well-known/openid-configuration", idp.url);
        let trusting = reqwest::Client::builder().tls_certs_only([ca]).build().expect("a client");
        let document: serde_json::Value = {
            let answer = trusting.get(&url).send().await.expect("it is trusted");
            serde_json::from_str(&answer.text().await.expect("a document")).expect("JSON")
        };
        assert_eq!(document["issuer"], idp.url.as_str());
        let knowing_nobody = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
        assert!(knowing_nobody.get(&url).send().await.is_err());
        assert!(trusting.get(url.replace("https:", "http:")).send().await.is_err());
    });
}

/// `authspec serve`, killed with the value.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(args: &[&str]) -> Self {
        let mut child =
            Command::new(AUTHSPEC).arg("serve").args(args).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("it was piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let url = line.trim().trim_start_matches("READY ").to_owned();
        Self { child, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
