//! Complaints as text: the author's own line, carets under it, and the help.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::escape::push_escaped;
use super::{Diagnostic, escape};

/// `diagnostics` in the given order, each with its line of source, carets and help, an empty line between them, and a
/// line end after the last; the empty text for no diagnostics.
///
/// With `colour` the text holds ANSI escapes; everything that came out of a source is escaped in either case.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled().hyperlink(false) } else { Renderer::plain() }.term_width(WIDTH);
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        render_one(&renderer, diagnostic, &mut text);
    }
    text
}

/// The widest line that an excerpt may have; longer lines are cut around the carets.
const WIDTH: usize = 100;

fn render_one(renderer: &Renderer, diagnostic: &Diagnostic, text: &mut String) {
    let name = escape(&diagnostic.source.name);
    let label = escape(&diagnostic.label);
    let excerpt = Excerpt::new(&diagnostic.source.text, &diagnostic.span);
    let annotation = AnnotationKind::Primary.span(excerpt.span).label((!label.is_empty()).then_some(&*label));
    let snippet = Snippet::source(excerpt.line).path(&*name).line_start(excerpt.number).annotation(annotation);
    let title = Level::ERROR.primary_title(escape(&diagnostic.message)).id(diagnostic.code);
    let group: Group<'_> = title.element(snippet);
    let help = diagnostic.help.as_deref().map(|help| Level::HELP.message(escape(help)));
    text.push_str(&renderer.render(&[group.elements(help)]));
    text.push('\n');
}

/// The line in which a span begins, escaped, and the span in that line.
struct Excerpt {
    line: String,
    number: usize,
    span: Range<usize>,
}

impl Excerpt {
    fn new(text: &str, span: &Range<usize>) -> Self {
        let start = floor(text, span.start);
        let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let to = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let whole = text[from..to].trim_end_matches('\r');
        let end = floor(text, span.end).clamp(start, from + whole.len().max(start - from));
        let mut line = String::with_capacity(whole.len());
        let mut shown = 0..0;
        for (at, character) in whole.char_indices() {
            if from + at == start {
                shown.start = line.len();
            }
            push_escaped(&mut line, character);
            if from + at < end {
                shown.end = line.len();
            }
        }
        if start >= from + whole.len() {
            shown.start = line.len();
        }
        shown.end = shown.end.max(shown.start);
        Self { number: 1 + text[..from].matches('\n').count(), line, span: shown }
    }
}

/// The nearest character boundary of `text` at or before `offset`.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    fn complaint(text: &str, span: Range<usize>) -> Diagnostic {
        Diagnostic::new("some-code", &Source::new("a.toml", text), span, "this is wrong").label("here")
    }

    #[test]
    fn shows_line_carets_and_help() {
        let shown = render(&[complaint("title = \"x\"\nneed = []\n", 12..16).help("write `needs`")], false);
        insta::assert_snapshot!(shown, @r#"
        error[some-code]: this is wrong
         --> a.toml:2:1
          |
        2 | need = []
          | ^^^^ here
          |
          = help: write `needs`
        "#);
    }

    #[test]
    fn survives_every_span() {
        let text = "ä\r\n\tb\u{1b}\n";
        for start in 0..text.len() + 3 {
            for end in start..text.len() + 3 {
                let shown = render(&[complaint(text, start..end)], false);
                assert!(shown.contains("a.toml"), "{start}..{end}: {shown}");
                assert!(!shown.contains('\u{1b}'), "{start}..{end}: {shown}");
            }
        }
        assert!(render(&[complaint("", 0..0)], false).contains("this is wrong"));
    }

    #[test]
    fn escapes_what_a_terminal_would_act_on() {
        let shown = render(&[complaint("a = \"\u{1b}[31mred\"\n", 4..13)], false);
        insta::assert_snapshot!(shown, @r#"
        error[some-code]: this is wrong
         --> a.toml:1:5
          |
        1 | a = "\u{1b}[31mred"
          |     ^^^^^^^^^^^^^^ here
        "#);
    }

    #[test]
    fn colours_on_request_only() {
        let complaints = [complaint("a = 1\n", 0..1)];
        assert!(render(&complaints, true).contains('\u{1b}'));
        assert!(!render(&complaints, false).contains('\u{1b}'));
    }

    #[test]
    fn cuts_long_lines() {
        let text = format!("a = \"{}\" # {}\n", "x".repeat(5000), "y".repeat(5000));
        let shown = render(&[complaint(&text, 4..9)], false);
        assert!(shown.lines().all(|line| line.chars().count() <= 120), "{shown}");
    }
}
