//! A careful estimate of how many bits an opaque value can hold, from its length and alphabet.

/// Upper bound, in bits, of what the value could hold: characters times bits a character of the smallest usual alphabet
/// that contains them all. A bound, not a measure: a value below 128 bits by this count is certainly too short
/// (OAuth 2.1 section 7.7); one above may still be predictable.
#[must_use]
pub fn upper_bound_bits(value: &str) -> f64 {
    let body = uuid_body(value).unwrap_or_else(|| value.to_owned());
    let alphabet = if body.chars().all(|c| c.is_ascii_digit()) {
        10.0
    } else if body.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
        || body.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c))
    {
        16.0
    } else if body.chars().all(|c| c.is_ascii_alphanumeric()) {
        62.0
    } else {
        64.0
    };
    f64::from(u32::try_from(body.chars().count()).unwrap_or(u32::MAX)) * f64::log2(alphabet)
}

/// The part in which a set of values differ at all: the common prefix and suffix removed from each, so that
/// `test_auth_code_` does not count as randomness.
#[must_use]
pub fn varying_parts(values: &[String]) -> Vec<String> {
    let Some(first) = values.first() else { return Vec::new() };
    let common = |reverse: bool| {
        let chars = |v: &String| -> Vec<char> { if reverse { v.chars().rev().collect() } else { v.chars().collect() } };
        let lead = chars(first);
        values.iter().map(|v| lead.iter().zip(chars(v)).take_while(|(a, b)| **a == *b).count()).min().unwrap_or(0)
    };
    if values.len() < 2 {
        return values.to_vec();
    }
    // What a few random values share by chance is a character or two.
    let cut = |shared: usize| if shared < 3 { 0 } else { shared };
    let (head, tail) = (cut(common(false)), cut(common(true)));
    values
        .iter()
        .map(|v| {
            let chars: Vec<char> = v.chars().collect();
            let end = chars.len().saturating_sub(tail).max(head.min(chars.len()));
            chars[head.min(end)..end].iter().collect()
        })
        .collect()
}

/// A UUID carries 122 random bits in 32 hexadecimal digits; dashes are no randomness.
fn uuid_body(value: &str) -> Option<String> {
    let parts: Vec<_> = value.split('-').map(str::len).collect();
    (parts == [8, 4, 4, 4, 12] && value.chars().all(|c| c == '-' || c.is_ascii_hexdigit()))
        .then(|| value.replace('-', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_alphabets() {
        assert!(upper_bound_bits("123456") < 20.0);
        assert!((upper_bound_bits("0123456789abcdef0123456789abcdef") - 128.0).abs() < 0.1);
        assert!((upper_bound_bits("6ba7b810-9dad-11d1-80b4-00c04fd430c8") - 128.0).abs() < 0.1);
        assert!(upper_bound_bits("Zm9vYmFyYmF6cXV1eDEyMzQ1Njc4OTA") > 128.0);
    }

    #[test]
    fn leaves_out_what_is_common() {
        let parts = varying_parts(&["code_0001_end".into(), "code_0002_end".into()]);
        assert_eq!(parts, ["1", "2"]);
        assert_eq!(varying_parts(&["a1b2z".into(), "a3c4z".into()]), ["a1b2z", "a3c4z"], "that may be chance");
        assert_eq!(varying_parts(&["same".into(), "same".into()]), ["", ""]);
    }
}
