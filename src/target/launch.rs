//! Starts the target of a profile in its own process group, waits until it is ready, and stops it.

mod browser;
mod output;

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

pub use self::browser::{Browser, SEEN, Visit};
use self::output::Output;
use super::{Secret, StopSignal};

/// `[launch]`
#[derive(Clone, Debug)]
pub struct Launch {
    /// Program and arguments; `{url}` and other names in braces are filled in by the caller.
    pub command: Vec<String>,
    /// What a line of its output says when it is ready; the group `url` is the MCP endpoint. It has that group, unless the
    /// profile itself gives the URL or the issuer.
    pub ready: Regex,
    /// The folder it runs in.
    pub cwd: PathBuf,
    /// Variables beside those it inherits; every value counts as secret, but for those that are names to be filled in.
    pub env: Vec<(String, Secret)>,
    /// How long to wait until it is ready.
    pub timeout: Duration,
    /// How to ask it to stop.
    pub stop: StopSignal,
}

/// A target that was started here and is ready.
///
/// Dropping it kills the whole process group; [`Launched::stop`] asks first.
pub struct Launched {
    /// Where it answers, as its ready line said; absent where the profile knows and the line does not say.
    pub url: Option<String>,
    running: Running,
}

/// Starts the command of `launch`; in its arguments, `{NAME}` is filled in for each of `names`.
///
/// # Errors
/// The command cannot be started, ends before it is ready, or is not ready in time: each with the last lines of its
/// output.
pub async fn start(launch: &Launch, names: &[(&str, &str)]) -> Result<Launched, String> {
    let mut running = Running::spawn(launch, names)?;
    let what = tokio::select! {
        biased;
        Some(url) = running.output.ready() => return Ok(Launched { url, running }),
        status = running.child.wait() => match status {
            Ok(status) => format!("{} before it was ready", in_words(status)),
            Err(error) => format!("was lost before it was ready ({error})"),
        },
        () = sleep(launch.timeout) => {
            format!("printed nothing like `{}` in {} s", launch.ready, launch.timeout.as_secs_f32())
        }
    };
    running.stop().await;
    Err(running.complaint(&what))
}

/// How a command that ran to its end did so.
#[derive(Debug)]
pub struct End {
    /// Its exit code; absent if it was ended after its time or by a signal.
    pub code: Option<i32>,
    /// The same in words.
    pub how: String,
    /// The last lines of its output.
    pub lines: Vec<String>,
}

/// Runs the command of `launch` to its end: a client, for which `timeout` is how long it may take.
///
/// # Errors
/// The command cannot be started.
pub async fn to_end(launch: &Launch, names: &[(&str, &str)]) -> Result<End, String> {
    let mut running = Running::spawn(launch, names)?;
    let ended = timeout(launch.timeout, running.child.wait()).await;
    running.stop().await;
    let lines = running.output.last_lines();
    Ok(match ended {
        Ok(Ok(status)) => End { code: status.code(), how: in_words(status), lines },
        Ok(Err(error)) => End { code: None, how: format!("was lost ({error})"), lines },
        Err(_) => End { code: None, how: "did not end in time (launch.timeout)".to_owned(), lines },
    })
}

impl Launched {
    /// How the target ended, with the last lines of its output, if it has ended by itself, or is about to.
    pub async fn ended(&mut self) -> Option<String> {
        let status = timeout(MOMENT, self.running.child.wait()).await.ok()?.ok()?;
        self.running.output.settle().await;
        Some(self.running.complaint(&in_words(status)))
    }

    /// The last lines of its output, oldest first; values that the profile gave it are masked.
    pub fn last_lines(&self) -> Vec<String> {
        self.running.output.last_lines()
    }

    /// Asks the target to stop, and kills it and all its children if it has not after five seconds.
    pub async fn stop(mut self) {
        self.running.stop().await;
    }
}

/// The process group of one command.
struct Running {
    shown: String,
    child: Child,
    group: Option<Pid>,
    signal: Signal,
    output: Output,
}

impl Running {
    fn spawn(launch: &Launch, names: &[(&str, &str)]) -> Result<Self, String> {
        let words: Vec<String> = launch.command.iter().map(|word| fill(word, names)).collect();
        let [program, arguments @ ..] = words.as_slice() else {
            return Err("failed to start the target: the command is empty".to_owned());
        };
        let shown = launch.command.join(" ");
        let mut command = Command::new(program_of(program, &launch.cwd));
        command
            .args(arguments)
            .current_dir(&launch.cwd)
            .envs(launch.env.iter().map(|(name, value)| (name, fill(value.expose(), names))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| format!("failed to start `{shown}` in {}: {error}", launch.cwd.display()))?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        // `{idp}` alone is no secret, and whoever reads why the target did not start needs it.
        let given = launch.env.iter().map(|(_, value)| value.expose());
        let given = given.filter(|value| !names.iter().any(|(name, _)| *value == format!("{{{name}}}")));
        let masked = given.map(|value| fill(value, names)).collect();
        let output = Output::of(child.stdout.take(), child.stderr.take(), launch.ready.clone(), masked);
        let signal = match launch.stop {
            StopSignal::Term => Signal::TERM,
            StopSignal::Int => Signal::INT,
        };
        Ok(Self { shown, child, group, signal, output })
    }

    async fn stop(&mut self) {
        if let (Some(group), Ok(None)) = (self.group, self.child.try_wait()) {
            // Fails only if the group is gone already, which is what is wanted.
            let _ = kill_process_group(group, self.signal);
            let _ = timeout(GRACE, self.child.wait()).await;
        }
        self.kill();
        let _ = self.child.wait().await;
        self.output.settle().await;
    }

    /// Kills whatever is left of the group: children may outlive their parent.
    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn complaint(&self, what: &str) -> String {
        let lines = self.output.last_lines();
        if lines.is_empty() {
            return format!("`{}` {what}; it printed nothing", self.shown);
        }
        let mut text = format!("`{}` {what}; the end of its output:", self.shown);
        for line in lines {
            text.push_str("\n    ");
            text.push_str(&line);
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn fill(word: &str, names: &[(&str, &str)]) -> String {
    names.iter().fold(word.to_owned(), |word, (name, value)| word.replace(&format!("{{{name}}}"), value))
}

/// A program with a slash stands relative to the folder it runs in; any other is looked up in the search path.
fn program_of(program: &str, cwd: &Path) -> PathBuf {
    if !program.contains('/') {
        return PathBuf::from(program);
    }
    let beside = cwd.join(program);
    std::path::absolute(&beside).unwrap_or(beside)
}

fn in_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;

    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// What passes between the last answer of a process and its end.
const MOMENT: Duration = Duration::from_millis(500);
/// How long a target may take to stop by itself.
const GRACE: Duration = Duration::from_secs(5);
