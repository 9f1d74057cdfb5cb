//! Text from outside, made safe to show on a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with everything written out that a terminal would act on or hide: control characters except tab, and the
/// marks that turn the writing direction or have no width.
///
/// `\n` and `\r` are written out as well, so the result is always one line. A written-out character looks like
/// `\u{1b}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        push_escaped(&mut shown, character);
    }
    Cow::Owned(shown)
}

/// Appends `character` to `shown` as [`escape`] shows it.
pub(super) fn push_escaped(shown: &mut String, character: char) {
    match character {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        hostile if is_hostile(hostile) => {
            write!(shown, "\\u{{{:x}}}", u32::from(hostile)).expect("a String takes every write");
        }
        harmless => shown.push(harmless),
    }
}

/// Whether a terminal would do something with `character` other than draw it.
pub fn is_hostile(character: char) -> bool {
    let invisible = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    (character.is_control() && character != '\t') || invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_ordinary_text_alone() {
        assert!(matches!(escape("a\tb ü 漢"), Cow::Borrowed("a\tb ü 漢")));
    }

    #[test]
    fn writes_out_what_a_terminal_would_act_on() {
        assert_eq!(escape("a\u{1b}[31m\r\n\u{7}b"), "a\\u{1b}[31m\\r\\n\\u{7}b");
        assert_eq!(escape("x\u{202e}y\u{200b}"), "x\\u{202e}y\\u{200b}");
        assert_eq!(escape("\u{9b}31m"), "\\u{9b}31m");
    }
}
