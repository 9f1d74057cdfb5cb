//! Reads a TOML tree by hand, so that every slip of a file is reported at once, each with its place.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::words::Word;
use crate::diag::{Diagnostic, Source, nearest};

/// A value with its place in the file.
pub type Entry<'i> = Spanned<DeValue<'i>>;

/// The complaints about one file.
pub struct Slips {
    source: Source,
    found: Vec<Diagnostic>,
    masked: Vec<Range<usize>>,
}

impl Slips {
    /// No complaint about `source` yet.
    pub fn new(source: Source) -> Self {
        Self { source, found: Vec::new(), masked: Vec::new() }
    }

    /// Notes a slip: what is wrong, and what to write beside the carets.
    pub fn add(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) {
        self.found.push(Diagnostic::new(code, &self.source, span, message).label(label));
    }

    /// Notes a slip with advice.
    pub fn advise(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.found.push(Diagnostic::new(code, &self.source, span, message).label(label).help(help));
    }

    /// Blots out a place of the file in every complaint: no excerpt may show a secret, whatever else is wrong on its
    /// line.
    pub fn mask(&mut self, span: Range<usize>) {
        self.masked.push(span);
    }

    /// The source as excerpts may show it.
    pub fn shown_source(&self) -> Source {
        let mut bytes = self.source.text.as_bytes().to_vec();
        for span in &self.masked {
            for byte in bytes[span.clone()].iter_mut().filter(|byte| **byte != b'\n') {
                *byte = b'*';
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Source::new(self.source.name.clone(), text)
    }

    /// Notes a word that is not in a list, with the nearest that is.
    pub fn unknown(&mut self, span: Range<usize>, kind: &str, word: &str, known: &[&str]) {
        self.misspelt(span, format!("unknown {kind} `{word}`"), word, known);
    }

    fn misspelt(&mut self, span: Range<usize>, message: String, word: &str, known: &[&str]) {
        match nearest(word, known.iter().copied()) {
            Some(near) => self.add("unknown-word", span, message, format!("did you mean `{near}`?")),
            None if known.is_empty() || known.len() > SHORT_LIST => self.add("unknown-word", span, message, ""),
            None => self.advise("unknown-word", span, message, "", format!("known: {}", known.join(", "))),
        }
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All complaints in the order of the file.
    pub fn into_found(mut self) -> Vec<Diagnostic> {
        if !self.masked.is_empty() {
            let shown = self.shown_source();
            self.found.iter_mut().for_each(|slip| slip.source = shown.clone());
        }
        self.found.sort_by_key(|slip| slip.span.start);
        self.found
    }

    /// The document as a tree; syntax errors are noted, and whatever could be read is returned.
    pub fn parse<'i>(&mut self, text: &'i str) -> Section<'i> {
        let (tree, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            self.add("toml", span, error.message(), "");
        }
        let span = tree.span();
        Section::new(String::new(), tree.into_inner(), span)
    }
}

/// A table of the file, consumed key by key; what is left at the end is unknown.
pub struct Section<'i> {
    name: String,
    entries: DeTable<'i>,
    span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'i> Section<'i> {
    /// A table with the name it has in complaints (empty for the document).
    pub fn new(name: String, entries: DeTable<'i>, span: Range<usize>) -> Self {
        Self { name, entries, span, known: Vec::new() }
    }

    /// The name of the table, such as `login`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the table stands: its header, or its braces.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether a key is there and not taken yet.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Takes a value out, of whatever type.
    pub fn take(&mut self, key: &'static str) -> Option<Entry<'i>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// Takes a text out.
    pub fn text(&mut self, key: &'static str, slips: &mut Slips) -> Option<Spanned<String>> {
        let entry = self.take(key)?;
        self.as_text(key, entry, slips)
    }

    /// Takes a text out that must be there and not be empty.
    pub fn required_text(&mut self, key: &'static str, slips: &mut Slips) -> Option<Spanned<String>> {
        let Some(entry) = self.take(key) else {
            self.missing(key, slips);
            return None;
        };
        let text = self.as_text(key, entry, slips)?;
        if text.get_ref().trim().is_empty() {
            slips.add("empty", text.span(), format!("`{}` is empty", self.path(key)), "");
            return None;
        }
        Some(text)
    }

    /// Takes one word of a vocabulary out.
    pub fn word<W: Word>(&mut self, key: &'static str, slips: &mut Slips) -> Option<W> {
        let text = self.text(key, slips)?;
        as_word(&text, slips)
    }

    /// Takes a whole number out that lies in `range`.
    pub fn number(&mut self, key: &'static str, range: Range<u64>, slips: &mut Slips) -> Option<u64> {
        let entry = self.take(key)?;
        let span = entry.span();
        let number = match entry.get_ref() {
            DeValue::Integer(digits) => {
                let text: String = digits.as_str().chars().filter(|c| *c != '_').collect();
                u64::from_str_radix(text.trim_start_matches('+'), digits.radix()).ok()
            }
            other => return self.mistyped(key, "a whole number", other, span, slips),
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                let label = format!("from {} to {}", range.start, range.end - 1);
                slips.add("range", span, format!("`{}` is out of range", self.path(key)), label);
                None
            }
        }
    }

    /// Takes a list of texts out; `None` if the key is absent or not a list.
    pub fn texts(&mut self, key: &'static str, slips: &mut Slips) -> Option<Vec<Spanned<String>>> {
        let entry = self.take(key)?;
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Array(items) => {
                Some(items.into_iter().filter_map(|item| self.as_text(key, item, slips)).collect())
            }
            other => self.mistyped(key, "a list of strings", &other, span, slips),
        }
    }

