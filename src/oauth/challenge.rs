//! `WWW-Authenticate` as RFC 9110 section 11.6.1 writes it: one or more challenges in one or more header lines.

/// One challenge of a `WWW-Authenticate` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The authentication scheme as sent, for instance `Bearer`.
    pub scheme: String,
    /// The parameters in the order sent; names in lower case, values unquoted.
    pub params: Vec<(String, String)>,
    /// The token68 form, if the scheme used it instead of parameters.
    pub token68: Option<String>,
}

impl Challenge {
    /// The first value of a parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Names of parameters that occur more than once (forbidden by RFC 6750 section 3).
    #[must_use]
    pub fn duplicates(&self) -> Vec<String> {
        let mut seen = Vec::new();
        let mut twice = Vec::new();
        for (name, _) in &self.params {
            if seen.contains(&name) && !twice.contains(name) {
                twice.push(name.clone());
            }
            seen.push(name);
        }
        twice
    }
}

/// Reads the challenges of all `WWW-Authenticate` lines of a response. Malformed parts end the challenge they stand in;
/// nothing is invented for them.
#[must_use]
pub fn parse(lines: &[&str]) -> Vec<Challenge> {
    lines.iter().flat_map(|line| parse_line(line)).collect()
}

fn parse_line(line: &str) -> Vec<Challenge> {
    let mut out: Vec<Challenge> = Vec::new();
    for item in split_list(line) {
        let item = item.trim();
        let (head, rest) = match item.split_once(|c: char| c.is_ascii_whitespace()) {
            Some((head, rest)) => (head, rest.trim()),
            None => (item, ""),
        };
        if !head.contains('=') && is_token(head) {
            // A bare word, or a word followed by the first parameter, opens a challenge.
            let mut challenge = Challenge { scheme: head.to_owned(), params: Vec::new(), token68: None };
            if let Some(param) = parameter(rest) {
                challenge.params.push(param);
            } else if !rest.is_empty() {
                challenge.token68 = Some(rest.to_owned());
            }
            out.push(challenge);
        } else if let (Some(open), Some(param)) = (out.last_mut(), parameter(item)) {
            open.params.push(param);
        }
    }
    out
}

/// Splits at commas that do not stand in a quoted string.
fn split_list(line: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                items.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&line[start..]);
    items.retain(|item| !item.trim().is_empty());
    items
}

fn parameter(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if !is_token(name) || value.is_empty() || value.chars().all(|c| c == '=') {
        return None;
    }
    Some((name.to_ascii_lowercase(), unquote(value)))
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

/// A token of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_bearer_challenge() {
        let all = parse(&[r#"Bearer resource_metadata="https://h/x,y", scope="a b", error=invalid_token"#]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].scheme, "Bearer");
        assert_eq!(all[0].param("resource_metadata"), Some("https://h/x,y"));
        assert_eq!(all[0].param("error"), Some("invalid_token"));
    }

    #[test]
    fn reads_several_schemes_in_one_line_and_in_several() {
        let all = parse(&[r#"Basic realm="x", Bearer scope="a", DPoP algs="ES256""#, "Negotiate", "NTLM dGVzdA=="]);
        let schemes: Vec<_> = all.iter().map(|c| c.scheme.as_str()).collect();
        assert_eq!(schemes, ["Basic", "Bearer", "DPoP", "Negotiate", "NTLM"]);
        assert_eq!(all[4].token68.as_deref(), Some("dGVzdA=="));
    }

    #[test]
    fn keeps_duplicates_and_escapes() {
        let all = parse(&[r#"Bearer scope="a", scope="b", error_description="say \"no\"""#]);
        assert_eq!(all[0].duplicates(), ["scope"]);
        assert_eq!(all[0].param("error_description"), Some(r#"say "no""#));
    }

    #[test]
    fn hostile_headers_do_not_panic() {
        for line in ["", ",,,", "=", "Bearer =", "\"", "Bearer x=\"\\", "ü é=1", "{\"error\":\"x\"}"] {
            let _ = parse(&[line]);
        }
        assert!(parse(&["{\"error\":\"x\"}"]).is_empty());
    }
}
