//! The token endpoint's answers as a provider writes them.

use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Map, Value};

use super::{ExpiresIn, Quirks};
use crate::error::OAuthError;
use crate::reply::Reply;
use crate::request::Request;

/// Changes the members of a token response.
pub(crate) fn answer(quirks: &Quirks, members: &mut Map<String, Value>) {
    if quirks.scopes_with_commas
        && let Some(Value::String(scope)) = members.get_mut("scope")
    {
        *scope = scope.replace(' ', ",");
    }
    match quirks.expires_in {
        ExpiresIn::Absent => drop(members.shift_remove("expires_in")),
        ExpiresIn::Text => {
            if let Some(seconds) = members.get_mut("expires_in") {
                *seconds = seconds.to_string().into();
            }
        }
        ExpiresIn::Number => {}
    }
}

/// An error of the token endpoint in the provider's own words, if it has some for it.
pub(crate) fn reworded(quirks: &Quirks, error: OAuthError) -> OAuthError {
    let own = error.of_redirect_uri.then(|| quirks.token_errors.get("redirect_uri")).flatten();
    match own.or_else(|| quirks.token_errors.get(&error.code)) {
        None => error,
        Some(own) => OAuthError { status: error.status, ..OAuthError::new(&own.error, &own.description) },
    }
}

/// Writes an answer of the token endpoint: status and media type.
pub(crate) fn encode(quirks: &Quirks, request: &Request, mut reply: Reply) -> Reply {
    if !quirks.errors_with_200 && !quirks.form_answers {
        return reply;
    }
    let Ok(members) = serde_json::from_slice::<Map<String, Value>>(&reply.body) else { return reply };
    if quirks.errors_with_200 && reply.status.is_client_error() && members.contains_key("error") {
        reply.status = StatusCode::OK;
    }
    if quirks.form_answers && !accepts_json(request) {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let pairs = members.iter().map(|(name, value)| (name.as_str(), text(value)));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        reply = Reply { body: Bytes::from(form), ..reply };
        return reply.header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
    }
    reply
}

fn accepts_json(request: &Request) -> bool {
    let accept = request.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accept
        .flat_map(|value| value.split(','))
        .any(|part| part.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json"))
}
