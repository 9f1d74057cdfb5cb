//! What a script does to a reply.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::{Answer, AnswerBody, Redirect};
use crate::error::OAuthError;
use crate::jose::merge;
use crate::reply::Reply;

impl Answer {
    /// The error that this answer stands for.
    pub(crate) fn oauth_error(&self) -> Option<OAuthError> {
        let code = self.error.as_deref()?;
        let description = self.error_description.as_deref().unwrap_or("scripted");
        let mut error = match code {
            "invalid_client" => OAuthError::invalid_client(description),
            "invalid_token" => OAuthError::bearer(StatusCode::UNAUTHORIZED, code, description),
            "insufficient_scope" => OAuthError::bearer(StatusCode::FORBIDDEN, code, description),
            _ => OAuthError::new(code, description),
        };
        error.status = self.known_status().unwrap_or(error.status);
        Some(error)
    }

    /// What to answer without asking the endpoint, or `None` if the endpoint is to be asked.
    pub(crate) fn replacement(&self) -> Option<Reply> {
        let status = self.known_status();
        let changes_honest = !self.merge.is_empty() || !self.keys.is_empty() || self.huge > 0;
        match (&self.body, self.oauth_error()) {
            (Some(AnswerBody::Json(json)), _) => Some(Reply::json(status.unwrap_or(StatusCode::OK), json)),
            (Some(AnswerBody::Text(text)), _) => {
                let html = text.trim_start().starts_with('<');
                let media_type = if html { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" };
                let reply = Reply::empty(status.unwrap_or(StatusCode::OK)).header(CONTENT_TYPE, media_type);
                Some(Reply { body: Bytes::from(text.clone()), ..reply })
            }
            (None, Some(error)) => Some(error.reply()),
            (None, None) if changes_honest => None,
            (None, None) => status.map(Reply::empty),
        }
    }

    /// Changes a reply that is already made.
    pub(crate) fn alter(&self, mut reply: Reply) -> Reply {
        if let Some(status) = self.known_status() {
            reply.status = status;
        }
        self.alter_body(&mut reply);
        let media_type = self.content_type.iter().map(|value| ("content-type".to_owned(), Some(value.clone())));
        for (name, value) in self.headers.iter().cloned().chain(media_type) {
            let Ok(name) = HeaderName::try_from(name.as_str()) else { continue };
            match value.map(|value| HeaderValue::from_bytes(value.as_bytes())) {
                None => drop(reply.headers.remove(name)),
                Some(Ok(value)) => drop(reply.headers.insert(name, value)),
                Some(Err(_)) => {}
            }
        }
        reply
    }

    fn alter_body(&self, reply: &mut Reply) {
        if self.merge.is_empty() && self.keys.is_empty() && self.huge == 0 {
            return;
        }
        let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(&reply.body) else {
            let filler = "x".repeat(self.huge);
            reply.body = Bytes::from([reply.body.as_ref(), filler.as_bytes()].concat());
            return;
        };
        merge(&mut body, &self.merge);
        if let Some(Value::Array(keys)) = body.get_mut("keys") {
            keys.splice(0..0, self.keys.iter().cloned());
        }
        let text = Value::Object(body).to_string();
        reply.body = Bytes::from(if self.huge > 0 { filled(&text, self.huge) } else { text });
    }

    fn known_status(&self) -> Option<StatusCode> {
        self.status.and_then(|status| StatusCode::from_u16(status).ok())
    }
}

impl Redirect {
    /// Changes the parameters of an authorization response; an `error` takes the place of the code.
    pub(crate) fn alter(&self, params: &mut Vec<(String, String)>) {
        let error = self.params.iter().any(|(name, value)| name == "error" && value.is_some());
        params.retain(|(name, _)| !(error && name == "code"));
        for (name, value) in &self.params {
            let place = params.iter().position(|(known, _)| known == name);
            match (value, place) {
                (Some(value), Some(place)) => params[place].1.clone_from(value),
                (Some(value), None) => params.push((name.clone(), value.clone())),
                (None, _) => params.retain(|(known, _)| known != name),
            }
        }
    }
}

/// A JSON object with one member more, of so many bytes: written once, because it may be megabytes.
fn filled(object: &str, bytes: usize) -> String {
    let mut text = String::with_capacity(object.len() + bytes + 16);
    text.push_str("{\"filler\":\"");
    text.extend(std::iter::repeat_n('x', bytes));
    text.push('"');
    if object.len() > "{}".len() {
        text.push(',');
    }
    text.push_str(&object[1..]);
    text
}
