//! Text from outside, redacted and cut to a size that a report can hold.

use super::vault::Vault;
use crate::diag::escape;

/// One line of text: redacted, control characters written out, bounded.
pub(super) fn line(text: &str, vault: &Vault) -> String {
    let (head, was_cut) = window(text);
    let masked = vault.redact(head);
    let masked = if was_cut { without_ragged_end(&masked) } else { &masked };
    let shown = escaped_line(masked);
    if was_cut { format!("{shown} ... ({} bytes)", text.len()) } else { shown }
}

/// One line of text that was redacted already: control characters written out, bounded.
pub(super) fn escaped_line(masked: &str) -> String {
    cut(&escape(masked), LONGEST_LINE)
}

/// A body: as text, or only its size if it is `binary`. `is_part` says that there was more than `bytes`.
pub(super) fn body(bytes: &[u8], media_type: Option<&str>, is_part: bool, vault: &Vault) -> String {
    if is_binary(bytes, media_type) {
        let kind = line(media_type.unwrap_or("unknown type"), vault);
        return format!("<{} bytes of {kind}>", bytes.len());
    }
    let seen = &bytes[..bytes.len().min(WINDOW)];
    let masked = vault.redact(&String::from_utf8_lossy(seen));
    let was_cut = is_part || seen.len() < bytes.len();
    let masked = if was_cut { without_ragged_end(&masked) } else { &masked };
    let lines: Vec<_> = masked.split('\n').map(|line| escape(line.strip_suffix('\r').unwrap_or(line))).collect();
    let shown = cut(&lines.join("\n"), LONGEST_BODY);
    match (is_part, was_cut) {
        (true, _) => format!("{shown}\n... (cut after {} bytes)", bytes.len()),
        (false, true) => format!("{shown}\n... ({} bytes)", bytes.len()),
        (false, false) => shown,
    }
}

/// As much of `text` as is looked at, and whether there is more.
pub(super) fn window(text: &str) -> (&str, bool) {
    let head = start(text, WINDOW);
    (head, head.len() < text.len())
}

fn is_binary(bytes: &[u8], media_type: Option<&str>) -> bool {
    let says_so = media_type.is_some_and(|kind| {
        let family = kind.split('/').next().unwrap_or_default();
        matches!(family, "audio" | "font" | "image" | "video") && kind != "image/svg+xml" || BINARY.contains(&kind)
    });
    says_so || bytes[..bytes.len().min(LONGEST_BODY)].contains(&0)
}

/// Where text was cut, a secret may have been cut as well, and half a secret is not found: the last word goes.
fn without_ragged_end(text: &str) -> &str {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '&' | ',' | ';');
    text.rfind(is_end).map_or("", |at| start(text, at + 1))
}

fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let head = start(text, limit);
    // A label that was cut in two would be read as text.
    let open = head.rfind('<').filter(|open| !head[*open..].contains('>'));
    let head = match open {
        Some(open) if head.len() - open < LONGEST_LABEL => &head[..open],
        _ => head,
    };
    format!("{head} ... ({} bytes more)", text.len() - head.len())
}

/// At most the first `limit` bytes, whole characters only.
fn start(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at));
    &text[..end.unwrap_or(0)]
}

/// Bytes of a body that are shown.
const LONGEST_BODY: usize = 4 * 1024;

/// Bytes of a URL or a header field that are shown.
const LONGEST_LINE: usize = 2 * 1024;

/// No label is longer than this.
const LONGEST_LABEL: usize = 32;

/// Bytes that are searched for secrets; what stands behind is not shown.
const WINDOW: usize = 64 * 1024;

/// Media types that are not text, besides pictures, sounds, films and fonts.
const BINARY: [&str; 4] = ["application/octet-stream", "application/pdf", "application/wasm", "application/zip"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Secret;

    fn whole(media_type: &str, bytes: &[u8]) -> String {
        body(bytes, Some(media_type), false, &Vault::default())
    }

    #[test]
    fn bounds_and_escapes() {
        assert_eq!(whole("text/plain", b"a\x1b[31m\r\nb"), "a\\u{1b}[31m\nb");
        assert_eq!(whole("image/png", &[1; 512]), "<512 bytes of image/png>");
        assert_eq!(whole("text/html", b"a\0b"), "<3 bytes of text/html>");
        assert!(whole("text/plain", "ü".repeat(10_000).as_bytes()).len() < 4200);
        assert!(line(&"x ".repeat(1 << 20), &Vault::default()).len() < 2200);
    }

    #[test]
    fn a_secret_that_is_cut_at_the_edge_does_not_show() {
        let vault = Vault::default();
        let secret = "0123456789abcdef".repeat(4);
        vault.learn(Secret::AccessToken, &secret);
        let text = format!("{secret} {}", &secret[..40]);
        assert_eq!(body(text.as_bytes(), None, true, &vault), "<access token 1> \n... (cut after 105 bytes)");
    }

    #[test]
    fn labels_are_not_cut_in_two() {
        let text = format!("{}<access token 1> and more", "x".repeat(LONGEST_LINE - 5));
        assert!(escaped_line(&text).ends_with("x ... (25 bytes more)"));
    }
}
