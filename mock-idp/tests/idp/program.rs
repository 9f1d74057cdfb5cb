//! The binary: `READY`, answers, and an end on request.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

#[tokio::test]
async fn it_says_ready_serves_and_ends_on_sigterm() {
    for signal in ["TERM", "INT"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_mock-idp"))
            .args(["--control", "--auto-approve"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(program.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let url = line.trim().strip_prefix("READY ").expect("READY URL").to_owned();
        let answer = reqwest::get(format!("{url}/corp/.well-known/openid-configuration")).await.expect("an answer");
        assert!(answer.text().await.expect("a body").contains(&format!("\"issuer\":\"{url}/corp\"")));
        let kill = Command::new("kill").args(["-s", signal, &program.id().to_string()]).status();
        assert!(kill.expect("a kill").success());
        assert!(program.wait().expect("an end").success(), "SIG{signal}");
    }
}
