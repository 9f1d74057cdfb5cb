//! A look at markup before it is parsed: whether parsing it is bounded.
//!
//! The parser takes time in the square of the nesting and of the number of attributes of one tag, and it repeats
//! unclosed formatting elements (`<b>`, `<font color=x>`) in every block that follows. No page that a person could use
//! comes near these limits; a hostile one could otherwise keep the harness busy for minutes, or fill its memory.

use std::collections::HashSet;

/// Whether `text` nests and repeats no further than any real page.
pub(super) fn is_bounded(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut load = Load::default();
    let mut at = 0;
    while let Some(open) = text[at..].find('<') {
        at += open + 1;
        let is_end = bytes.get(at) == Some(&b'/');
        let start = at + usize::from(is_end);
        if !bytes.get(start).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let tag = Tag::at(&bytes[start..]);
        at = start + tag.text.len();
        if !load.add(&tag, is_end) {
            return false;
        }
    }
    true
}

/// What the tags so far cost the parser.
#[derive(Default)]
struct Load<'a> {
    depth: usize,
    shapes: usize,
    /// Different formatting tags; the parser keeps up to three of each.
    formatting: HashSet<&'a [u8]>,
    repeated: usize,
}

/// One tag up to its `>` outside of quotes.
struct Tag<'a> {
    name: &'a [u8],
    text: &'a [u8],
    /// Attributes, counted generously: white space, slashes and quoted values.
    attributes: usize,
}

impl<'a> Load<'a> {
    /// Adds a tag; false once it is too much.
    fn add(&mut self, tag: &Tag<'a>, is_end: bool) -> bool {
        let mut name = [0; LONGEST_NAME];
        let length = tag.name.len().min(LONGEST_NAME);
        name[..length].copy_from_slice(&tag.name[..length]);
        name.make_ascii_lowercase();
        let name = &name[..length];
        // A shape of a drawing closes itself, but only within the drawing; some are given the benefit of the doubt.
        let is_shape = is_shape(name) && tag.text.ends_with(b"/") && self.shapes < MOST_SHAPES;
        self.shapes += usize::from(is_shape);
        match (is_flat(name) || is_shape, is_end) {
            (true, _) => {}
            (false, true) => self.depth = self.depth.saturating_sub(1),
            (false, false) => self.depth += 1,
        }
        if !is_end && is_formatting(name) {
            self.formatting.insert(tag.text);
        }
        self.repeated += self.formatting.len();
        self.depth <= DEEPEST && tag.attributes <= MOST_ATTRIBUTES && self.repeated <= MOST_REPEATED
    }
}

impl Tag<'_> {
    /// The tag whose name starts here.
    fn at(bytes: &[u8]) -> Tag<'_> {
        let name_end = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(bytes.len());
        let mut quote = None;
        let mut attributes = 0;
        let mut end = bytes.len();
        for (at, byte) in bytes.iter().enumerate().skip(name_end) {
            match (quote, byte) {
                (Some(open), byte) if open == byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => {
                    quote = Some(byte);
                    attributes += 1;
                }
                (None, b'>') => {
                    end = at;
                    break;
                }
                (None, b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' | b'/') => attributes += 1,
                (None, _) => {}
            }
        }
        Tag { name: &bytes[..name_end], text: &bytes[..end], attributes }
    }
}

/// Nesting that is still parsed; browsers stop at 512, real pages stay below 100.
const DEEPEST: usize = 256;

/// Attributes of one tag that are still parsed.
const MOST_ATTRIBUTES: usize = 4000;

/// Shapes of drawings that count as closed.
const MOST_SHAPES: usize = 2000;

/// Tags times different formatting tags before them.
const MOST_REPEATED: usize = 500_000;

/// Longer names are no names of HTML.
const LONGEST_NAME: usize = 16;

/// Whether an element has no content, or is closed by its next sibling.
fn is_flat(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"br"
            | b"col"
            | b"dd"
            | b"dt"
            | b"embed"
            | b"hr"
            | b"img"
            | b"input"
            | b"li"
            | b"link"
            | b"meta"
            | b"option"
            | b"p"
            | b"param"
            | b"source"
            | b"td"
            | b"th"
            | b"tr"
            | b"track"
            | b"wbr"
    )
}

/// Whether the parser opens an element again in the next block if it was not closed.
fn is_formatting(name: &[u8]) -> bool {
    matches!(
        name,
        b"a" | b"b"
            | b"big"
            | b"code"
            | b"em"
            | b"font"
            | b"i"
            | b"nobr"
            | b"s"
            | b"small"
            | b"strike"
            | b"strong"
            | b"tt"
            | b"u"
    )
}

/// Whether an element of a drawing usually closes itself.
fn is_shape(name: &[u8]) -> bool {
    matches!(name, b"circle" | b"ellipse" | b"image" | b"line" | b"path" | b"polygon" | b"polyline" | b"rect" | b"use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_pages_are_bounded() {
        assert!(is_bounded(&"<div><p>a<br><input name=x value='<>'></div>".repeat(5000)));
        assert!(is_bounded(&format!("<img src=\"data:image/png;base64,{}\">", "ab/+ ".repeat(50_000))));
        assert!(is_bounded(&"<a href=x><b>y</b></a><svg><path d='M0 0'/></svg>".repeat(500)));
        assert!(is_bounded("a < b, <3, <!-- --> </ <"));
    }

    #[test]
    fn hostile_ones_are_not() {
        assert!(!is_bounded(&"<div>".repeat(2000)));
        assert!(!is_bounded(&"<path/>".repeat(20_000)));
        assert!(!is_bounded(&format!("<a {}>", "x=1 ".repeat(5000))));
        assert!(!is_bounded(&format!("<a {}>", "x='1'".repeat(5000))));
        let many: String = (0..1000).map(|index| format!("<p><b id={index}></p>")).collect();
        assert!(!is_bounded(&many));
        assert!(!is_bounded(&format!("<p><b><i><u><s><tt>{}", "<p>x</p>".repeat(100_000))));
    }
}
