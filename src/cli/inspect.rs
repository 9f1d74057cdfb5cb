//! `authspec inspect TOKEN`: what a token says, and what is odd about it. Neither signature nor token is ever printed.

use std::io::Read as _;
use std::path::Path;

use authspec::diag::escape;
use authspec::inspect::{Against, Known, fetch, inspect, render};
use serde_json::Value;

use super::{BLOCKED, FINDINGS, InspectArgs, OK, USAGE, runtime, text};

/// Inspects and gives the exit code: 1 if a server has to refuse the token, 2 if it could not be checked; of several tokens, the
/// worst.
pub fn main(args: &InspectArgs) -> u8 {
    let given = match given(&args.token).and_then(|text| tokens(&text)) {
        Ok(given) => given,
        Err(why) => {
            text::error(&why);
            return USAGE;
        }
    };
    let (mut issuer, mut unreachable) = (None, false);
    if let Some(url) = &args.issuer {
        match runtime().block_on(fetch(url)) {
            Ok(known) => issuer = Some(known),
            Err(why) => {
                text::error(&why);
                unreachable = true;
            }
        }
    }
    let codes = given.iter().enumerate().map(|(at, given)| {
        if at > 0 {
            text::line("");
        }
        one(given, args, issuer.clone(), unreachable)
    });
    let codes: Vec<u8> = codes.collect();
    [FINDINGS, BLOCKED].into_iter().find(|code| codes.contains(code)).unwrap_or(OK)
}

/// A token, and what it is called where it was found.
struct Given {
    name: &'static str,
    token: String,
}

fn one(given: &Given, args: &InspectArgs, issuer: Option<Known>, unreachable: bool) -> u8 {
    // An ID token is for the client (OpenID Connect Core section 2), and the audience that was named is the server's.
    let audience = if given.name == ID_TOKEN { Vec::new() } else { args.audience.clone() };
    let against = Against { audience, issuer, unreachable, now: jiff::Timestamp::now().as_second() };
    let mut seen = inspect(&given.token, &against);
    if !given.name.is_empty() {
        seen.what = format!("{}: {}", given.name, seen.what);
    }
    text::line(&render(&seen, &against, &text::look()));
    match (seen.is_wrong(), unreachable || seen.unreadable) {
        (true, _) => FINDINGS,
        (false, true) => BLOCKED,
        (false, false) => OK,
    }
}

/// What the command line or standard input holds.
fn given(words: &[String]) -> Result<String, String> {
    match words {
        [] => Err("which token? Give it as an argument, or `-` and pipe it in".to_owned()),
        [dash] if dash == "-" => {
            let mut text = String::new();
            let read = std::io::stdin().take(MAX + 1).read_to_string(&mut text);
            read.map_err(|error| format!("standard input cannot be read: {error}"))?;
            if text.len() as u64 > MAX {
                return Err(format!("standard input holds more than {MAX} bytes: that is no token"));
            }
            if text.trim().is_empty() { Err("there is no token in standard input".to_owned()) } else { Ok(text) }
        }
        [file] if Path::new(file).is_file() => {
            Err(format!("{file} is a file and no token: `authspec inspect - < {file}` reads it"))
        }
        words => Ok(words.join(" ")),
    }
}

/// The tokens of a text: those of the answer of a token endpoint, else the one that it is. Messages never repeat them.
fn tokens(text: &str) -> Result<Vec<Given>, String> {
    if !text.trim_start().starts_with('{') {
        return token(text).map(|token| vec![Given { name: "", token }]);
    }
    let answer: Value = serde_json::from_str(text)
        .map_err(|error| format!("what begins like JSON is none ({error}): was the answer copied whole?"))?;
    let mut found = Vec::new();
    for name in [ACCESS_TOKEN, ID_TOKEN] {
        match &answer[name] {
            Value::Null => {}
            Value::String(text) => found.push(Given { name, token: token(text)? }),
            _ => return Err(format!("{name} is no text, so it is no token (RFC 6749, section 5.1)")),
        }
    }
    if found.is_empty() {
        let error =
            answer["error"].as_str().map_or_else(String::new, |error| format!(": it says error {}", escape(error)));
        return Err(format!("the JSON object has neither {ACCESS_TOKEN} nor {ID_TOKEN}{error}"));
    }
    Ok(found)
}

/// A token, also as an `Authorization` header has it.
fn token(given: &str) -> Result<String, String> {
    let mut words: Vec<&str> = given.split_whitespace().collect();
    if words.len() > 1 && words[0].eq_ignore_ascii_case("authorization:") {
        words.remove(0);
    }
    if words.len() > 1 && ["bearer", "dpop"].contains(&words[0].to_ascii_lowercase().as_str()) {
        words.remove(0);
    }
    match words.as_slice() {
        [] => Err("the token is empty".to_owned()),
        // `jq .access_token` leaves the quotes on.
        [token] => Ok(token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(token).to_owned()),
        several => Err(format!(
            "{} words where one token was expected: a token has no spaces and no line breaks",
            several.len()
        )),
    }
}

/// Members of the answer of a token endpoint (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
const ACCESS_TOKEN: &str = "access_token";
const ID_TOKEN: &str = "id_token";
/// Bytes that are read of standard input.
const MAX: u64 = 1 << 20;
