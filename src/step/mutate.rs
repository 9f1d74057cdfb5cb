//! `mutate`: changes one thing in hand: a text, a token, a cookie, what our identity provider does next.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::args::Args;
use super::context::Context;
use super::noted::part;
use super::upstream;
use crate::oauth::encrypt::{self, Inside};
use crate::oauth::forge::{self, Signing};
use crate::oauth::jwt::Jwt;
use crate::transcript::Secret;
use crate::wire::Cookie;
use crate::wire::host::Document;

/// Changes the thing and returns it as `value`.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    if args.get("jwt").is_some() {
        return jwt(context, args);
    }
    if let Some(done) = upstream::change(context, args) {
        if args.get("certificate").is_some() {
            // A request on a connection that is just being ended would tell nothing about certificates.
            tokio::time::sleep(CLOSING).await;
        }
        return done;
    }
    if let Some(text) = args.text("text") {
        let changed = change_text(&text, args);
        let vault = context.wire.vault();
        // What comes of a secret is one; what comes of a redirect URI or of a random name is none.
        if vault.redact(&text) != text {
            vault.learn(vault.kind(&text).unwrap_or(Secret::AccessToken), &changed);
        }
        return Ok(json!({ "value": changed }));
    }
    if args.get("browser").is_some() {
        return cookie(context, args);
    }
    if args.text("sign").as_deref() == Some("issuer") {
        return mint(context, args);
    }
    Err("change something: none of `jwt`, `text`, `browser`, `sign = \"issuer\"` is given".into())
}

/// Changes header, claims and signature of a token.
fn jwt(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let token = args.text("jwt").unwrap_or_default();
    let mut jwt = Jwt::decode(&token).ok_or("change a token: it is not a JWT")?;
    jwt.header.extend(args.table("header"));
    jwt.claims.extend(args.table("claims"));
    for name in args.list("drop-header") {
        jwt.header.remove(&name);
    }
    for name in args.list("drop-claims") {
        jwt.claims.remove(&name);
    }
    if let Some(alg) = args.text("alg") {
        jwt.header.insert("alg".into(), json!(alg));
    }
    let how = args.text("sign").unwrap_or_else(|| "keep".into());
    let signed = by_attacker(context, jwt, &how)?;
    Ok(shown(context, signed))
}

/// A token of our identity provider, which the target trusts: honest but for the claims and header that the case gives.
fn mint(context: &Context, args: Args<'_>) -> Result<Value, String> {
    let idp = context
        .world
        .idp
        .as_ref()
        .ok_or("mint a token as the issuer: the target does not trust our identity provider")?;
    let mut spec = idp.honest_token();
    spec.claims.extend(idp.look.changes(args.table("claims"), args.list("drop-claims")));
    spec.header = args.table("header");
    spec.header.extend(args.list("drop-header").into_iter().map(|name| (name, Value::Null)));
    spec.payload = args.text("raw-payload");
    if let Some(alg) = args.text("alg") {
        spec.alg = Some(mock_idp::Alg::parse(&alg).ok_or_else(|| format!("mint a token: no key signs by {alg}"))?);
    }
    match args.text("kind").as_deref() {
        Some("id-token") => spec.kind = mock_idp::TokenKind::Id,
        Some("opaque") => spec.kind = mock_idp::TokenKind::Opaque,
        _ => {}
    }
    if spec.kind == mock_idp::TokenKind::Id {
        spec.typ = None;
    }
    let again = args.table("repeat-claims");
    if !again.is_empty() {
        let honest = Jwt::decode(&idp.issuer.mint(spec.clone())).ok_or("repeat claims of a token: it is no JWT")?;
        spec.payload = Some(joined(&honest.claims, &again)?);
    }
    Ok(shown(context, idp.issuer.mint(spec)))
}

/// The members of both as one JSON object, in which some stand twice.
fn joined(first: &Map<String, Value>, second: &Map<String, Value>) -> Result<String, String> {
    let text = |members: &Map<String, Value>| serde_json::to_string(members).map_err(|e| format!("write claims: {e}"));
    let (first, second) = (text(first)?, text(second)?);
    // One brace each: a claim at the end may be an object itself.
    Ok(format!("{},{}", &first[..first.len() - 1], &second[1..]))
}

/// The changed token as `value`, and what it says.
fn shown(context: &Context, token: String) -> Value {
    context.wire.learn(Secret::AccessToken, &token);
    let jwt = Jwt::decode(&token).map(|j| json!({ "header": j.header, "claims": j.claims }));
    json!({ "value": token, "jwt": jwt })
}

