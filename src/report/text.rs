//! Text for people: harmless, bounded, wrapped by columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::diag::escape;

/// Makes text of a target harmless and one line of at most `bound` characters: what a terminal would obey is written out as
/// `\u{1b}`, line breaks become spaces.
pub(super) fn tidy(text: &str, bound: usize) -> String {
    let mut letters = text.chars();
    let mut out: String =
        letters.by_ref().take(bound).map(|letter| if breaks(letter) { ' ' } else { letter }).collect();
    if letters.next().is_some() {
        out.push('…');
    }
    escape(&out).into_owned()
}

/// Breaks text at spaces into lines of at most `width` columns; a longer word is broken where the line ends. Spaces inside a
/// line stay as they are.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut room = width;
    let mut gap = 0;
    for word in text.split(' ') {
        if word.is_empty() {
            gap += 1;
            continue;
        }
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            room = width;
        } else if gap + columns(word) <= room {
            line.push_str(&" ".repeat(gap));
            room -= gap;
        } else {
            lines.push(String::new());
            room = width;
        }
        room = append(&mut lines, word, room, width);
        gap = 1;
    }
    lines
}

/// Cuts text to at most `width` columns, with an ellipsis if something is lost.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut room = width.saturating_sub(1);
    for letter in text.chars() {
        let taken = letter.width().unwrap_or(0);
        if taken > room {
            break;
        }
        room -= taken;
        out.push(letter);
    }
    out.push('…');
    out
}

/// The columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// `1 warning`, `2 warnings`.
pub(super) fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `340 ms`, `1.3 s`, `2 min 5 s`.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// Appends a word letter by letter, on new lines where the room ends; the room that is left.
fn append(lines: &mut Vec<String>, word: &str, mut room: usize, width: usize) -> usize {
    for letter in word.chars() {
        let taken = letter.width().unwrap_or(0);
        if taken > room {
            lines.push(String::new());
            room = width;
        }
        lines.last_mut().expect("there is always a line").push(letter);
        room = room.saturating_sub(taken);
    }
    room
}

fn breaks(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_not_sent() {
        assert_eq!(tidy("a\u{1b}[31mb\r\nc\u{202e}d\u{9b}", 99), "a\\u{1b}[31mb  c\\u{202e}d\\u{9b}");
        assert_eq!(tidy("abcdef", 3), "abc…");
        assert_eq!(tidy("abc", 3), "abc");
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let text = "ordinary words, 漢字漢字漢字漢字 and averyveryverylongwordthatdoesnotfitanywhere x";
        for width in 2..60 {
            let lines = wrap(text, width);
            assert!(lines.iter().all(|line| columns(line) <= width), "{width}: {lines:?}");
            let letters: String = lines.concat().split(' ').collect();
            assert_eq!(letters, text.split(' ').collect::<String>());
        }
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one  two   three", 8), ["one  two", "three"]);
        assert_eq!(wrap("", 7), [""]);
    }

    #[test]
    fn cutting_says_that_it_cut() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("漢字漢字", 4), "漢…");
        assert_eq!(cut("abcd", 4), "abcd");
    }

    #[test]
    fn durations_read_well() {
        let read: Vec<String> = [999, 1_349, 61_000].into_iter().map(duration).collect();
        assert_eq!(read, ["999 ms", "1.3 s", "1 min 1 s"]);
    }
}
