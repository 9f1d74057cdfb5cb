//! Finds case files, reads them all, and reports what is wrong with any of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use include_dir::{Dir, DirEntry, include_dir};

use super::case::{self, Read};
use super::slip::{Code, DUPLICATE_TITLE, UNREADABLE};
use super::{Case, Suites};
use crate::diag::{Diagnostic, Source};
use crate::rule::Rules;

/// A case file before it is read.
#[derive(Clone, Debug)]
pub struct File {
    /// The path below the suite folder without `.toml`.
    pub id: String,
    /// The first folder of the path; for a file beside the folders, the name of the suite folder.
    pub area: String,
    /// The text, under the name that the user knows.
    pub source: Source,
}

/// How strictly files are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// A case without `faults` is a slip: so for the built-in suites.
    pub require_faults: bool,
}

impl Suites {
    /// The cases that are part of the binary.
    ///
    /// # Errors
    /// What is wrong with them, which only a build of edited suites can see.
    pub fn built_in() -> Result<&'static Self, &'static [Diagnostic]> {
        static SUITES: OnceLock<Result<Suites, Vec<Diagnostic>>> = OnceLock::new();
        let read = || Suites::read(&embedded_files(), Rules::embedded(), Options { require_faults: true });
        SUITES.get_or_init(read).as_ref().map_err(Vec::as_slice)
    }

    /// Reads every case below `path`: a folder, or one file.
    ///
    /// The folder `rules` of a suite folder holds requirements and is passed over, as is everything that does not end
    /// in `.toml`. A folder without any case is in order and yields none.
    ///
    /// # Errors
    /// Every slip of every file, file by file in order of path, and in each in the order of its lines.
    pub fn load(path: &Path, rules: &Rules) -> Result<Self, Vec<Diagnostic>> {
        let (files, mut slips) = look(path);
        match Self::read(&files, rules, Options::default()) {
            Ok(suites) if slips.is_empty() => Ok(suites),
            read => {
                slips.extend(read.err().unwrap_or_default());
                Err(slips)
            }
        }
    }

    /// Reads files that are in memory already.
    ///
    /// # Errors
    /// As for [`Suites::load`].
    pub fn read(files: &[File], rules: &Rules, options: Options) -> Result<Self, Vec<Diagnostic>> {
        let mut files: Vec<&File> = files.iter().collect();
        files.sort_by(|one, other| one.id.cmp(&other.id));
        let mut read = on_every_processor(&files, |file| {
            case::read(&file.id, &file.area, &file.source, rules, options.require_faults)
        });
        check_titles(&mut read);
        let slips: Vec<Diagnostic> = read.iter_mut().flat_map(|read| std::mem::take(&mut read.slips)).collect();
        if slips.is_empty() { Ok(Self { cases: read.into_iter().map(|read| read.case).collect() }) } else { Err(slips) }
    }
}

/// Reads files side by side, and hands them back in their order: hundreds of cases are what a run begins with.
fn on_every_processor(files: &[&File], read: impl Fn(&File) -> Read + Sync) -> Vec<Read> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let share = files.len().div_ceil(processors).max(SHARE);
    let read = |part: &[&File]| part.iter().map(|file| read(file)).collect::<Vec<_>>();
    thread::scope(|scope| {
        let parts: Vec<_> = files.chunks(share).map(|part| scope.spawn(move || read(part))).collect();
        let read = parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
        read.collect()
    })
}

/// The built-in files, with names below `suites/`.
pub fn embedded_files() -> Vec<File> {
    let mut files = Vec::new();
    collect_embedded(&SUITES, &mut files);
    files
}

/// The case files at `path`: a folder, or one file.
///
/// # Errors
/// One complaint for each file that cannot be read, is no UTF-8, or is larger than 1 MiB.
pub fn find(path: &Path) -> Result<Vec<File>, Vec<Diagnostic>> {
    let (files, slips) = look(path);
    if slips.is_empty() { Ok(files) } else { Err(slips) }
}

/// Those that can be read, and a complaint for each other one.
fn look(path: &Path) -> (Vec<File>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut slips = Vec::new();
    if path.is_dir() {
        collect(path, path, 0, &mut found, &mut slips);
    } else {
        found.push(path.to_owned());
    }
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let mut files = Vec::new();
    for path in found {
        match open(&path, root) {
            Ok(file) => files.push(file),
            Err(reason) => slips.push(unreadable(&path, &reason)),
        }
    }
    (files, slips)
}

fn collect(root: &Path, folder: &Path, depth: usize, found: &mut Vec<PathBuf>, slips: &mut Vec<Diagnostic>) {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder).and_then(Iterator::collect);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return slips.push(unreadable(folder, &error.to_string())),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // Links to folders are not followed, so the walk ends.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden || (is_folder && folder == root && entry.file_name() == RULES) {
            continue;
        }
        if is_folder && depth < DEPTH {
            collect(root, &path, depth + 1, found, slips);
        } else if !is_folder && path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
}

/// Reads one file below `root`, or says why it cannot.
fn open(path: &Path, root: &Path) -> Result<File, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LARGEST {
        return Err(format!("{size} bytes; a case has at most {LARGEST}"));
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|error| format!("no UTF-8: {error}"))?;
    let below = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    let own = || {
        let name = root.file_name().map(|name| name.to_string_lossy());
        name.map_or_else(|| "cases".to_owned(), Cow::into_owned)
    };
    Ok(File {
        id: parts.join("/"),
        area: if parts.len() > 1 { parts[0].to_string() } else { own() },
        source: Source::new(path.display().to_string(), text),
    })
}

fn unreadable(path: &Path, reason: &str) -> Diagnostic {
    let Code { name, .. } = UNREADABLE;
    Diagnostic::new(name, &Source::new(path.display().to_string(), ""), 0..0, format!("failed to read: {reason}"))
}

fn collect_embedded(folder: &Dir<'_>, files: &mut Vec<File>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) if inner.path() == Path::new(RULES) => {}
            DirEntry::Dir(inner) => collect_embedded(inner, files),
            DirEntry::File(file) => {
                let path = file.path().to_string_lossy().replace('\\', "/");
                let Some((id, text)) = path.strip_suffix(".toml").zip(file.contents_utf8()) else {
                    continue;
                };
                let area = id.split('/').next().unwrap_or(id);
                let source = Source::new(format!("suites/{path}"), text);
                files.push(File { id: id.to_owned(), area: area.to_owned(), source });
            }
        }
    }
}

/// A title names a case in reports, so no two cases share one.
fn check_titles(read: &mut [Read]) {
    let mut first: HashMap<String, usize> = HashMap::new();
    for at in 0..read.len() {
        let title = read[at].case.title.to_lowercase();
        if title.is_empty() {
            continue;
        }
        let Some(&earlier) = first.get(&title) else {
            first.insert(title, at);
            continue;
        };
        let Read { case: other, title: place, .. } = &read[earlier];
        let other = format!("{}:{}", other.source.name, other.source.line(place.start));
        let Case { source, title, .. } = &read[at].case;
        let message = format!("the title \"{title}\" is taken");
        let slip = Diagnostic::new(DUPLICATE_TITLE.name, source, read[at].title.clone(), message);
        let slip = slip.label(format!("also the title of {other}"));
        let place = read[at].slips.partition_point(|known| known.span.start < slip.span.start);
        read[at].slips.insert(place, slip);
    }
}

/// So many files are worth a thread of their own.
const SHARE: usize = 64;

/// The folder of the requirements.
const RULES: &str = "rules";

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// How many folders deep cases may lie.
const DEPTH: usize = 16;

static SUITES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/suites");
