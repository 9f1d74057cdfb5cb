//! Tokens by hand as a user meets them: `authspec mint` and `authspec inspect`.

use std::io::Write;
use std::process::{Command, Output};

#[path = "common/command.rs"]
mod command;

use command::{authspec, stderr, stdout};

/// A running `authspec serve idp`, ended with the test.
struct Idp {
    child: std::process::Child,
    url: String,
}

impl Idp {
    fn start(more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_authspec"))
            .args(["serve", "idp"])
            .args(more)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
        let url = line.trim().strip_prefix("READY ").expect("READY URL").to_owned();
        Self { child, url }
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn inspect_from_stdin(token: &str, more: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_authspec"))
        .args(["inspect", "-"])
        .args(more)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("piped").write_all(token.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_minted_token_passes_inspection_and_a_forged_one_does_not() {
    let idp = Idp::start(&[]);
    let issuer = format!("{}/corp", idp.url);
    let aud = "https://mcp.example/mcp";
    let against = ["--issuer", issuer.as_str(), "--audience", aud];
    let mint = |more: &[&str]| {
        let base = ["mint", "--idp", issuer.as_str(), "--aud", aud, "--scope", "mcp:read"];
        let minted = authspec(&[&base, more].concat());
        assert_eq!(minted.status.code(), Some(0), "{}", stderr(&minted));
        let text = stdout(&minted);
        assert_eq!((text.lines().count(), text.matches('.').count()), (1, 2), "the token and nothing else: {text}");
        text.trim().to_owned()
    };
    for (more, code, said) in [
        (&[][..], 0, "the signature is that of the published key"),
        (&["--alg", "ES256"], 0, "the signature is that of the published key es256"),
        (&["--claim", "exp=-1h"], 1, "(rs.token-exp-enforced)"),
        (&["--sign", "foreign"], 1, "(rs.token-signature)"),
        (&["--sign", "none"], 1, "(rs.token-alg-none)"),
        (&["--claim", "aud=https://mcp.example/mcp/"], 1, "(rs.token-audience-near-miss)"),
        (&["--claim", "client_id=null"], 1, "(rs.token-required-claims)"),
        (&["--header", "typ=JWT"], 0, "(rs.token-typ)"),
        (&["--id-token"], 0, "typ is JWT"),
    ] {
        let token = mint(more);
        let seen = inspect_from_stdin(&format!("Authorization: Bearer {token}\n"), &against);
        let text = stdout(&seen);
        let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(seen.status.code(), Some(code), "{more:?}: {text}{}", stderr(&seen));
        assert!(unwrapped.contains(said), "{more:?}: {text}");
        let signature = token.rsplit('.').next().expect("three parts");
        assert!(signature.is_empty() || !text.contains(signature), "the signature is shown: {text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}

#[test]
fn what_cannot_be_inspected_or_minted_is_said_so() {
    let opaque = authspec(&["inspect", "gho_0123456789"]);
    assert_eq!(opaque.status.code(), Some(2), "nothing was checked: {}", stdout(&opaque));
    assert!(stdout(&opaque).contains("an opaque token of 14 characters") && !stdout(&opaque).contains("gho_"));
    let two = authspec(&["inspect", "secret-one", "secret-two"]);
    assert_eq!(two.status.code(), Some(4));
    assert!(!stderr(&two).contains("secret"), "{}", stderr(&two));
    assert_eq!(authspec(&["inspect"]).status.code(), Some(4));
    let nobody = authspec(&["inspect", "a.b.c.d.e", "--issuer", "http://127.0.0.1:1/x"]);
    assert_eq!(nobody.status.code(), Some(2), "{}", stderr(&nobody));
    assert!(stderr(&nobody).contains("no metadata of http://127.0.0.1:1/x"), "{}", stderr(&nobody));
    assert_eq!(authspec(&["mint"]).status.code(), Some(4));
    let nobody = authspec(&["mint", "--idp", "http://127.0.0.1:1/x"]);
    assert_eq!((nobody.status.code(), stdout(&nobody).as_str()), (Some(2), ""));
    let idp = Idp::start(&["--personality", "cognito"]);
    let wrong = authspec(&["mint", "--idp", &idp.url, "--alg", "HS256"]);
    assert_eq!(wrong.status.code(), Some(4));
    assert!(stderr(&wrong).contains("there are EdDSA"), "{}", stderr(&wrong));
    let slip = authspec(&["mint", "--idp", &idp.url, "--sign", "formr"]);
    assert_eq!((slip.status.code(), stdout(&slip).as_str()), (Some(4), ""));
    assert!(stderr(&slip).contains("did you mean `former`?"), "{}", stderr(&slip));
    let minted = authspec(&["mint", "--idp", &format!("{}/pool", idp.url)]);
    let seen = inspect_from_stdin(&stdout(&minted), &[]);
    assert!(stdout(&seen).contains("token_use") && stdout(&seen).contains("no aud"), "{}", stdout(&seen));
    assert_eq!(authspec(&["serve", "idp", "--personality", "entre"]).status.code(), Some(4));
}

#[test]
fn the_answer_of_a_token_endpoint_is_inspected_token_by_token() {
    let idp = Idp::start(&[]);
    let issuer = format!("{}/corp", idp.url);
    let mint = |more: &[&str]| {
        let minted = authspec(&[&["mint", "--idp", &issuer], more].concat());
        assert_eq!(minted.status.code(), Some(0), "{}", stderr(&minted));
        stdout(&minted).trim().to_owned()
    };
    let (access, id) = (mint(&["--aud", "https://mcp.example/mcp"]), mint(&["--id-token"]));
    let late = mint(&["--aud", "https://mcp.example/mcp", "--claim", "exp=-1h"]);
    let against = ["--issuer", issuer.as_str(), "--audience", "https://mcp.example/mcp"];
    let both = |access: &str| {
        let answer =
            serde_json::json!({ "access_token": access, "id_token": id, "refresh_token": "r-1", "expires_in": 60 });
        inspect_from_stdin(&serde_json::to_string_pretty(&answer).expect("JSON"), &against)
    };
    let seen = both(&access);
    let text = stdout(&seen);
    assert_eq!(seen.status.code(), Some(0), "the audience is asked of the access token alone: {text}{}", stderr(&seen));
    assert!(text.starts_with("access_token: an access token of RFC 9068") && text.contains("\nid_token: "), "{text}");
    assert!(!text.contains("r-1") && text.matches("the signature is that of").count() == 2, "{text}");
    assert_eq!(both(&late).status.code(), Some(1));
    assert_eq!(both("an-opaque-token").status.code(), Some(2));
    for (answer, told) in [
        (r#"{"error":"invalid_grant"}"#, "neither access_token nor id_token: it says error invalid_grant"),
        (r#"{"token":"x-secret"}"#, "neither access_token nor id_token"),
        (r#"{"access_token":7}"#, "access_token is no text"),
        (r#"{"access_token":"x-secret"#, "begins like JSON"),
    ] {
        let seen = inspect_from_stdin(answer, &[]);
        assert_eq!((seen.status.code(), stdout(&seen).as_str()), (Some(4), ""), "{answer}");
        assert!(stderr(&seen).contains(told) && !stderr(&seen).contains("x-secret"), "{answer}: {}", stderr(&seen));
    }
}

#[test]
fn a_file_in_place_of_a_token_is_told_how_it_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tok.txt");
    std::fs::write(&file, "an-opaque-token").expect("a file");
    let file = file.to_str().expect("UTF-8");
    let seen = authspec(&["inspect", file]);
    assert_eq!((seen.status.code(), stdout(&seen).as_str()), (Some(4), ""));
    assert!(stderr(&seen).contains(&format!("authspec inspect - < {file}")), "{}", stderr(&seen));
}

#[test]
fn an_opaque_token_says_nothing_and_its_issuer_knows_it() {
    let idp = Idp::start(&[]);
    let issuer = format!("{}/corp", idp.url);
    let minted =
        authspec(&["mint", "--idp", &issuer, "--opaque", "--aud", "https://mcp.example/mcp", "--claim", "tid=t1"]);
    assert_eq!(minted.status.code(), Some(0), "{}", stderr(&minted));
    let token = stdout(&minted).trim().to_owned();
    assert!(token.len() > 20 && !token.contains('.'), "{token}");
    let asked = reqwest::Client::new().post(format!("{issuer}/introspect")).basic_auth("my-server", Some("its-secret"));
    let asked = asked.header("content-type", "application/x-www-form-urlencoded").body(format!("token={token}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let said = runtime.block_on(async { asked.send().await.expect("an answer").text().await.expect("a body") });
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said["active"], &said["tid"]), (&true.into(), &"t1".into()), "{said}");
    for signed in
        [["--id-token", "--opaque"].as_slice(), &["--opaque", "--alg", "ES256"], &["--opaque", "--sign", "none"]]
    {
        let refused = authspec(&[&["mint", "--idp", &issuer], signed].concat());
        assert_eq!(refused.status.code(), Some(4), "{signed:?}");
    }
}

#[test]
fn secrets_among_claims_are_not_shown() {
    let idp = Idp::start(&[]);
    let mint = |more: &[&str]| stdout(&authspec(&[&["mint", "--idp", &idp.url], more].concat())).trim().to_owned();
    let inner = mint(&[]);
    let signature = inner.rsplit('.').next().expect("three parts").to_owned();
    let claims = [
        format!("access_token={inner}"),
        format!("aud={inner}"),
        format!("note=\"Bearer {inner}, for example\""),
        format!("act={{\"sub\":\"x\",\"assertion\":\"{inner}\"}}"),
        "client_secret=s3cr3t-one".to_owned(),
        "deep={\"userPassword\":\"s3cr3t-two\",\"tokens\":[\"s3cr3t-three\"]}".to_owned(),
        "text={\"a\":\"b\"}".to_owned(),
    ];
    let token = mint(&claims.iter().flat_map(|claim| ["--claim", claim]).collect::<Vec<_>>());
    let seen = inspect_from_stdin(&token, &["--audience", "https://mcp.example/mcp"]);
    let text = stdout(&seen).split_whitespace().collect::<String>();
    assert!(!text.contains(&signature) && !text.contains("s3cr3t"), "{}", stdout(&seen));
    assert!(
        text.contains("client_secret") && text.contains("eyJ") && text.contains(r#"{"a":"b"}"#),
        "{}",
        stdout(&seen)
    );
}

#[test]
fn a_token_in_the_wrong_place_is_not_repeated() {
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";
    for args in [&[token][..], &["run", token], &["inspect", token, "--issuer", token]] {
        let run = authspec(args);
        let told = stdout(&run) + &stderr(&run);
        assert!(!told.contains("c2lnbmF0dXJl") && !stderr(&run).contains("eyJzdWI"), "{args:?}: {told}");
    }
    let run = authspec(&["inspect", token, "--issuer", "http://user:geheim@127.0.0.1:9"]);
    assert!(!(stdout(&run) + &stderr(&run)).contains("geheim"));
    assert_eq!(run.status.code(), Some(2), "the issuer could not be asked");
    assert!(stdout(&run).contains("could not be asked"), "{}", stdout(&run));
    assert_eq!(authspec(&["inspect", "an-opaque-token"]).status.code(), Some(2), "nothing was checked");
    let run = authspec(&["mint", "--idp", "http://127.0.0.1:9", "--personality", "entra"]);
    assert_eq!(run.status.code(), Some(4), "{}", stderr(&run));
}
