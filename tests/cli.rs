//! The command line as a user meets it: exit codes, messages, files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

#[path = "common/command.rs"]
mod command;

use command::{authspec, stderr, stdout};

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
    assert!(text.contains("the embedded reference deployments: server, consent-proxy, "), "{text}");
    for file in ["junit.xml", "report.json", "snapshot.txt"] {
        assert!(Path::new(out).join(file).exists(), "{file} is written");
    }
    let report = std::fs::read_to_string(Path::new(out).join("report.json")).expect("a report");
    for secret in ["alice-password", "mallory-password", "\"eyJ"] {
        assert!(!report.contains(secret), "{secret} stands in report.json");
    }
    every_case_once(&report);
}

/// Each case is judged at one deployment, each deployment judges something, and whatever is not judged applies to none.
fn every_case_once(report: &str) {
    let report: serde_json::Value = serde_json::from_str(report).expect("JSON");
    let list = |pointer: &str| report.pointer(pointer).and_then(serde_json::Value::as_array).expect("a list").clone();
    let cases: Vec<String> = list("/cases").iter().map(|case| case["case"].to_string()).collect();
    assert!(cases.is_sorted_by(|one, next| one < next), "no case twice, all in plan order");
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for result in list("/results") {
        let place = result["deployment"].as_str().unwrap_or("none").to_owned();
        assert!(place != "none" || result["verdict"] == "not-applicable", "{result}");
        places.entry(place).or_default().insert(result["case"].to_string());
    }
    assert_eq!(places.values().map(BTreeSet::len).sum::<usize>(), cases.len(), "every case at one place");
    for deployment in list("/target/deployments") {
        let name = deployment["name"].as_str().expect("a name");
        assert!(places.contains_key(name), "{name} judges nothing");
    }
    let ids: BTreeSet<u64> = list("/exchanges").iter().filter_map(|exchange| exchange["id"].as_u64()).collect();
    assert_eq!(ids.len(), list("/exchanges").len(), "no exchange id twice");
}

#[test]
fn a_finding_names_its_deployment_and_how_to_see_it_again() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("proxy")).expect("a folder");
    let case = "title = \"wrong on purpose\"\nneeds = [\"proxy\"]\n[[step]]\nrule = \"rs.401-without-token\"\n\
                call = { bearer = \"none\" }\nexpect.status = 418\n";
    std::fs::write(folder.path().join("proxy/wrong.toml"), case).expect("a file");
    let run = authspec(&["run", "--suites", folder.path().to_str().expect("UTF-8")]);
    let text = stdout(&run);
    assert_eq!(run.status.code(), Some(1), "{text}{}", stderr(&run));
    assert!(
        text.contains("the embedded reference deployments: consent-proxy (") && !text.contains("server:"),
        "{text}"
    );
    assert!(text.contains("where     consent-proxy"), "{text}");
    let unwrapped = text.replace(" \\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let again = format!("again authspec run consent-proxy --suites {} --only proxy/wrong", folder.path().display());
    assert!(unwrapped.contains(&again), "{text}");
    assert!(text.contains("POST /mcp"), "the deployment's own address is left out: {text}");
}

#[test]
fn shards_of_all_deployments_make_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let only = ["--only", "gateway/*", "--only", "proxy/consent-*", "--only", "par/*", "--format", "quiet"];
    for shard in ["1/2", "2/2"] {
        let out = path(&shard[..1]);
        let run = authspec(&[&["run", "--shard", shard, "--report", &out], &only[..]].concat());
        assert_eq!(run.status.code(), Some(0), "{}{}", stdout(&run), stderr(&run));
    }
    let whole = authspec(&[&["run", "--report", &path("whole")], &only[..]].concat());
    assert_eq!(whole.status.code(), Some(0), "{}{}", stdout(&whole), stderr(&whole));
    let merged = authspec(&["merge", &path("1"), &path("2"), "-o", &path("merged")]);
    assert_eq!(merged.status.code(), Some(0), "{}{}", stdout(&merged), stderr(&merged));
    let verdicts = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name).join("snapshot.txt")).expect("a snapshot");
        let from = text.find("## verdicts").expect("verdicts");
        text[from..].split("\n\n").next().unwrap_or_default().to_owned()
    };
    assert_eq!(verdicts("merged"), verdicts("whole"));
    let same = authspec(&["diff", &path("merged"), &path("whole")]);
    assert_eq!(same.status.code(), Some(0), "{}", stdout(&same));
    let half = authspec(&["merge", &path("2"), "-o", &path("half")]);
    assert_eq!(half.status.code(), Some(2), "{}", stdout(&half));
    let told = "shard 1/2 of the embedded reference deployments is not among the reports";
    assert!(stderr(&half).contains(told), "{}", stderr(&half));
}

