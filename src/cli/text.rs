//! Printing for people: colours only where they show, no broken pipe, no control characters of others.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::{LazyLock, OnceLock};

use authspec::diag::{self, Diagnostic};
use authspec::report::{Look, wrap};
use regex::Regex;

/// Prints a line; a closed pipe is nobody's fault. What else goes wrong is told at the end.
pub fn line(text: &str) {
    if let Err(error) = writeln!(anstream::stdout().lock(), "{text}")
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error.to_string());
    }
}

/// Why a line could not be printed, if one could not.
pub fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

static LOST: OnceLock<String> = OnceLock::new();

/// Prints an error: what was wrong, where, what to do next.
pub fn error(text: &str) {
    let bold = anstyle::AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{bold}error{bold:#}: {}", laid_out(text, "error: ".len()));
}

/// Prints a remark that is no result.
pub fn remark(text: &str) {
    anstream::eprintln!("{}", laid_out(text, 0));
}

/// A message for standard error: broken into lines where people read it, and left whole where a program may look for it.
fn laid_out(text: &str, prefix: usize) -> String {
    let text = masked(text);
    if !std::io::stderr().is_terminal() {
        return text;
    }
    let lines = text.lines().flat_map(|line| match line.starts_with(' ') {
        true => vec![line.to_owned()],
        false => wrap(line, look().width().saturating_sub(prefix)),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A text for standard error, which is a log in CI: without tokens that somebody gave in the wrong place, and without the passwords of
/// URLs.
pub fn masked(text: &str) -> String {
    static JWT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,4}").ok());
    static PASSWORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(://[^/\s:@]*):[^/\s@]+@").ok());
    let text = JWT.as_ref().map_or(text.into(), |jwt| jwt.replace_all(text, "<token>"));
    PASSWORD.as_ref().map_or(text.to_string(), |password| password.replace_all(&text, "$1:<password>@").into_owned())
}

/// Prints complaints and gives the exit code for wrong case files.
pub fn slips(slips: &[Diagnostic]) -> u8 {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    anstream::eprintln!("{}", diag::render(slips, colour));
    error(&format!("{}; nothing was run", plural(slips.len(), "slip")));
    super::WRONG_CASE
}

/// `1 case`, `2 cases`.
pub fn plural(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// How standard output looks: its width and whether it shows colours.
pub fn look() -> Look {
    let terminal = std::io::stdout().is_terminal();
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let width = columns.or_else(|| terminal.then(terminal_width).flatten());
    Look::new(width, colour)
}

/// Width of the terminal, if there is one.
fn terminal_width() -> Option<usize> {
    let (_, columns) = indicatif_width()?;
    (columns > 0).then_some(usize::from(columns))
}

fn indicatif_width() -> Option<(u16, u16)> {
    console::Term::stdout().size_checked()
}
