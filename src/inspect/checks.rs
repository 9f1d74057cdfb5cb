//! The checks that need no key: header and claims (RFC 7519, RFC 8725, RFC 9068).

use serde_json::{Map, Value};

use super::claims::{Beyond, beyond, moment, plain, seconds, span};
use super::{Against, Inspection, Mark};
use crate::oauth::jwt::Jwt;

/// Whether the token says that it keeps to RFC 9068 (section 2.1).
pub(super) fn is_profiled(jwt: &Jwt) -> bool {
    let typ = text(&jwt.header, "typ").to_ascii_lowercase();
    typ == "at+jwt" || typ == "application/at+jwt"
}

/// Whether it has claims that only ID tokens have (OpenID Connect Core section 2).
pub(super) fn looks_like_id_token(jwt: &Jwt) -> bool {
    !is_profiled(jwt) && ["nonce", "at_hash", "c_hash"].iter().any(|name| jwt.claims.contains_key(*name))
}

/// What a token is, in words: by its `typ`, or by claims that only one kind has.
pub(super) fn kind(jwt: &Jwt) -> &'static str {
    let typ = text(&jwt.header, "typ").to_ascii_lowercase();
    let own = [text(&jwt.claims, "typ"), text(&jwt.claims, "token_use")].map(str::to_ascii_lowercase);
    let says = |word: &str| own.iter().any(|own| own == word);
    match typ.trim_start_matches("application/") {
        "at+jwt" => "an access token of RFC 9068",
        "logout+jwt" => "a logout token (OpenID Connect Back-Channel Logout)",
        "dpop+jwt" => "a DPoP proof (RFC 9449), no token",
        "oauth-id-jag+jwt" => "an identity assertion (ID-JAG), which buys an access token and is none",
        "client-authentication+jwt" => "a client assertion (RFC 7523), no token",
        "secevent+jwt" => "a security event (RFC 8417)",
        _ if jwt.claims.contains_key("events") => "a logout token or a security event, by its events",
        _ if says("refresh") => "a refresh token, by what it says of itself",
        _ if says("id") => "an ID token, by what it says of itself",
        _ if looks_like_id_token(jwt) => "probably an ID token",
        _ => "a JWT",
    }
}

/// `typ`, `alg`, and what must not be trusted.
pub(super) fn header(jwt: &Jwt, seen: &mut Inspection) {
    let typ = text(&jwt.header, "typ");
    match (is_profiled(jwt), typ) {
        (true, _) => seen.note(Mark::Good, Some("rs.token-typ"), format!("typ is {typ}: an access token, no ID token")),
        (false, "") => seen.note(
            Mark::Odd,
            Some("rs.token-typ"),
            "no typ: nothing tells it from an ID token (RFC 9068 wants at+jwt)",
        ),
        (false, typ) => {
            let text = format!("typ is {typ}, not at+jwt: servers that keep to RFC 9068 refuse it");
            seen.note(Mark::Odd, Some("rs.token-typ"), text);
        }
    }
    if looks_like_id_token(jwt) {
        let text = "nonce, at_hash or c_hash: this looks like an ID token, which is for the client and never for an MCP server";
        seen.note(Mark::Odd, Some("rs.token-id-token-rejected"), text);
    }
    match jwt.header.get("crit") {
        None => {}
        Some(Value::Array(named)) if !named.is_empty() => {
            let named: Vec<String> = named.iter().map(plain).collect();
            let text = format!(
                "crit names {}: a server that does not know all of it has to refuse the token",
                named.join(", ")
            );
            seen.note(Mark::Odd, Some("rs.token-crit-unknown"), text);
        }
        Some(_) => {
            let text = "crit is no list of names: a server may refuse the token for that (RFC 7515, section 4.1.11)";
            seen.note(Mark::Odd, Some("rs.token-crit-unknown"), text);
        }
    }
    for name in ["jwk", "jku", "x5u", "x5c"].into_iter().filter(|name| jwt.header.contains_key(*name)) {
        let text = format!("the header brings its own key ({name}): a server must not trust it");
        seen.note(Mark::Odd, Some("rs.token-as-keys-only"), text);
    }
}

