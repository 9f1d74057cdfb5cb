//! The browser that a client under test is started with: `BROWSER`, and in front of its `PATH` the commands that open a URL on
//! a desktop. A machine of CI has none of these, and on a laptop nobody wants fifty tabs. It remembers what it was asked to
//! open, and what it showed.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::Secret;
use crate::diag::shell_word;

/// Commands that follow a URL. They are there until it is dropped.
#[derive(Debug)]
pub struct Browser {
    folder: TempDir,
    path: OsString,
}

/// What the browser did in one run of a client.
#[derive(Debug)]
pub struct Visit {
    folder: TempDir,
}

impl Browser {
    /// One whose commands call this command line, a shell's, with the URL as its last argument, and show what it prints. `path`
    /// is what a program has as `PATH` that gets none by its profile.
    ///
    /// # Errors
    /// If the commands cannot be written to the folder for temporary files.
    pub fn new(follow: &str, path: OsString) -> io::Result<Browser> {
        let folder = tempfile::Builder::new().prefix("authspec-browser-").tempdir()?;
        // In the background: some clients wait for the command before they listen for the answer.
        let script = [
            "#!/bin/sh",
            "for url; do :; done",
            "shown=/dev/null",
            &format!("if [ -d \"${SEEN}\" ]; then"),
            &format!("  printf '%s\\n' \"$url\" >>\"${SEEN}/{OPENED}\""),
            &format!("  shown=${SEEN}/{SHOWN}"),
            "fi",
            &format!("{follow} \"$url\" >>\"$shown\" 2>/dev/null &"),
            "",
        ]
        .join("\n");
        for name in OPENERS {
            let file = folder.path().join(name);
            fs::write(&file, &script)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Browser { folder, path })
    }

    /// Makes a place for what is seen in one run, to be named in [`SEEN`].
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn visit(&self) -> io::Result<Visit> {
        Ok(Visit { folder: tempfile::Builder::new().prefix("visit-").tempdir_in(self.folder.path())? })
    }

    /// Gives it to a program with these variables, unless it has a `BROWSER` of its own.
    pub fn give(&self, env: &mut Vec<(String, Secret)>) {
        let own = |wanted: &str| env.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.expose());
        if own("BROWSER").is_some() {
            return;
        }
        let before = own("PATH").map_or_else(|| self.path.clone(), OsString::from);
        if let Some(path) = in_front(self.folder.path(), &before) {
            env.retain(|(name, _)| name != "PATH");
            env.push(("PATH".to_owned(), Secret::new(path)));
        }
        // By the shell, because nothing may be run from the folder for temporary files of some machines.
        let command = shell_word(&self.folder.path().join("xdg-open").to_string_lossy());
        env.push(("BROWSER".to_owned(), Secret::new(format!("sh {command} %s"))));
    }
}

impl Visit {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The URLs that were to be opened, in order.
    #[must_use]
    pub fn opened(&self) -> Vec<String> {
        self.read(OPENED).lines().map(str::to_owned).collect()
    }

    /// The text of the pages that it came to.
    #[must_use]
    pub fn shown(&self) -> String {
        self.read(SHOWN)
    }

    fn read(&self, name: &str) -> String {
        let mut text = Vec::new();
        if let Ok(file) = fs::File::open(self.folder.path().join(name)) {
            // What could not be read was not seen.
            let _ = file.take(LARGEST).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn in_front(folder: &Path, path: &OsString) -> Option<String> {
    // An empty entry would be the folder that the program runs in.
    let others = env::split_paths(path).filter(|folder| !folder.as_os_str().is_empty());
    let folders = std::iter::once(folder.to_owned()).chain(others);
    env::join_paths(folders).ok()?.into_string().ok()
}

/// The variable that names the folder of a run.
pub const SEEN: &str = "AUTHSPEC_SEEN";
const OPENED: &str = "opened";
const SHOWN: &str = "shown";
/// Bytes that are read of what was seen.
const LARGEST: u64 = 64 * 1024;

/// What programs call to open a URL: on Linux, on macOS and on Windows' Linux; `gio` is called with `open` before the URL.
const OPENERS: [&str; 7] = ["gio", "open", "sensible-browser", "wslview", "www-browser", "x-www-browser", "xdg-open"];

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    #[test]
    fn commands_of_a_desktop_follow_the_url_and_remember_it() {
        let browser = Browser::new("echo page of", "/usr/bin:/bin".into()).expect("a browser");
        let visit = browser.visit().expect("a visit");
        let mut env = Vec::new();
        browser.give(&mut env);
        assert_eq!(env.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["PATH", "BROWSER"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", "gio open 'http://127.0.0.1/?a=$(b)'"]).env("PATH", env[0].1.expose());
        assert!(shell.env(SEEN, visit.path()).status().expect("sh").success());
        assert_eq!(visit.opened(), ["http://127.0.0.1/?a=$(b)"]);
        let in_time = (0..500).any(|_| {
            sleep(Duration::from_millis(10));
            visit.shown() == "page of http://127.0.0.1/?a=$(b)\n"
        });
        assert!(in_time, "the URL was not followed: {}", visit.shown());
    }

    #[test]
    fn a_browser_of_the_profile_stays() {
        let mut env = vec![("BROWSER".to_owned(), Secret::new("lynx"))];
        Browser::new("echo", OsString::new()).expect("a browser").give(&mut env);
        assert_eq!(env.len(), 1);
    }

    #[test]
    fn the_commands_are_gone_with_it() {
        let browser = Browser::new("echo", OsString::new()).expect("a browser");
        let folder = browser.folder.path().to_owned();
        assert!(folder.join("xdg-open").exists());
        drop(browser);
        assert!(!folder.exists());
    }
}
