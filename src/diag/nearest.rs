//! The known word that a misspelt one was probably meant to be.

/// The word of `known` that `word` is a slip of, if one is really near.
///
/// Near means: at most one edit (insertion, deletion, substitution, swap of neighbours) for up to four characters, two
/// for up to eight, and one in four of the characters for longer words; or the same words in another order or separated
/// by other marks (`redirectUri` for `redirect-uri`). Among equally near words the first one wins. An exact match is no
/// slip and is never offered.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = flatten(word);
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in known.into_iter().filter(|candidate| *candidate != word) {
        let distance = strsim::damerau_levenshtein(&plain, &flatten(candidate));
        let near = distance <= tolerance(plain.chars().count().max(candidate.chars().count()));
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Lower case with every separator as `-`, so that writing habits do not count as edits.
fn flatten(word: &str) -> String {
    let mut flat = String::with_capacity(word.len() + 2);
    let mut after_lower = false;
    for character in word.chars() {
        if character.is_uppercase() && after_lower {
            flat.push('-');
        }
        after_lower = character.is_lowercase();
        match character {
            '_' | ' ' => flat.push('-'),
            other => flat.extend(other.to_lowercase()),
        }
    }
    flat
}

/// How many edits a word of `length` characters may be away.
fn tolerance(length: usize) -> usize {
    match length {
        0..=1 => 0,
        2..=4 => 1,
        5..=8 => 2,
        longer => longer / 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_the_nearest_word() {
        let known = ["authorize", "register", "token", "call"];
        assert_eq!(nearest("autorize", known), Some("authorize"));
        assert_eq!(nearest("tokne", known), Some("token"));
        assert_eq!(nearest("cal", known), Some("call"));
    }

    #[test]
    fn offers_nothing_that_is_not_near() {
        let known = ["authorize", "register", "token", "call"];
        assert_eq!(nearest("discover", known), None);
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn forgives_other_separators_and_case() {
        assert_eq!(nearest("redirectUri", ["redirect-uri"]), Some("redirect-uri"));
        assert_eq!(nearest("redirect_uri", ["redirect-uri"]), Some("redirect-uri"));
        assert_eq!(nearest("Token", ["token"]), Some("token"));
    }

    #[test]
    fn never_offers_the_word_itself() {
        assert_eq!(nearest("token", ["token"]), None);
    }
}
