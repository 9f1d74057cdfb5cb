//! `authspec inspect TOKEN`: what a token says, and what is odd about it. Neither signature nor token is ever printed.

use std::io::Read as _;

use authspec::inspect::{Against, fetch, inspect, render};

use super::{BLOCKED, FINDINGS, InspectArgs, OK, USAGE, runtime, text};

/// Inspects and gives the exit code: 1 if a server has to refuse the token, 2 if it could not be checked.
pub fn main(args: &InspectArgs) -> u8 {
    let token = match token(&args.token) {
        Ok(token) => token,
        Err(why) => {
            text::error(&why);
            return USAGE;
        }
    };
    let mut against =
        Against { audience: args.audience.clone(), now: jiff::Timestamp::now().as_second(), ..Against::default() };
    if let Some(issuer) = &args.issuer {
        match runtime().block_on(fetch(issuer)) {
            Ok(known) => against.issuer = Some(known),
            Err(why) => {
                text::error(&why);
                against.unreachable = true;
            }
        }
    }
    let seen = inspect(&token, &against);
    text::line(&render(&seen, &against, &text::look()));
    match (seen.is_wrong(), against.unreachable || seen.unreadable) {
        (true, _) => FINDINGS,
        (false, true) => BLOCKED,
        (false, false) => OK,
    }
}

/// The token of the command line or of standard input, also as an `Authorization` header has it. Messages never repeat it.
fn token(words: &[String]) -> Result<String, String> {
    let piped = words == ["-"];
    let given = match words {
        [] => return Err("which token? Give it as an argument, or `-` and pipe it in".to_owned()),
        [dash] if dash == "-" => {
            let mut text = String::new();
            let read = std::io::stdin().take(MAX + 1).read_to_string(&mut text);
            read.map_err(|error| format!("standard input cannot be read: {error}"))?;
            if text.len() as u64 > MAX {
                return Err(format!("standard input holds more than {MAX} bytes: that is no token"));
            }
            text
        }
        words => words.join(" "),
    };
    let mut words: Vec<&str> = given.split_whitespace().collect();
    if words.len() > 1 && words[0].eq_ignore_ascii_case("authorization:") {
        words.remove(0);
    }
    if words.len() > 1 && ["bearer", "dpop"].contains(&words[0].to_ascii_lowercase().as_str()) {
        words.remove(0);
    }
    match words.as_slice() {
        [] if piped => Err("there is no token in standard input".to_owned()),
        [] => Err("the token is empty".to_owned()),
        // `jq .access_token` leaves the quotes on.
        [token] => Ok(token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(token).to_owned()),
        several => Err(format!(
            "{} words where one token was expected: a token has no spaces and no line breaks",
            several.len()
        )),
    }
}

/// Bytes that are read of standard input.
const MAX: u64 = 1 << 20;