/// Times, audience, issuer, the claims of RFC 9068, scope, binding.
pub(super) fn claims(jwt: &Jwt, against: &Against, seen: &mut Inspection) {
    times(&jwt.claims, against.now, seen);
    issuer(&jwt.claims, against, seen);
    audience(&jwt.claims, against, seen);
    required(jwt, seen);
    scope(&jwt.claims, seen);
    binding(&jwt.claims, seen);
}

fn times(claims: &Map<String, Value>, now: i64, seen: &mut Inspection) {
    let at = |name: &str| claims.get(name).and_then(seconds);
    for name in ["exp", "iat", "nbf"] {
        let Some(value) = claims.get(name).filter(|value| seconds(value).is_none()) else { continue };
        let rule = if name == "nbf" { "rs.token-nbf-enforced" } else { "rs.token-exp-enforced" };
        let (mark, rule, why) = match (name, beyond(value)) {
            (_, None) => (Mark::Wrong, rule, "not a number of seconds (RFC 7519, section 2)"),
            ("exp", Some(Beyond::After)) => {
                (Mark::Odd, rule, "far beyond any date: the token never ends, or a server cannot read it")
            }
            ("exp", Some(Beyond::Before)) => (Mark::Wrong, rule, "far before any date: it has long expired"),
            ("nbf", Some(Beyond::After)) => (Mark::Wrong, rule, "far beyond any date: it never begins to be valid"),
            (_, Some(Beyond::After)) => (Mark::Odd, "rs.token-iat-future", "far beyond any date: issued in the future"),
            (_, Some(Beyond::Before)) => (Mark::Odd, rule, "far before any date: a server may be unable to read it"),
        };
        seen.note(mark, Some(rule), format!("{name} is {value}, {why}"));
    }
    match at("exp") {
        Some(exp) if exp <= now => {
            let text = format!("expired {} ago", span(now.saturating_sub(exp)));
            let mark = if now.saturating_sub(exp) <= LEEWAY { Mark::Odd } else { Mark::Wrong };
            seen.note(mark, Some("rs.token-exp-enforced"), text);
        }
        // Only in milliseconds does a time of today look like one after the year 5000.
        Some(exp) if exp > MILLISECONDS => {
            let text = "exp looks like milliseconds, and it counts seconds: to a server the token hardly ever ends";
            seen.note(Mark::Odd, Some("rs.token-exp-enforced"), text);
        }
        Some(exp) => {
            seen.note(Mark::Good, Some("rs.token-exp-enforced"), format!("not expired: {} left", span(exp - now)))
        }
        None if claims.contains_key("exp") => {}
        None => {
            seen.note(Mark::Odd, Some("rs.token-exp-enforced"), "no exp: it never ends, and many servers refuse that")
        }
    }
    if let Some(nbf) = at("nbf").filter(|nbf| *nbf > now) {
        let mark = if nbf - now <= LEEWAY { Mark::Odd } else { Mark::Wrong };
        seen.note(mark, Some("rs.token-nbf-enforced"), format!("not valid before {}", moment(nbf, now)));
    }
    if let Some(iat) = at("iat").filter(|iat| *iat > now) {
        let text = format!("issued in the future, {} ahead: the clocks differ", span(iat - now));
        seen.note(Mark::Odd, Some("rs.token-iat-future"), text);
    }
    match (at("iat"), at("exp")) {
        (Some(iat), Some(exp)) if exp <= iat => {
            seen.note(Mark::Odd, Some("rs.token-exp-enforced"), "it ends before it begins (exp is not after iat)");
        }
        (Some(iat), Some(exp)) if exp.saturating_sub(iat) > DAY => {
            let lifetime = span(exp.saturating_sub(iat));
            let text = format!("it lives {lifetime}: access tokens are to be short-lived");
            seen.note(Mark::Odd, Some("token.short-lived"), text);
        }
        _ => {}
    }
}

