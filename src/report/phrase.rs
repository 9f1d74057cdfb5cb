//! Facts in words for people: `stopped-at consent` is how a case says it, "the browser came to rest at a consent page" is
//! how it is told. Values stay to the letter; what is not known here stays as it is.

use std::borrow::Cow;

/// What was expected, or found, in words.
pub(super) fn in_words(text: &str) -> String {
    if let Some(how) = text.strip_prefix("refused: ") {
        let parts: Vec<String> = how.split(", ").map(phrase).collect();
        return format!("refused, with {}", parts.join(", "));
    }
    let parts: Vec<String> = text.split("; ").map(phrase).collect();
    parts.join("; ")
}

/// What stopped a case, in words: `step 2 (authorize): expected crash false, got crash true`.
pub(super) fn obstacle_in_words(text: &str) -> String {
    let parts = || {
        let (step, rest) = text.split_once(": expected ").filter(|(step, _)| step.starts_with("step "))?;
        let (expected, got) = rest.split_once(", got ")?;
        Some(format!("{step}: expected {}, got {}", in_words(expected), in_words(got)))
    };
    parts().unwrap_or_else(|| text.to_owned())
}

/// One clause: a fact, and what is said of it.
fn phrase(clause: &str) -> String {
    let Some((path, said)) = clause.split_once(' ') else { return clause.to_owned() };
    if path == "stopped-at" {
        return came_to_rest(said);
    }
    if let Some((_, yes, no)) = YES_OR_NO.iter().find(|(fact, ..)| *fact == path)
        && let Some(said) = [("true", yes), ("false", no)].iter().find(|(word, _)| *word == said)
    {
        return (*said.1).to_owned();
    }
    if let Some((_, said)) = MISSING.iter().find(|(fact, _)| *fact == path).filter(|_| said == "is absent") {
        return (*said).to_owned();
    }
    match (name(path), said) {
        (None, _) => clause.to_owned(),
        (Some(name), "is absent" | "nothing") => format!("no {name}"),
        (Some(name), "something") => format!("some {name}"),
        // A status and an error code read well as they are.
        (Some(name), said) if name == path => format!("{name} {said}"),
        (Some(name), said) => format!("{name}: {said}"),
    }
}

/// Where a journey ended.
fn came_to_rest(place: &str) -> String {
    let known = |place: &str| PLACES.iter().find(|(word, _)| *word == place).map(|(_, said)| *said);
    match (known(place), place.strip_prefix("one of "), place.strip_prefix("not ").and_then(known)) {
        (Some(said), ..) => said.to_owned(),
        (None, Some(places), _) => {
            let said: Vec<&str> = places.split(", ").map(|place| known(place).unwrap_or(place)).collect();
            format!("one of: {}", said.join(", "))
        }
        (None, None, Some(said)) => format!("anything but this: {said}"),
        (None, None, None) => format!("the browser came to rest at: {place}"),
    }
}

/// What a fact is called.
fn name(path: &str) -> Option<Cow<'_, str>> {
    if let Some((_, name)) = NAMES.iter().find(|(fact, _)| *fact == path) {
        return Some(Cow::Borrowed(name));
    }
    let (_, member, of) = MEMBERS.iter().find_map(|(prefix, of)| Some((prefix, path.strip_prefix(prefix)?, of)))?;
    (!member.is_empty()).then(|| Cow::Owned(format!("`{member}` {of}")))
}

/// Places where a journey can end.
const PLACES: &[(&str, &str)] = &[
    ("callback", "the browser came to rest before the callback"),
    ("code", "a code was sent to the client"),
    ("consent", "the browser came to rest at a consent page"),
    ("elsewhere", "the browser was sent somewhere else"),
    ("error", "an error was sent to the client"),
    ("login", "the browser came to rest at a login page"),
    ("loop", "the browser was sent in circles"),
    ("nowhere", "the browser got no page and no redirect"),
    ("page", "the browser came to rest at another page"),
    ("upstream", "the browser was sent to the identity provider"),
];