#[test]
fn one_case_can_be_repeated() {
    let run = authspec(&["run", "--only", "token/code-one-time", "--format", "quiet"]);
    assert_eq!(run.status.code(), Some(0), "{}{}", stdout(&run), stderr(&run));
}

#[test]
fn every_variant_can_be_repeated_by_its_name() {
    let variants = authspec::suite::Suites::embedded()
        .cases
        .iter()
        .flat_map(|case| case.each.iter().map(move |variant| format!("{}[{}]", case.id, variant.name)));
    let all: Vec<String> = variants.collect();
    let only: Vec<&str> = all.iter().flat_map(|name| ["--only", name.as_str()]).collect();
    let listed = authspec(&[&["list"], &only[..]].concat());
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    let one = authspec(&["run", "--only", "client/iss-of-the-response[slash-at-its-end]"]);
    assert_eq!(one.status.code(), Some(0), "{}", stderr(&one));
    assert!(stdout(&one).contains(" 1 passed,"), "{}", stdout(&one));
}

#[test]
fn no_case_selected_is_a_usage_error() {
    let run = authspec(&["run", "--only", "token/*", "--skip", "token"]);
    assert_eq!(run.status.code(), Some(4), "{}", stderr(&run));
    assert!(stderr(&run).contains("no case was selected"));
}

#[test]
fn patterns_that_meet_nothing_are_slips() {
    let run = authspec(&["run", "--only", "token/*", "--only", "tokken/*", "--skip", "refesh/race"]);
    assert_eq!((run.status.code(), stdout(&run)), (Some(4), String::new()));
    for told in ["`tokken/*` meets no case, area or rule: did you mean `token/*`?", "did you mean `refresh/race`?"] {
        assert!(stderr(&run).contains(told), "{}", stderr(&run));
    }
}

#[test]
fn a_url_that_is_none_is_named() {
    for command in ["run", "init"] {
        let run = authspec(&[command, "http://127.0.0.1:1/mcp#part"]);
        assert_eq!(run.status.code(), Some(4), "{}", stderr(&run));
        assert!(stderr(&run).contains("http://127.0.0.1:1/mcp#part is no usable URL: it holds"), "{}", stderr(&run));
    }
}

