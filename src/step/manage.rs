//! `manage`: reads, updates or deletes a registration at its client configuration endpoint (RFC 7592).

use serde_json::{Map, Value, json};

use super::args::{self, Args};
use super::client::Client;
use super::context::Context;
use super::facts;
use crate::transcript::Request;

/// Sends the request; what the answer says of the client (a new registration access token, other redirect URIs) holds from then on.
pub async fn perform(context: &mut Context, args: Args<'_>) -> Result<Value, String> {
    let name = args.text("client").unwrap_or_else(|| "default".into());
    let client = context.client_or(&name)?;
    let how = args.text("how").unwrap_or_else(|| "read".into());
    if how != "read" && context.has_from_pool(&client.id) {
        return Err(format!(
            "{how} the registration of client `{name}`: other cases use it; register one in this case"
        ));
    }
    let request = prepare(&client, &how, args)?;
    let answer = context.wire.send("client", request).await;
    let facts = facts::http(&answer.outcome);
    let ok = facts.get("status").and_then(Value::as_u64).is_some_and(|status| (200..300).contains(&status));
    if let Some(changed) = facts.get("body").filter(|_| ok).and_then(|body| changed(&client, body)) {
        context.adopt(&name, changed);
    }
    Ok(Value::Object(facts))
}

/// The client as an answer describes it; what the answer leaves out stays as it was. Nothing changes if it speaks of another.
fn changed(client: &Client, answer: &Value) -> Option<Client> {
    let answer = answer.as_object().filter(|answer| answer.get("client_id") == Some(&json!(client.id)))?;
    let mut registration = client.registration.as_object().cloned().unwrap_or_default();
    registration.extend(answer.clone());
    Client::from_registration(&client.name, &Map::new(), &Value::Object(registration))
}

fn prepare(client: &Client, how: &str, args: Args<'_>) -> Result<Request, String> {
    let own = |member: &str| client.registration.get(member).and_then(Value::as_str).map(str::to_owned);
    let url =
        own("registration_client_uri").ok_or("manage a registration: its answer has no registration_client_uri")?;
    let url = args::join(&url, &args::form(&args::pairs(&args.table("query"))));
    let bearer = match args.get("bearer") {
        Some(Value::Bool(_)) => None,
        Some(_) => args.text("bearer"),
        None => Some(own(TOKEN).ok_or("manage a registration: its answer has no registration_access_token")?),
    };
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    headers.extend(bearer.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
    let mut body = String::new();
    if how == "update" {
        headers.push(("content-type".into(), "application/json".into()));
        body = Value::Object(update(&client.registration, args)).to_string();
    }
    let method = match how {
        "update" => "PUT",
        "delete" => "DELETE",
        _ => "GET",
    };
    Ok(Request { method: method.into(), url, headers, body: body.into() })
}

/// What an update sends: all metadata as it was answered, and none of what only the server says (RFC 7592 section 2.2).
fn update(registration: &Value, args: Args<'_>) -> Map<String, Value> {
    let mut asked = registration.as_object().cloned().unwrap_or_default();
    asked.retain(|name, _| !BY_SERVER_ALONE.contains(&name.as_str()));
    asked.extend(args.table("with"));
    for name in args.list("drop") {
        asked.remove(&name);
    }
    asked
}

const TOKEN: &str = "registration_access_token";

const BY_SERVER_ALONE: [&str; 4] =
    ["client_id_issued_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_changes_the_client_that_it_names_and_no_other() {
        let before = json!({
            "client_id": "a", "client_secret": "s", "redirect_uris": ["http://127.0.0.1/old"], "registration_access_token": "t",
            "token_endpoint_auth_method": "client_secret_post",
        });
        let client = Client::from_registration("other", &Map::new(), &before).expect("a client");
        let answer = |id| {
            json!({
                "client_id": id, "redirect_uris": ["http://127.0.0.1/new"], "registration_access_token": "u",
            })
        };
        let after = changed(&client, &answer("a")).expect("it names the client");
        assert_eq!(
            (after.redirect_uris.as_slice(), after.method.as_str()),
            (&["http://127.0.0.1/new".to_owned()][..], "client_secret_post")
        );
        assert_eq!(
            (after.secret.as_deref(), &after.registration["registration_access_token"]),
            (Some("s"), &json!("u"))
        );
        assert!(changed(&client, &answer("b")).is_none());
    }

    #[test]
    fn an_update_sends_what_was_answered_and_nothing_that_only_the_server_says() {
        let registration = json!({
            "client_id": "a", "client_secret": "s", "client_id_issued_at": 1, "client_secret_expires_at": 0, "scope": "x",
            "redirect_uris": ["http://127.0.0.1/cb"], "registration_access_token": "t", "registration_client_uri": "http://127.0.0.1/a",
        });
        let Value::Object(table) = json!({ "with": { "client_name": "n" }, "drop": ["scope"] }) else {
            unreachable!("a table")
        };
        let sent = update(&registration, Args::new(&table));
        let expected = json!({
            "client_id": "a", "client_secret": "s", "redirect_uris": ["http://127.0.0.1/cb"], "client_name": "n",
        });
        assert_eq!(Value::Object(sent), expected);
    }
}