fn issuer(claims: &Map<String, Value>, against: &Against, seen: &mut Inspection) {
    let Some(known) = &against.issuer else { return };
    if known.issuer != known.asked {
        let text = format!(
            "the metadata is of {}, and {} was asked for: clients and servers that compare the two stop there",
            known.issuer, known.asked
        );
        seen.note(Mark::Odd, Some("as-meta.issuer-identical"), text);
    }
    match claims.get("iss").and_then(Value::as_str) {
        Some(iss) if iss == known.issuer => {
            seen.note(Mark::Good, Some("rs.token-issuer"), "iss is the issuer, to the letter")
        }
        Some(iss) => {
            let hint = near(iss, &known.issuer).map_or_else(String::new, |why| format!(": {why}"));
            let text = format!("iss is {iss}, and the issuer is {}{hint}", known.issuer);
            seen.note(Mark::Wrong, Some("rs.token-issuer"), text);
        }
        None => {
            let text = claims.get("iss").map_or_else(
                || "no iss: nobody can tell who issued it".to_owned(),
                |other| format!("iss is {other}, no text: nobody can tell who issued it"),
            );
            seen.note(Mark::Wrong, Some("rs.token-issuer"), text);
        }
    }
}

fn audience(claims: &Map<String, Value>, against: &Against, seen: &mut Inspection) {
    let listed: Vec<String> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().map(plain).collect(),
        Some(other) => {
            let text = format!("aud is {other}, neither a text nor a list of texts");
            return seen.note(Mark::Wrong, Some("rs.token-audience-wrong"), text);
        }
        None => Vec::new(),
    };
    if listed.iter().all(String::is_empty) {
        let mark = if against.audience.is_empty() { Mark::Odd } else { Mark::Wrong };
        let text = "no aud: the token is for nobody in particular, and an MCP server must refuse it";
        return seen.note(mark, Some("rs.token-audience-missing"), text);
    }
    if listed.len() > 1 {
        let text = format!("{} audiences: each of them can use the token at the others", listed.len());
        seen.note(Mark::Odd, Some("rs.token-audience-array"), text);
    }
    if against.audience.is_empty() {
        return;
    }
    if let Some(found) = listed.iter().find(|one| against.audience.contains(one)) {
        return seen.note(Mark::Good, Some("rs.token-audience-wrong"), format!("aud has {found}"));
    }
    let close = listed.iter().find_map(|one| {
        let why = against.audience.iter().find_map(|wanted| near(one, wanted))?;
        Some(format!("aud is {one}, not {}: {why}", against.audience.join(" or ")))
    });
    let wanted = against.audience.join(" or ");
    match close {
        Some(why) => {
            seen.note(Mark::Wrong, Some("rs.token-audience-near-miss"), format!("{why}, and comparison is exact"))
        }
        None => {
            let text = format!("aud is {}, not {wanted}", listed.join(", "));
            seen.note(Mark::Wrong, Some("rs.token-audience-wrong"), text);
        }
    }
}

/// What little two URLs differ in.
fn near(found: &str, wanted: &str) -> Option<&'static str> {
    let bare = |text: &str| text.trim_end_matches('/').to_owned();
    if found == wanted {
        None
    } else if bare(found) == bare(wanted) {
        Some("only a slash at the end differs")
    } else if found.eq_ignore_ascii_case(wanted) {
        Some("only upper and lower case differ")
    } else if let (Some((_, found)), Some((_, wanted))) = (found.split_once("://"), wanted.split_once("://"))
        && found == wanted
    {
        Some("only the scheme differs")
    } else {
        None
    }
}