#[test]
fn a_url_where_nobody_listens_is_said_so() {
    let run = authspec(&["run", "http://127.0.0.1:1/mcp"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    let text = stderr(&run);
    assert!(text.contains("does not answer") && text.contains("Is the server running"), "{text}");
}

/// What is said of a server that gives this answer, at which nothing can be judged.
fn refused(answer: &'static str) -> String {
    let run = authspec(&["run", &answering(answer)]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    stderr(&run)
}

#[test]
fn a_server_without_oauth_is_said_so() {
    let said = refused(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 36\r\nconnection: close\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
    );
    assert!(said.contains("without a token"), "{said}");
}

#[test]
fn html_in_place_of_json_is_said_so() {
    let said = refused(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>",
    );
    assert!(said.contains("got a web page") && said.contains("Check the URL"), "{said}");
}

#[test]
fn a_redirect_in_place_of_an_answer_is_said_so() {
    let said = refused(
        "HTTP/1.1 302 Found\r\nlocation: https://mcp.example/mcp\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    );
    assert!(said.contains("(302) to https://mcp.example/mcp"), "{said}");
}

#[test]
fn what_speaks_no_http_is_said_so() {
    let said = refused("SSH-2.0-OpenSSH_9.0\r\n");
    assert!(!said.contains("answered 0"), "{said}");
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
fn words_of_reports_and_cases_are_explained() {
    for (word, told) in [
        ("registration-updates", "case    registration/management-update-replaces"),
        ("floods", "case    token/guessing-is-slowed"),
        ("manage", "update"),
        ("blocked", "could not be judged"),
        ("client.pkce-plain", "try it: authspec reference-client URL --fault client.pkce-plain"),
    ] {
        let run = authspec(&["explain", word]);
        assert_eq!(run.status.code(), Some(0), "{word}: {}", stderr(&run));
        assert!(stdout(&run).contains(told), "{word}: {}", stdout(&run));
    }
}

#[test]
fn unknown_ids_come_with_the_nearest_one() {
    let run = authspec(&["explain", "token.code-one-tim"]);
    assert_eq!(run.status.code(), Some(4));
    assert!(stderr(&run).contains("token.code-one-time"), "{}", stderr(&run));
    let run = authspec(&["explain", "registration-update"]);
    assert!(stderr(&run).contains("did you mean `registration-updates`?"), "{}", stderr(&run));
    let run = authspec(&["run", "sever"]);
    assert_eq!(run.status.code(), Some(4));
    assert!(stderr(&run).contains("Did you mean `server`?"), "{}", stderr(&run));
    let run = authspec(&["serve", "serverr"]);
    assert_eq!(run.status.code(), Some(4));
    assert!(stderr(&run).contains("did you mean") || stderr(&run).contains("Did you mean"), "{}", stderr(&run));
}

#[test]
fn rules_and_faults_are_listed_by_pattern() {
    for (args, first) in
        [(["list", "--rules", "--only", "revoke.*"], "revoke."), (["list", "--faults", "--only", "token.*"], "token.")]
    {
        let run = authspec(&args);
        assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
        assert!(stdout(&run).lines().count() > 1 && stdout(&run).lines().all(|line| line.starts_with(first)));
    }
}

#[test]
fn a_folder_without_cases_is_not_lint_free() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = authspec(&["lint", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(run.status.code(), Some(4), "{}", stdout(&run));
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
    let same = authspec(&only);
    assert_eq!(same.status.code(), Some(0), "another run, other ports, the same snapshot:\n{}", stdout(&same));
    let nothing = authspec(&["run", "--only", "nosuch/*", "--snapshot", file, "--bless"]);
    assert_eq!(nothing.status.code(), Some(4));
    let same = authspec(&only);
    assert_eq!(same.status.code(), Some(0), "what judged nothing wrote nothing:\n{}{}", stdout(&same), stderr(&same));
    let text = std::fs::read_to_string(file).expect("a snapshot").replacen("pass", "fail", 1);
    std::fs::write(file, text).expect("a snapshot");
    let drifted = authspec(&only);
    assert_eq!(drifted.status.code(), Some(1));
    assert!(stdout(&drifted).contains("DRIFT"), "{}", stdout(&drifted));
}

#[test]
fn a_snapshot_is_a_file() {
    let run = authspec(&["run", "--only", "token/code-one-time", "--snapshot", "/dev/zero"]);
    assert_eq!(run.status.code(), Some(4), "{}", stdout(&run));
    assert!(stderr(&run).contains("it is no file"), "{}", stderr(&run));
}

#[test]
fn a_shard_may_be_empty() {
    let run = authspec(&["run", "--only", "token/code-one-time", "--shard", "3/4"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    assert!(stderr(&run).contains("this shard has no case"), "{}", stderr(&run));
}

#[test]
fn a_run_that_judges_nothing_leaves_no_report_of_an_earlier_one() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("junit.xml"), "<green/>").expect("a file");
    let run = authspec(&["run", "http://127.0.0.1:1/mcp", "--report", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(!folder.path().join("junit.xml").exists());
}

#[test]
fn what_cannot_be_printed_is_told() {
    let Ok(full) = std::fs::File::create("/dev/full") else { return };
    let run = Command::new(env!("CARGO_BIN_EXE_authspec")).args(["list", "--faults"]).stdout(full).output();
    let run = run.expect("the binary runs");
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("standard output cannot be written"), "{}", stderr(&run));
}

#[test]
fn one_unreadable_case_hides_no_slips() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("token")).expect("a folder");
    std::fs::write(folder.path().join("token/wrong.toml"), "title = \"x\"\n[[step]]\ntokn = {}\n").expect("a file");
    std::fs::write(folder.path().join("token/unreadable.toml"), [0xff, 0xfe]).expect("a file");
    let run = authspec(&["lint", folder.path().to_str().expect("UTF-8")]);
    assert_eq!(run.status.code(), Some(3), "{}", stderr(&run));
    assert!(stderr(&run).contains("unreadable.toml") && stderr(&run).contains("tokn"), "{}", stderr(&run));
}

#[test]
fn a_key_in_the_url_of_the_target_is_shown_nowhere() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_authspec"))
        .args(["serve", "server"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut ready = String::new();
    BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a line");
    let url = format!("{}?api_key=sk-secret-123", ready.trim().trim_start_matches("READY "));
    let folder = tempfile::tempdir().expect("a folder");
    let run = authspec(&["run", &url, "--only", "discovery/*", "--report", folder.path().to_str().expect("UTF-8")]);
    server.kill().expect("it ends");
    server.wait().expect("it ended");
    let files = std::fs::read_dir(folder.path()).expect("reports").flatten();
    let files: Vec<String> = files.map(|file| std::fs::read_to_string(file.path()).expect("a report")).collect();
    assert_eq!(files.len(), 3, "{}{}", stdout(&run), stderr(&run));
    for text in files.iter().chain([&stdout(&run), &stderr(&run)]) {
        assert!(!text.contains("sk-secret-123"), "{text}");
    }
    assert!(stdout(&run).contains("api_key=<API key"), "{}", stdout(&run));
}

#[test]
fn bad_arguments_are_usage_errors() {
    for args in [
        &["run", "--mcp-version", "2024-01-01"][..],
        &["run", "--shard", "3/2"],
        &["run", "--only", "[a"],
        &["frobnicate"],
        &["reference-client", "http://127.0.0.1:1/mcp", "--fault", "token.code-replay-accepted"],
    ] {
        let run = authspec(args);
        assert_eq!(run.status.code(), Some(4), "{args:?}: {}", stderr(&run));
    }
}

/// Whether a process lives, and is not only waiting to be fetched by its parent.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).is_some_and(|state| state != 'Z')
}

#[test]
#[cfg(target_os = "linux")]
fn no_signal_leaves_a_launched_target_alive() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in ["INT", "TERM", "HUP"] {
        let (profile, pids) = (folder.path().join(format!("{signal}.toml")), folder.path().join(signal));
        let script = format!("sleep 600 & echo $! $$ >'{}'; wait", pids.display());
        let text = format!(
            "[target]\nname = \"slow\"\n[launch]\ncommand = [\"sh\", \"-c\", \"{script}\"]\ntimeout = \"60s\"\n"
        );
        std::fs::write(&profile, text).expect("a profile");
        let mut run = Command::new("sh")
            // A test runner may ignore SIGINT, and its children with it.
            .args(["-c", "exec env --default-signal=INT,HUP \"$@\"", "sh", env!("CARGO_BIN_EXE_authspec"), "run"])
            .arg(&profile)
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let began = std::time::Instant::now();
        let launched = loop {
            let text = std::fs::read_to_string(&pids).unwrap_or_default();
            if text.ends_with('\n') {
                break text;
            }
            assert!(began.elapsed().as_secs() < 120, "it never launched");
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let kill = Command::new("kill").args(["-s", signal, &run.id().to_string()]).status();
        assert!(kill.expect("a kill").success());
        assert_eq!(run.wait().expect("an end").code(), Some(2), "SIG{signal}");
        let began = std::time::Instant::now();
        while let Some(pid) = launched.split_whitespace().find(|pid| lives(pid)) {
            assert!(began.elapsed().as_secs() < 20, "SIG{signal} left {pid} alive");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn a_launched_target_that_ends_is_told_with_its_last_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("brittle.toml");
    // Nobody listens on port 1 of loopback.
    let script = "echo READY http://127.0.0.1:1/mcp; echo 'no database at 127.0.0.1' >&2; sleep 0.1; exit 7";
    let text = format!("[target]\nname = \"brittle\"\n[launch]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n");
    std::fs::write(&profile, text).expect("a profile");
    let run = Command::new(env!("CARGO_BIN_EXE_authspec")).arg("run").arg(&profile).output().expect("it runs");
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(said.contains("does not answer"), "{said}");
    assert!(said.contains("ended with exit code 7") && said.contains("no database at 127.0.0.1"), "{said}");
}