/// Signs a changed token as an attacker would.
pub(super) fn by_attacker(context: &mut Context, mut jwt: Jwt, how: &str) -> Result<String, String> {
    let world = std::sync::Arc::clone(&context.world);
    let mut bait = |document: Document| {
        let host = world.host.as_ref().ok_or("serve a key set: the document host is not running")?;
        // A path of its own, so that a hit there is a hit of this case.
        let path = format!("/bait/{}", crate::oauth::pkce::random(12));
        host.put(&path, document);
        context.baits.push(path.clone());
        Ok::<String, String>(host.url(&path))
    };
    if let Some(inside) = inside(how) {
        // Only who publishes the key can read it: the target, whoever the token says it is from.
        return encrypt::wrap(jwt, inside, part!(world.found, jwks).as_ref());
    }
    let signing = match how {
        "keep" => Signing::Keep,
        "none" => {
            let spelled = jwt
                .header
                .get("alg")
                .and_then(Value::as_str)
                .filter(|a| a.eq_ignore_ascii_case("none"))
                .unwrap_or("none")
                .to_owned();
            jwt.header.insert("alg".into(), json!(spelled));
            Signing::Empty
        }
        "empty" => Signing::Empty,
        "foreign" => Signing::Foreign,
        "public-key-hmac" => Signing::PublicKeyPem,
        "public-key-hmac-trimmed" => Signing::PublicKeyPemTrimmed,
        "jwk-hmac" => Signing::PublicKeyJwk,
        "empty-hmac" => Signing::EmptySecret,
        "self-jwk" => Signing::EmbeddedJwk,
        "self-x5c" => Signing::EmbeddedX5c,
        "self-jku" => Signing::Jku(bait(Document::json(&forge::own_jwks()))?),
        "self-x5u" => Signing::X5u(bait(Document::of("application/pem-certificate-chain", forge::certificate_pem()))?),
        other => return Err(format!("sign a token by `{other}`: unknown way")),
    };
    // A token of our identity provider is attacked with its keys, every other one with the target's.
    let ours = world.idp.as_ref().filter(|idp| jwt.claims.get("iss") == Some(&json!(idp.issuer.url())));
    let jwks = ours.map(|idp| idp.issuer.jwks()).or_else(|| part!(world.found, jwks).clone());
    forge::sign(jwt, &signing, jwks.as_ref())
}

/// What an encrypted token holds.
fn inside(how: &str) -> Option<Inside> {
    match how {
        "encrypted-claims" => Some(Inside::Claims),
        "encrypted-none" => Some(Inside::Unsigned),
        _ => None,
    }
}

/// `replace`, `swap`, `cut`, `flip`, `truncate`, `append`, `prepend`, in this order.
fn change_text(text: &str, args: Args<'_>) -> String {
    let replaced = super::args::pairs(&args.table("replace"))
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let swapped = match args.list("swap").as_slice() {
        [from, to] if !from.is_empty() => swap(&replaced, from, to),
        _ => replaced,
    };
    let cut = args.text("cut").filter(|mark| !mark.is_empty());
    let kept = cut.and_then(|mark| swapped.rsplit_once(&mark)).map_or(swapped.as_str(), |(kept, _)| kept);
    let mut chars: Vec<char> = kept.chars().collect();
    if let Some(place) = args.text("flip").filter(|place| !place.is_empty() && !chars.is_empty()) {
        let at = match place.as_str() {
            "first" => 0,
            "middle" => chars.len() / 2,
            "last" => chars.len() - 1,
            number => number.parse::<usize>().unwrap_or(0).min(chars.len() - 1),
        };
        // The last character of a base64url part may hold padding bits only, so its neighbours in the alphabet would decode alike.
        // And hexadecimal digits are read in either case.
        chars[at] = match chars[at] {
            'A' => 'Q',
            'a' => 'w',
            _ => 'A',
        };
    }
    if let Some(length) = args.get("truncate").and_then(Value::as_i64) {
        let many = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
        let keep = if length < 0 { chars.len().saturating_sub(many) } else { many };
        // Who asks for less gets less, however short the text is.
        if keep < WHOLE {
            chars.truncate(keep.min(chars.len().saturating_sub(1)));
        }
    }
    format!(
        "{}{}{}",
        args.text("prepend").unwrap_or_default(),
        chars.into_iter().collect::<String>(),
        args.text("append").unwrap_or_default()
    )
}