    /// Takes a table out.
    pub fn section(&mut self, key: &'static str, slips: &mut Slips) -> Option<Section<'i>> {
        let entry = self.take(key)?;
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Table(table) => Some(Section::new(self.path(key), table, span)),
            other => self.mistyped(key, "a table", &other, span, slips),
        }
    }

    /// Takes everything that is left out, in the order of the file: for tables whose keys are names the author chose.
    pub fn drain(&mut self) -> Vec<(Spanned<String>, Entry<'i>)> {
        let mut rest: Vec<_> = std::mem::take(&mut self.entries)
            .into_iter()
            .map(|(key, value)| (Spanned::new(key.span(), key.into_inner().into_owned()), value))
            .collect();
        rest.sort_by_key(|(key, _)| key.span().start);
        rest
    }

    /// Complains about whatever nobody took.
    pub fn finish(mut self, slips: &mut Slips) {
        for (key, _) in self.drain() {
            let word = key.get_ref();
            let message = match self.name.as_str() {
                "" => format!("unknown section `{word}`"),
                name => format!("unknown key `{word}` in [{name}]"),
            };
            slips.misspelt(key.span(), message, word, &self.known);
        }
    }

    /// Complains that a member is not there.
    pub fn missing(&self, key: &str, slips: &mut Slips) {
        let place = if self.name.is_empty() { "the file".to_owned() } else { format!("[{}]", self.name) };
        slips.add("missing", self.span(), format!("{place} has no `{key}`"), "");
    }

    /// Complains about the type of a value; always `None`, to be returned.
    pub fn mistyped<T>(
        &self,
        key: &str,
        wanted: &str,
        got: &DeValue<'_>,
        span: Range<usize>,
        slips: &mut Slips,
    ) -> Option<T> {
        let message = format!("`{}` must be {wanted}, not {}", self.path(key), kind_of(got));
        slips.add("type", span, message, format!("expected {wanted}"));
        None
    }

    /// A value as text.
    pub fn as_text(&self, key: &str, entry: Entry<'i>, slips: &mut Slips) -> Option<Spanned<String>> {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::String(text) => Some(Spanned::new(span, text.into_owned())),
            other => self.mistyped(key, "a string", &other, span, slips),
        }
    }

    /// The full name of a key: `login.users`.
    pub fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// One word of a vocabulary, or a complaint with the nearest one.
pub fn as_word<W: Word>(text: &Spanned<String>, slips: &mut Slips) -> Option<W> {
    let found = W::all().iter().copied().find(|known| known.word() == text.get_ref());
    if found.is_none() {
        let known: Vec<&str> = W::all().iter().map(|known| known.word()).collect();
        slips.unknown(text.span(), W::KIND, text.get_ref(), &known);
    }
    found
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Longest list of known words that is worth printing whole.
const SHORT_LIST: usize = 20;
