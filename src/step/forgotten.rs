//! Clients that the target has forgotten: a store with a limit, or one that a restart empties, loses what was registered.
//! What a forgotten client meets says nothing of the rule that is judged.

use serde_json::Map;

use super::args;
use super::client::{self, Client};
use super::world::World;
use crate::oauth::pkce;
use crate::transcript::Request;
use crate::wire::Wire;

/// Whether the target still knows a client: it presents a code that nobody issued, and a server that knows the client
/// complains of the code, one that does not of the client (RFC 6749 section 5.2). `None` if there is no telling.
pub async fn is_known(world: &World, wire: &Wire, client: &Client) -> Option<bool> {
    let mut form = vec![
        ("grant_type".to_owned(), "authorization_code".to_owned()),
        ("code".to_owned(), pkce::random(24)),
        ("code_verifier".to_owned(), pkce::random(32)),
    ];
    form.extend(client.redirect_uris.first().map(|uri| ("redirect_uri".to_owned(), uri.clone())));
    let mut headers = vec![
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    client::authenticate(world, wire, client, "registered", &mut form, &mut headers, &Map::new()).ok()?;
    let url = world.endpoint("token_endpoint").ok()?;
    let request = Request { method: "POST".into(), url, headers, body: args::form(&form).into() };
    let answer = wire.send("client", request).await;
    let response = answer.outcome.response()?;
    let body = response.json()?;
    let error = body["error"].as_str()?;
    Some(!(error == "invalid_client" || error == "unauthorized_client" && response.status == 401))
}
