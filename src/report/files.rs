//! Writes reports to files: whole or not at all.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{FORMATS, Report};

/// Writes one file a format into `dir`, which is made if it is missing; the paths of what was written.
///
/// # Errors
/// The folder cannot be made, or a file cannot be written: the first of them is told. All others are written; none is half.
pub fn write_dir(dir: &Path, report: &Report) -> Result<Vec<PathBuf>, WriteError> {
    fs::create_dir_all(dir).map_err(|error| WriteError::new("create the folder", dir, &error))?;
    let paths = FORMATS.iter().map(|format| {
        let path = dir.join(format.file);
        write(&path, &(format.render)(report)).map(|()| path)
    });
    // Each is tried before the first that failed is told.
    paths.collect::<Vec<_>>().into_iter().collect()
}

/// Writes a file so that a reader sees the old or the new content, never a part: a temporary file is renamed over it.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn write(path: &Path, content: &str) -> Result<(), WriteError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| WriteError::new("create the folder", folder, &error))?;
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let result = fill(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    result.map_err(|error| {
        // The write has failed already; a leftover is all that can still go wrong.
        let _ = fs::remove_file(&temporary);
        WriteError::new("write", path, &error)
    })
}

/// A report that could not be written, with what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WriteError {
    /// What was tried.
    pub doing: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub why: String,
}

impl WriteError {
    fn new(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        WriteError { doing, path: path.to_owned(), why: error.to_string() }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WriteError { doing, path, why } = self;
        write!(f, "failed to {doing} {}: {why}; make it writable or name another place", path.display())
    }
}

impl std::error::Error for WriteError {}

fn fill(path: &Path, content: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}
