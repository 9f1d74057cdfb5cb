//! Targets that a profile launches: ready, stopped, dead, silent.

use std::time::{Duration, Instant};

use authspec::target::{Profile, launch};

use super::read;

/// A profile that launches a shell script.
fn launching(script: &str, more: &str) -> Profile {
    let script = serde_json::Value::from(script);
    read(&format!("[launch]\ncommand = [\"sh\", \"-c\", {script}, \"{{port}}\"]\n{more}\n"))
}

async fn start(profile: &Profile) -> Result<launch::Launched, String> {
    let launch = profile.launch.as_ref().expect("a launch section");
    launch::start(launch, &[("port", "3000")]).await
}

#[tokio::test]
async fn launch_waits_for_the_url_and_stops_the_group() {
    let script = "echo starting >&2; sleep 60 & echo child $!; echo READY http://127.0.0.1:$0/mcp; wait";
    let mut profile = launching(script, "env.SETTING = \"long-enough\"");
    let launched = start(&profile).await.expect("it starts");
    assert_eq!(launched.url.as_deref(), Some("http://127.0.0.1:3000/mcp"));
    profile.launched_at("http://127.0.0.1:3000/mcp").expect("a usable URL");
    assert_eq!(profile.target.name, "127.0.0.1-3000");
    let lines = launched.last_lines();
    let child = lines.iter().find_map(|line| line.strip_prefix("child ")).expect("the pid of the child").to_owned();
    launched.stop().await;
    assert!(!std::path::Path::new(&format!("/proc/{child}/cwd")).exists(), "child {child} lives on");
}

#[tokio::test]
async fn launch_needs_no_url_where_the_profile_gives_the_issuer() {
    let profile = read(
        "[target]\nissuer = \"http://127.0.0.1:3000\"\n[launch]\nready = \"listening\"\n\
         command = [\"sh\", \"-c\", \"echo starting; echo listening on 3000; sleep 60\"]\n",
    );
    let launched = start(&profile).await.expect("it starts");
    assert_eq!((launched.url.as_deref(), profile.target.mcp_url.as_deref()), (None, None));
    launched.stop().await;
}

#[tokio::test]
async fn launch_that_ends_early_shows_its_output_without_secrets() {
    let profile =
        launching("echo using $TOKEN; echo no such port >&2; exit 3", "env.TOKEN = { env = \"ALICE_PASSWORD\" }");
    let reason = start(&profile).await.err().expect("it ends early");
    assert!(reason.contains("ended with exit code 3 before it was ready"), "{reason}");
    assert!(reason.contains("no such port") && reason.contains("using ***"), "{reason}");
    assert!(!reason.contains("correct horse"), "{reason}");
}

#[tokio::test]
async fn launch_that_never_gets_ready_is_stopped() {
    let profile = launching("echo warming up; sleep 60", "timeout = \"300ms\"");
    let started = tokio::time::timeout(Duration::from_secs(40), start(&profile)).await;
    let reason = started.expect("it does not wait for the program's end").err().expect("it is never ready");
    assert!(reason.contains("printed nothing like `READY"), "{reason}");
    assert!(reason.contains("warming up"), "{reason}");
}

#[tokio::test]
async fn launch_of_a_missing_program_says_so() {
    let profile = read("[launch]\ncommand = [\"./no-such-program\"]\n");
    let reason = start(&profile).await.err().expect("it cannot start");
    assert!(reason.starts_with("failed to start `./no-such-program`"), "{reason}");
}

#[tokio::test]
async fn launch_notices_a_target_that_dies_later() {
    let profile = launching("echo READY http://127.0.0.1:1/mcp; sleep 0.2; exit 9", "");
    let mut launched = start(&profile).await.expect("it starts");
    let began = Instant::now();
    let ended = loop {
        if let Some(ended) = launched.ended().await {
            break ended;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it never ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(ended.contains("exit code 9"), "{ended}");
}
