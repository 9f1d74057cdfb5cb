//! Command lines as a shell reads them, for what is shown to be repeated by hand.

/// A word as a shell takes it: brackets of an address and question marks are patterns there.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_alphanumeric() || "-_./:@%+=,".contains(c));
    if plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The words of a command line as it was written, each with its quotes: a blank within them ends none.
#[must_use]
pub fn shell_words(command: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for letter in command.chars() {
        if letter.is_whitespace() && !quoted && !escaped {
            words.push(std::mem::take(&mut word));
            continue;
        }
        quoted ^= letter == '\'' && !escaped;
        escaped = letter == '\\' && !quoted && !escaped;
        word.push(letter);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{shell_word, shell_words};

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_more_into_it() {
        for (word, written) in [
            ("mine.toml", "mine.toml"),
            ("http://[::1]:3000/mcp", "'http://[::1]:3000/mcp'"),
            ("my profiles/a.toml", "'my profiles/a.toml'"),
            ("it's mine.toml", r"'it'\''s mine.toml'"),
            ("", "''"),
        ] {
            assert_eq!(shell_word(word), written);
        }
    }

    #[test]
    fn quoted_words_stay_whole() {
        assert_eq!(shell_words("authspec run  consent-proxy"), ["authspec", "run", "consent-proxy"]);
        let quoted = r"authspec run 'my profiles/a.toml' --suites 'it'\''s mine/suites'";
        let words = ["authspec", "run", "'my profiles/a.toml'", "--suites", r"'it'\''s mine/suites'"];
        assert_eq!(shell_words(quoted), words);
    }
}
