//! A login by a command of the operator, for pages that a script builds (profile: `login.how = "command"`).

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use url::Url;

use crate::fact::clip;

/// What the command is to do.
#[derive(Clone, Debug)]
pub struct Errand<'a> {
    /// The authorization request, with all its parameters.
    pub url: &'a str,
    /// Where the answer goes; nobody listens there.
    pub redirect_uri: &'a str,
    /// Who logs in.
    pub username: &'a str,
    /// The password of that user.
    pub password: &'a str,
    /// Whether what is asked for is approved, or denied.
    pub approve: bool,
}

/// Runs the command for one authorization request and hands back the URL where its browser ended: the last line that it
/// prints. The URL of the request is its last argument; the rest is in its environment, where no list of processes shows it.
///
/// # Errors
/// It cannot be started, takes longer than `patience`, fails, or prints no URL: with the end of its error output.
pub async fn by_command(command: &[String], errand: &Errand<'_>, patience: Duration) -> Result<String, String> {
    let [program, arguments @ ..] = command else { return Err("the command is empty".to_owned()) };
    let mut child = Command::new(program)
        .args(arguments)
        .arg(errand.url)
        .env("AUTHSPEC_USERNAME", errand.username)
        .env("AUTHSPEC_PASSWORD", errand.password)
        .env("AUTHSPEC_REDIRECT_URI", errand.redirect_uri)
        .env("AUTHSPEC_ANSWER", if errand.approve { "approve" } else { "deny" })
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("failed to start `{program}`: {error}"))?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let ended = async { tokio::join!(read(out), read(err), child.wait()) };
    let Ok((printed, said, status)) = tokio::time::timeout(patience, ended).await else {
        return Err(format!("`{program}` did not end in {} s", patience.as_secs()));
    };
    drop(group);
    // A script that prints what it was told must not make a report tell it.
    let said = if errand.password.is_empty() { said } else { said.replace(errand.password, "<password>") };
    let complaint = |what: &str| match telling(&said) {
        Some(line) => format!("`{program}` {what}; it said: {}", clip(line, LONGEST_LINE)),
        None => format!("`{program}` {what}"),
    };
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(complaint(&format!("failed ({status})"))),
        Err(error) => return Err(complaint(&format!("was lost ({error})"))),
    }
    let line = last_line(&printed).filter(|line| Url::parse(line).is_ok());
    line.map(str::to_owned).ok_or_else(|| complaint("printed no URL as its last line"))
}

/// Whatever is left of the command's children ends with it: browsers like to stay.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Fails if all have ended, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What was read before an error is as good as all.
        let _ = (&mut stream).take(LONGEST).read_to_end(&mut bytes).await;
        // The rest is read away, so that the command can go on writing.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty())
}

/// The line that most likely says what went wrong: some runtimes end with their version.
fn telling(said: &str) -> Option<&str> {
    let wrong = |line: &&str| {
        let line = line.to_ascii_lowercase();
        ["error", "timeout", "failed"].iter().any(|word| line.contains(word))
    };
    let mut lines = said.lines().map(str::trim).filter(|line| !line.starts_with("at "));
    lines.find(wrong).or_else(|| last_line(said))
}

/// Characters of a line that are repeated.
const LONGEST_LINE: usize = 300;
/// Bytes of output that are looked at.
const LONGEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const ERRAND: Errand<'static> = Errand {
        url: "http://127.0.0.1:9/authorize?state=a%20b",
        redirect_uri: "http://127.0.0.1:33418/callback",
        username: "alice",
        password: "secret-password",
        approve: false,
    };

    async fn by(script: &str, patience: Duration) -> Result<String, String> {
        let command = ["sh", "-c", script, "sh"].map(str::to_owned);
        by_command(&command, &ERRAND, patience).await
    }

    #[tokio::test]
    async fn the_last_line_is_where_its_browser_ended() {
        let script =
            r#"echo hello; echo "$AUTHSPEC_REDIRECT_URI?for=$AUTHSPEC_USERNAME&$AUTHSPEC_ANSWER&${1#*\?}"; echo"#;
        let ended = by(script, Duration::from_secs(20)).await;
        assert_eq!(ended.as_deref(), Ok("http://127.0.0.1:33418/callback?for=alice&deny&state=a%20b"));
    }

    #[tokio::test]
    async fn whatever_goes_wrong_is_told_with_what_the_command_said() {
        for (script, told) in [
            ("echo 'no such button' >&2; exit 3", "`sh` failed (exit status: 3); it said: no such button"),
            ("echo done", "`sh` printed no URL as its last line"),
            (
                "printf 'click: Timeout exceeded\\n  at login.mjs:3\\nNode.js v20\\n' >&2; exit 1",
                "`sh` failed (exit status: 1); it said: click: Timeout exceeded",
            ),
            (
                "echo \"$AUTHSPEC_PASSWORD is wrong\" >&2; exit 1",
                "`sh` failed (exit status: 1); it said: <password> is wrong",
            ),
            ("sleep 30", "`sh` did not end in 1 s"),
        ] {
            assert_eq!(by(script, Duration::from_secs(1)).await, Err(told.to_owned()), "{script}");
        }
        let missing = by_command(&["./no-such-command".to_owned()], &ERRAND, Duration::from_secs(1)).await;
        assert!(missing.is_err_and(|why| why.starts_with("failed to start `./no-such-command`: ")));
    }
}