/// The claims of RFC 9068 section 2.2.
fn required(jwt: &Jwt, seen: &mut Inspection) {
    let missing: Vec<&str> =
        REQUIRED.into_iter().filter(|name| jwt.claims.get(*name).is_none_or(|value| value == "")).collect();
    let rule = Some("rs.token-required-claims");
    let no_text: Vec<&str> =
        TEXTS.into_iter().filter(|name| jwt.claims.get(*name).is_some_and(|value| !value.is_string())).collect();
    if !no_text.is_empty() {
        let text = format!("{} is no text, and a server may refuse that (RFC 7519, section 4.1)", no_text.join(", "));
        seen.note(Mark::Odd, rule, text);
    }
    match (missing.is_empty(), is_profiled(jwt)) {
        (true, true) if no_text.is_empty() => seen.note(Mark::Good, rule, "it has every claim that RFC 9068 wants"),
        (false, true) => {
            let text = format!("typ at+jwt promises RFC 9068, but {} is missing", missing.join(", "));
            seen.note(Mark::Wrong, rule, text);
        }
        (false, false) if !looks_like_id_token(jwt) => {
            let text = format!("without {}, which RFC 9068 wants", missing.join(", "));
            seen.note(Mark::Odd, rule, text);
        }
        _ => {}
    }
}

fn scope(claims: &Map<String, Value>, seen: &mut Inspection) {
    let rule = Some("rs.scope-enforced");
    match (claims.get("scope"), claims.get("scp")) {
        (Some(Value::String(scope)), _) if scope.trim().is_empty() => {
            seen.note(Mark::Odd, rule, "scope is empty: it allows nothing, whatever a server makes of it");
        }
        (Some(Value::String(_)), None) => {}
        (Some(Value::String(_)), Some(_)) => seen.note(Mark::Odd, rule, "both scope and scp: servers may read either"),
        (Some(_), _) => seen.note(Mark::Odd, rule, "scope is no text with spaces (RFC 9068, section 2.2.3)"),
        (None, Some(Value::Array(_))) => {
            seen.note(Mark::Odd, rule, "the scope stands in scp, as a list (as Okta has it), not in scope")
        }
        (None, Some(_)) => {
            seen.note(Mark::Odd, rule, "the scope stands in scp (as Microsoft Entra has it), not in scope")
        }
        (None, None) if claims.contains_key("roles") => {
            seen.note(Mark::Odd, rule, "roles, and no scope: rights of an application, not of a user")
        }
        (None, None) => seen.note(Mark::Odd, rule, "no scope: what it allows is for the server to decide"),
    }
}

/// What the token is bound to (RFC 7800), and who acts for whom (RFC 8693 section 4.1).
fn binding(claims: &Map<String, Value>, seen: &mut Inspection) {
    let bound = |name: &str| claims.get("cnf").is_some_and(|cnf| cnf.get(name).is_some());
    if bound("jkt") {
        let text = "bound to a DPoP key (cnf.jkt, RFC 9449): worthless without a proof, and never to be sent as Bearer";
        seen.note(Mark::Good, Some("dpop.rs-key-binding"), text);
    } else if bound("x5t#S256") {
        seen.note(Mark::Good, None, "bound to a client certificate (cnf.x5t#S256, RFC 8705)");
    } else if claims.contains_key("cnf") {
        seen.note(Mark::Odd, None, "cnf binds it to something that is neither a DPoP key nor a certificate");
    }
    if let Some(actor) = claims.get("act").and_then(|act| act.get("sub")).map(plain) {
        seen.note(Mark::Good, None, format!("delegated: {actor} acts for the subject (act, RFC 8693)"));
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// RFC 9068 section 2.2.
const REQUIRED: [&str; 7] = ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"];
/// Those of them that are text (RFC 7519 section 4.1, RFC 8693 section 4.3).
const TEXTS: [&str; 4] = ["iss", "sub", "client_id", "jti"];
/// A time after this many seconds is in the year 5138.
const MILLISECONDS: i64 = 100_000_000_000;
/// What a server may let pass for clocks that differ, in seconds (RFC 7519 section 4.1.4: a few minutes at most).
const LEEWAY: i64 = 120;
const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn names_are_no_urls_of_different_schemes() {
        assert_eq!(near("account", "my-server"), None);
        assert_eq!(near("http://my.server/mcp", "https://my.server/mcp"), Some("only the scheme differs"));
        assert_eq!(near("https://my.server/mcp/", "https://my.server/mcp"), Some("only a slash at the end differs"));
    }
}
