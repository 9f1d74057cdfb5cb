//! Plain pages: no script but that of a form which sends itself, no foreign content, everything from outside escaped.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use sha2::{Digest as _, Sha256};

use crate::reply::Reply;

/// A page of its own; `body` is HTML whose foreign parts went through [`escape`].
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Reply {
    let title = escape(title);
    Reply::html(
        status,
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
        ),
    )
}

/// A page that tells the user what is wrong, and goes nowhere.
pub(crate) fn error_page(status: StatusCode, code: &str, description: &str) -> Reply {
    let body = format!("<p>{}</p>\n<p><code>{}</code></p>", escape(description), escape(code));
    page(status, "This request cannot be answered", &body)
}

/// A page whose form goes to a client by itself, with these parameters (OAuth 2.0 Form Post Response Mode).
pub(crate) fn form_post(action: &str, params: &[(String, String)]) -> Reply {
    let field = |(name, value): &(String, String)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", exact(name), exact(value))
    };
    let fields: String = params.iter().map(field).collect();
    let body = format!(
        "<form method=\"post\" action=\"{}\">\n{fields}<noscript><button type=\"submit\">Continue</button></noscript>\n\
         </form>\n<script>{SUBMIT}</script>",
        exact(action)
    );
    let script = STANDARD.encode(Sha256::digest(SUBMIT));
    let policy = format!("{}; script-src 'sha256-{script}'", policy());
    page(StatusCode::OK, "Back to the application", &body).header(CONTENT_SECURITY_POLICY, &policy)
}

/// The page at the root: how to use this provider.
pub(crate) fn home(base_url: &str) -> Reply {
    let base_url = escape(base_url);
    let body = format!(
        "<p>Any path here is an issuer of its own, this one included: <code>{base_url}</code>, \
         <code>{base_url}/corp</code>, <code>{base_url}/tenants/a</code>.</p>\n\
         <p>Its metadata: <a href=\"/.well-known/oauth-authorization-server\">RFC 8414</a>, \
         <a href=\"/.well-known/openid-configuration\">OpenID Connect</a>; its <a href=\"/jwks\">keys</a>.</p>\n\
         <p>Users: <code>alice</code> and <code>bob</code>, password <code>password</code>. Any client is taken. \
         The keys are public: nothing here protects anything.</p>"
    );
    page(StatusCode::OK, "mock-idp", &body)
}

/// Makes text harmless in element content and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Directional and control characters could make a name look like another.
            c if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c) => {
                safe.push('\u{fffd}');
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Text in a quoted attribute that has to come out as it went in, whatever it shows.
fn exact(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => drop(write!(safe, "&#{};", u32::from(c))),
            c if c.is_control() => drop(write!(safe, "&#{};", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

/// The content security policy of every page.
///
/// It has no `form-action`: browsers apply that to the whole chain of redirects after a form post, and a proxy in front of this
/// provider sends the user on to places only it knows.
pub(crate) fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'")
    });
    &POLICY
}

const SUBMIT: &str = "document.forms[0].submit()";
const STYLE: &str = "body{font:16px/1.5 sans-serif;margin:2rem}main{max-width:48rem;margin:auto}\
label{display:block;margin:.5rem 0}button{margin:.5rem .5rem 0 0;padding:.3rem 1rem}\
td,th{text-align:left;padding:.1rem 1rem .1rem 0}code{overflow-wrap:anywhere}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_text_or_attribute() {
        assert_eq!(escape("<b a='x\">&\u{202e}"), "&lt;b a=&#39;x&quot;&gt;&amp;\u{fffd}");
        assert_eq!(exact("<'\">&\r\u{202e}"), "&#60;&#39;&#34;&#62;&#38;&#13;\u{202e}");
    }

    #[test]
    fn the_policy_lets_the_only_script_run() {
        let reply = form_post("https://app.example/cb", &[]);
        let policy = reply.headers[CONTENT_SECURITY_POLICY].to_str().expect("a text");
        let page = std::str::from_utf8(&reply.body).expect("text");
        let script =
            page.split_once("<script>").and_then(|(_, rest)| rest.split_once("</script>")).expect("a script").0;
        let hash = STANDARD.encode(Sha256::digest(script));
        assert!(policy.contains(&format!("script-src 'sha256-{hash}'")) && !policy.contains("form-action"), "{policy}");
        let other = super::page(StatusCode::OK, "x", "");
        assert!(!other.headers[CONTENT_SECURITY_POLICY].to_str().expect("a text").contains("script-src"));
    }
}
