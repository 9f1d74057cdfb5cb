//! The browser that a client under test is started with: `BROWSER`, and in front of its `PATH` the commands that open a URL on
//! a desktop. A machine of CI has none of these, and on a laptop nobody wants fifty tabs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::Secret;

/// Commands that follow a URL. They are there until it is dropped.
#[derive(Debug)]
pub struct Browser {
    folder: TempDir,
    command: String,
    path: OsString,
}

impl Browser {
    /// One whose commands call this command line, a shell's, with the URL as its last argument. `path` is what a program
    /// has as `PATH` that gets none by its profile.
    ///
    /// # Errors
    /// If the commands cannot be written to the folder for temporary files.
    pub fn new(follow: &str, path: OsString) -> io::Result<Browser> {
        let folder = tempfile::Builder::new().prefix("authspec-browser-").tempdir()?;
        // In the background: some clients wait for the command before they listen for the answer.
        let script = format!("#!/bin/sh\nfor url; do :; done\n{follow} \"$url\" >/dev/null 2>&1 &\n");
        for name in OPENERS {
            let file = folder.path().join(name);
            fs::write(&file, &script)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Browser { folder, command: format!("{follow} %s &"), path })
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
        env.push(("BROWSER".to_owned(), Secret::new(self.command.as_str())));
    }
}

fn in_front(folder: &Path, path: &OsString) -> Option<String> {
    // An empty entry would be the folder that the program runs in.
    let others = env::split_paths(path).filter(|folder| !folder.as_os_str().is_empty());
    let folders = std::iter::once(folder.to_owned()).chain(others);
    env::join_paths(folders).ok()?.into_string().ok()
}

/// What programs call to open a URL: on Linux, on macOS and on Windows' Linux; `gio` is called with `open` before the URL.
const OPENERS: [&str; 7] = ["gio", "open", "sensible-browser", "wslview", "www-browser", "x-www-browser", "xdg-open"];

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    #[test]
    fn commands_of_a_desktop_follow_the_url() {
        let told = tempfile::tempdir().expect("a folder");
        let browser = Browser::new(&format!("touch {}/$$; echo", told.path().display()), "/usr/bin:/bin".into())
            .expect("a browser");
        let mut env = Vec::new();
        browser.give(&mut env);
        assert_eq!(env.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["PATH", "BROWSER"]);
        let path = env[0].1.expose();
        assert!(
            Command::new("sh")
                .args(["-c", "xdg-open http://127.0.0.1/"])
                .env("PATH", path)
                .status()
                .expect("sh")
                .success()
        );
        let followed = || fs::read_dir(told.path()).expect("the folder").next().is_some();
        let in_time = (0..500).any(|_| {
            followed() || {
                sleep(Duration::from_millis(10));
                false
            }
        });
        assert!(in_time, "xdg-open did not call the browser");
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