/// Replaces a text wherever it stands: in clear, percent-encoded, or inside a part of a dotted value that is base64.
fn swap(text: &str, from: &str, to: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let clear = text.replace(from, to).replace(&encoded(from), &encoded(to));
    let parts = clear.split('.').map(|part| {
        // The signs of base64 that cookies cannot carry are percent-encoded.
        let plain = percent_decoded(part);
        let decoded = |engine: &&GeneralPurpose| String::from_utf8(engine.decode(&plain).ok()?).ok();
        let read = |engine: &&'static GeneralPurpose| Some((*engine, decoded(engine).filter(|t| t.contains(from))?));
        let Some((engine, said)) = BASE64.iter().find_map(read) else { return part.to_owned() };
        let changed = engine.encode(said.replace(from, to));
        if plain == part { changed } else { encoded(&changed) }
    });
    parts.collect::<Vec<_>>().join(".")
}

/// A text without its percent-encoding; as it was where it has none.
fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let pair = format!("x={}", text.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes()).next().map_or_else(|| text.to_owned(), |(_, value)| value.into_owned())
}

/// Sets, replaces or removes cookies in a browser's jar.
fn cookie(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let name = args.text("browser").unwrap_or_default();
    let origin = context.world.as_origin();
    let theirs = args.text("cookies-of").map(|of| context.seat(&of).browser.jar.clone());
    let jar = &mut context.seat(&name).browser.jar;
    if let Some(theirs) = theirs {
        jar.plant(&theirs);
    }
    if args.text("cookie").as_deref() == Some("*") {
        let swapped = args.list("swap");
        if let [from, to] = swapped.as_slice() {
            let tells =
                |cookie: &Cookie| cookie.name.contains(from.as_str()) || swap(&cookie.value, from, to) != cookie.value;
            if !jar.cookies().iter().any(tells) {
                return Err(NOTHING_TO_SWAP.into());
            }
            // The name of a cookie may say whom it is about.
            for cookie in jar.cookies().iter().filter(|cookie| cookie.name.contains(from.as_str())) {
                jar.remove(&cookie.name);
                jar.set(&format!("{}={}; Path=/", cookie.name.replace(from.as_str(), to), cookie.value), &origin);
            }
        }
        for cookie in jar.cookies() {
            let changed = change_text(&cookie.value, args);
            if changed == cookie.value && !swapped.is_empty() && args.text("cut").is_none_or(|cut| cut.is_empty()) {
                continue;
            }
            // Where there is nothing to cut off, all of it goes: a browser that sends its honest cookies has altered none.
            jar.replace(&cookie.name, if changed == cookie.value { "" } else { &changed });
        }
    }
    if let Some(raw) = args.text("set-cookie") {
        jar.set(&raw, &origin);
    }
    if let (Some(cookie), Some(value)) = (args.text("cookie"), args.text("cookie-value"))
        && jar.replace(&cookie, &value) == 0
    {
        return Err(format!("change cookie `{cookie}`: the browser of `{name}` has none by that name"));
    }
    if let Some(cookie) = args.text("remove-cookie") {
        if cookie == "*" {
            for cookie in jar.cookies() {
                jar.remove(&cookie.name);
            }
        } else {
            jar.remove(&cookie);
        }
    }
    let all: Map<String, Value> = jar.cookies().into_iter().map(|c| (c.name, json!(c.value))).collect();
    Ok(json!({ "browser": { "cookies": all } }))
}

/// What `truncate` leaves as it is.
const WHOLE: usize = 4096;
/// Why a case about rewritten cookies does not apply.
pub const NOTHING_TO_SWAP: &str =
    "no cookie names the client in a way that can be read, so none can be made to name another";
/// How cookies and tokens carry what they say.
const BASE64: &[&GeneralPurpose] = &[&URL_SAFE_NO_PAD, &URL_SAFE, &STANDARD_NO_PAD, &STANDARD];

/// How long the end of a connection takes to be noticed.
const CLOSING: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_stand_twice_behind_one_that_is_an_object() {
        let members = |value: Value| value.as_object().cloned().expect("an object");
        let text = joined(&members(json!({ "aud": "a", "cnf": { "jkt": "k" } })), &members(json!({ "aud": "b" })));
        assert_eq!(text.as_deref(), Ok(r#"{"aud":"a","cnf":{"jkt":"k"},"aud":"b"}"#));
    }

    #[test]
    fn a_text_is_swapped_in_every_writing() {
        let inside = URL_SAFE_NO_PAD.encode(r#"{"client":"one"}"#);
        let swapped = swap(&format!("{inside}.mac"), "one", "three");
        assert_eq!(swapped, format!("{}.mac", URL_SAFE_NO_PAD.encode(r#"{"client":"three"}"#)));
        assert_eq!(swap("id=one", "one", "three"), "id=three");
        assert_eq!(
            swap("https%3A%2F%2Fa.example", "https://a.example", "https://b.example"),
            "https%3A%2F%2Fb.example"
        );
    }
}
