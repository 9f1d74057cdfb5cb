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
    while let Some(open) = bytes[at..].iter().position(|byte| *byte == b'<') {
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
    name: String,
    text: &'a [u8],
    /// Attributes, counted generously: white space, slashes and quoted values.
    attributes: usize,
}

impl<'a> Load<'a> {
    /// Adds a tag; false once it is too much.
    fn add(&mut self, tag: &Tag<'a>, is_end: bool) -> bool {
        let name = tag.name.as_str();
        // A shape of a drawing closes itself, but only within the drawing; some are given the benefit of the doubt.
        let is_shape = SHAPES.contains(&name) && tag.text.ends_with(b"/") && self.shapes < MOST_SHAPES;
        self.shapes += usize::from(is_shape);
        match (FLAT.contains(&name) || is_shape, is_end) {
            (true, _) => {}
            (false, true) => self.depth = self.depth.saturating_sub(1),
            (false, false) => self.depth += 1,
        }
        if !is_end && FORMATTING.contains(&name) {
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
        let name = String::from_utf8_lossy(&bytes[..name_end.min(LONGEST_NAME)]).to_ascii_lowercase();
        Tag { name, text: &bytes[..end], attributes }
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

/// Elements that have no content, or that their next sibling closes.
const FLAT: [&str; 22] = [
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "source", "td", "th", "tr", "track", "wbr",
];

/// Elements that the parser opens again in the next block if they were not closed.
const FORMATTING: [&str; 14] =
    ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Elements of drawings that usually close themselves.
const SHAPES: [&str; 9] = ["circle", "ellipse", "image", "line", "path", "polygon", "polyline", "rect", "use"];

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
