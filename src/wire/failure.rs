//! Telling the ways apart in which a request can fail.

use std::error::Error;
use std::io;

use crate::transcript::Failure;

/// What an error of the HTTP client means. `max_header` is the limit to name if the head was too large.
pub(super) fn classify(error: &reqwest::Error, max_header: u64) -> Failure {
    let why = reason(error);
    if error.is_connect() {
        return Failure::Refused(why);
    }
    if error.is_builder() {
        return Failure::NotSent(why);
    }
    for cause in causes(error) {
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            if http.is_parse_too_large() {
                return Failure::TooLarge(max_header);
            } else if http.is_parse() {
                return Failure::Malformed(why);
            } else if http.is_user() {
                return Failure::NotSent(why);
            }
        }
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(io, Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)) {
            return Failure::Malformed(why);
        }
    }
    Failure::Dropped(why)
}

/// The innermost causes, which say most; reqwest's own words would only repeat the URL.
fn reason(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in causes(error) {
        let word = cause.to_string();
        if !words.iter().any(|known| known.contains(&word)) {
            words.push(word);
        }
    }
    let told = words
        .into_iter()
        .filter(|word| !matches!(word.as_str(), "client error (Connect)" | "client error (SendRequest)"));
    let told = told.collect::<Vec<_>>().join(": ");
    if told.is_empty() { "unknown error".to_owned() } else { told }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}