/// Facts that are true or false.
const YES_OR_NO: &[(&str, &str, &str)] = &[
    ("active", "the token is active", "the token is not active"),
    ("asked-consent", "the user was asked for consent", "the user was not asked for consent"),
    ("challenge.bearer", "a Bearer challenge", "no Bearer challenge"),
    ("challenge.charset-ok", "only characters that RFC 6750 allows", "characters that RFC 6750 does not allow"),
    ("challenge.present", "a WWW-Authenticate header", "no WWW-Authenticate header"),
    ("crash", "a crash (5xx or a dropped connection)", "no crash"),
    ("granted", "an access token was given", "no access token was given"),
    ("identified", "the user had to say who it is", "the user did not have to say who it is"),
    ("logged-in", "the user had to log in", "the user did not have to log in"),
    ("page.framable", "another site can show the page in a frame", "no other site can show the page in a frame"),
    ("page.is-html", "an HTML page", "no HTML page"),
    ("page.leaks-referrer", "other sites are told the page's whole URL", "no other site is told the page's whole URL"),
    ("redirect.registered", "the redirect leads to the client", "the redirect leads to no redirect URI of the client"),
    ("served", "the MCP request was served", "the MCP request was not served"),
    ("web-page", "a web page instead of an answer", "no web page"),
];

/// Facts with a name of their own.
const NAMES: &[(&str, &str)] = &[
    ("challenge.count", "number of Bearer challenges"),
    ("challenge.scheme", "scheme of the challenge"),
    ("error", "error"),
    ("fetched", "fetches of the client's metadata document"),
    ("media-type", "media type"),
    ("page.text", "text of the page"),
    ("page.title", "title of the page"),
    ("redirect.base", "target of the redirect"),
    ("redirect.status", "status of the redirect"),
    ("redirect.url", "redirect"),
    ("rpc-error.code", "JSON-RPC error code"),
    ("session-cookies", "session cookies"),
    ("status", "status"),
    ("succeeded", "how many succeeded"),
    ("text", "text of the answer"),
    ("token.lifetime", "lifetime of the token in seconds"),
];

/// Facts that only what was found has.
const MISSING: &[(&str, &str)] = &[
    ("as.form", "no server metadata"),
    ("as.status", "no server metadata at any of its well-known places"),
    ("oidc.status", "no OpenID configuration"),
];

/// Facts that are members of something.
const MEMBERS: &[(&str, &str)] = &[
    ("as.body.", "in the server metadata"),
    ("body.", "in the answer"),
    ("challenge.params.", "in the challenge"),
    ("headers.", "among the headers"),
    ("id-token.claims.", "in the ID token"),
    ("oidc.body.", "in the OpenID configuration"),
    ("page.headers.", "among the headers of the page"),
    ("prm.body.", "in the resource metadata"),
    ("redirect.fragment.", "in the fragment of the redirect"),
    ("redirect.params.", "in the redirect"),
    ("redirect.query.", "in the redirect"),
    ("token.claims.", "in the access token"),
    ("token.header.", "in the header of the access token"),
    ("upstream.query.", "in the request to the identity provider"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_become_phrases_and_values_stay() {
        for (said, told) in [
            ("stopped-at consent", "the browser came to rest at a consent page"),
            (
                "stopped-at one of page, error",
                "one of: the browser came to rest at another page, an error was sent to the client",
            ),
            (
                "refused: status one of 400, 401, error invalid_grant",
                "refused, with status one of 400, 401, error invalid_grant",
            ),
            ("redirect.query.code nothing", "no `code` in the redirect"),
            ("redirect.query.iss is absent", "no `iss` in the redirect"),
            (
                "body.refresh_token something other than $first",
                "`refresh_token` in the answer: something other than $first",
            ),
            ("as.status is absent", "no server metadata at any of its well-known places"),
            ("as.status 200", "as.status 200"),
            ("served false; status 401", "the MCP request was not served; status 401"),
            ("page.framable true", "another site can show the page in a frame"),
            ("200 with an access token", "200 with an access token"),
            ("refused", "refused"),
            ("headers.cache-control with no-store", "`cache-control` among the headers: with no-store"),
        ] {
            assert_eq!(in_words(said), told);
        }
        let told = "step 2 (authorize): expected no crash, got a crash (5xx or a dropped connection); a page 500";
        assert_eq!(obstacle_in_words("step 2 (authorize): expected crash false, got crash true; a page 500"), told);
        assert_eq!(obstacle_in_words("needs call: no token, got none"), "needs call: no token, got none");
    }
}
