//! The committed snapshot: comparing a run with it, leaving a pending one for `cargo insta review`, blessing.

use std::fmt;
use std::path::{Path, PathBuf};

use similar::{ChangeTag, DiffOp, TextDiff};

use super::SECTION;
use crate::report::files::{WriteError, write};
use crate::report::look::{BAD, FAINT, GOOD, Look};
use crate::report::text::{cut, plural, tidy};

/// What became of a comparison.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Drift {
    /// Nothing changed. A pending snapshot of an earlier run is gone.
    Same,
    /// Something changed; the new snapshot waits at `pending`.
    Drift {
        /// The changed lines with three lines around them, bounded.
        diff: String,
        /// Where the new snapshot waits.
        pending: PathBuf,
    },
    /// There is no snapshot yet; the new one waits at `pending`.
    New {
        /// Where the new snapshot waits.
        pending: PathBuf,
    },
}

/// Compares a rendered snapshot with the file, whose head does not count, and leaves a pending one beside it if they differ:
/// `x.snap.new` for `x.snap`, as `cargo insta review` looks for it, `FILE.new` for any other name.
///
/// # Errors
/// The file is there but cannot be read, or the pending one cannot be written.
pub fn compare(file: &Path, new: &str, look: &Look) -> Result<Drift, SnapshotError> {
    regular(file)?;
    let pending = pending(file);
    let old = match std::fs::read_to_string(file) {
        Ok(old) => old,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            write(&pending, new)?;
            return Ok(Drift::New { pending });
        }
        Err(error) => return Err(SnapshotError::Read(file.to_owned(), error.to_string())),
    };
    if contents(&old) == contents(new) {
        remove(&pending)?;
        return Ok(Drift::Same);
    }
    write(&pending, new)?;
    Ok(Drift::Drift { diff: diff(&contents(&old), &contents(new), look), pending })
}

/// A device or a pipe has no end, and is not replaced by a file.
fn regular(file: &Path) -> Result<(), SnapshotError> {
    match std::fs::metadata(file) {
        Ok(found) if !found.is_file() => Err(SnapshotError::Read(file.to_owned(), "it is no file".to_owned())),
        _ => Ok(()),
    }
}

/// Writes the snapshot as the accepted one and removes a pending one.
///
/// # Errors
/// A file cannot be written or removed.
pub fn bless(file: &Path, new: &str) -> Result<(), SnapshotError> {
    regular(file)?;
    // Where a link leads, so that it stays one.
    let file = &file.canonicalize().unwrap_or_else(|_| file.to_owned());
    write(file, new)?;
    remove(&pending(file))
}

/// Why a snapshot could not be compared or blessed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SnapshotError {
    /// The file is there but cannot be read.
    Read(PathBuf, String),
    /// The pending snapshot of an earlier run cannot be removed.
    Remove(PathBuf, String),
    /// A file cannot be written.
    Write(WriteError),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Read(path, why) => write!(
                f,
                "failed to read the snapshot {}: {why}; name another file with --snapshot, or write it anew with --bless",
                path.display()
            ),
            SnapshotError::Remove(path, why) => {
                write!(f, "failed to remove {}: {why}; remove it by hand, it is out of date", path.display())
            }
            SnapshotError::Write(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SnapshotError {}

impl From<WriteError> for SnapshotError {
    fn from(error: WriteError) -> Self {
        SnapshotError::Write(error)
    }
}

fn pending(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    file.with_file_name(name)
}

fn remove(pending: &Path) -> Result<(), SnapshotError> {
    match std::fs::remove_file(pending) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(SnapshotError::Remove(pending.to_owned(), error.to_string()))
        }
        _ => Ok(()),
    }
}

/// What follows the head, as insta compares it: line ends of Windows and space at the end do not count.
fn contents(snapshot: &str) -> String {
    let text = snapshot.replace("\r\n", "\n");
    let body =
        text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).map_or(text.as_str(), |(_, body)| body);
    body.trim_end().to_owned() + "\n"
}

/// The changed lines, each hunk under the heading it stands in.
fn diff(old: &str, new: &str, look: &Look) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for hunk in diff.grouped_ops(CONTEXT) {
        let start = hunk.first().map_or(0, |op| op.new_range().start);
        lines.push(look.paint(FAINT, format!("@@ {}", heading(new, start))));
        lines.extend(hunk.iter().flat_map(|op| changes(&diff, op, look)));
    }
    if lines.len() > MOST {
        let left_out = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("… and {}", plural(left_out, "more line", "more lines")));
    }
    lines.join("\n") + "\n"
}

fn changes(diff: &TextDiff<'_, '_, '_, str>, op: &DiffOp, look: &Look) -> Vec<String> {
    diff.iter_changes(op)
        .map(|change| {
            let line = cut(&tidy(change.value().trim_end_matches('\n'), look.width()), look.width() - 2);
            match change.tag() {
                ChangeTag::Delete => look.paint(BAD, format!("- {line}")),
                ChangeTag::Insert => look.paint(GOOD, format!("+ {line}")),
                ChangeTag::Equal => format!("  {line}"),
            }
        })
        .collect()
}

/// The last heading at or before a line.
fn heading(text: &str, line: usize) -> &str {
    let mut before: Vec<&str> = text.lines().take(line + 1).filter_map(|line| line.strip_prefix(SECTION)).collect();
    before.pop().unwrap_or("head")
}

/// Lines around a change, and lines of a whole diff.
const CONTEXT: usize = 3;
const MOST: usize = 200;
