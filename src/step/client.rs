//! Clients of the authorization server: what they are, how they come into being, how they authenticate.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::exchange::{EXCHANGER, GRANT, Source};
use super::noted::part;
use super::world::World;
use super::{assertion, client_assertion};
use crate::fact::clip;
use crate::oauth::client_key::ClientKey;
use crate::oauth::{forge, pkce};
use crate::transcript::{Outcome, Request, Secret};
use crate::wire::{Answer, Wire, host::Document};

/// The way a client comes into being.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum How {
    /// Dynamic client registration (RFC 7591).
    #[default]
    Dynamic,
    /// A client ID metadata document that the harness serves.
    Document,
    /// Registered by the operator beforehand.
    Preset,
    /// There is no way: no endpoint, no document support, nothing in the profile.
    None,
}

/// A client in hand.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// What the case calls it.
    pub name: String,
    /// `client_id`.
    pub id: String,
    /// `client_secret`, if it has one.
    pub secret: Option<String>,
    /// The private key of a preset client; those that register have a key of the harness.
    pub key: Option<Arc<ClientKey>>,
    /// `token_endpoint_auth_method` as registered.
    pub method: String,
    /// Registered redirect URIs.
    pub redirect_uris: Vec<String>,
    /// The answer of the registration, for captures.
    pub registration: Arc<Value>,
}

impl Client {
    /// Whether a preset client has what its way to authenticate takes.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        match self.method.as_str() {
            "none" => false,
            "private_key_jwt" => self.key.is_some(),
            _ => self.secret.is_some(),
        }
    }

    /// A member by the name that cases use.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Value> {
        match name {
            "id" => Some(self.id.clone().into()),
            "secret" => self.secret.clone().map(Value::from),
            "method" => Some(self.method.clone().into()),
            "redirect-uri" => self.redirect_uris.first().cloned().map(Value::from),
            other => self.registration.get(other).cloned(),
        }
    }

    /// The client that a successful registration answer describes; what the answer leaves out is taken as requested.
    #[must_use]
    pub fn from_registration(name: &str, asked: &Map<String, Value>, answer: &Value) -> Option<Client> {
        let id = answer.get("client_id")?.as_str()?.to_owned();
        let text = |member: &str| answer.get(member).or(asked.get(member)).and_then(Value::as_str).map(str::to_owned);
        let uris = answer.get("redirect_uris").or(asked.get("redirect_uris")).and_then(Value::as_array);
        let secret = answer.get("client_secret").and_then(Value::as_str).map(str::to_owned);
        let default_method = if secret.is_some() { "client_secret_basic" } else { "none" };
        Some(Client {
            name: name.to_owned(),
            id,
            method: text("token_endpoint_auth_method").unwrap_or_else(|| default_method.to_owned()),
            redirect_uris: uris.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            secret,
            key: None,
            registration: Arc::new(answer.clone()),
        })
    }
}

/// Honest registration metadata for a kind of client: `public`, `basic`, `post`, `jwt`, or those that act for themselves:
/// `machine`, `machine-basic`, `machine-jwt`, `machine-post`.
#[must_use]
pub fn metadata(world: &World, kind: &str) -> Map<String, Value> {
    let offers = |word: &str| lists(world.found.member("token_endpoint_auth_methods_supported"), word);
    let confidential = if offers("client_secret_basic") && !part!(world.recipe, post_machines) {
        "machine-basic"
    } else if offers("client_secret_post") {
        "machine-post"
    } else {
        "machine-jwt"
    };
    let kind = match kind {
        "machine" if part!(world.recipe, public_machines) => "public",
        "machine" => confidential,
        other => other,
    };
    let way = if kind == EXCHANGER { confidential } else { kind };
    let method = match way.trim_start_matches("machine-") {
        "basic" => "client_secret_basic",
        "post" => "client_secret_post",
        "jwt" => "private_key_jwt",
        _ => part!(world.registration, method)
            .as_deref()
            .filter(|_| part!(world.registration, how) == How::Dynamic)
            .unwrap_or("none"),
    };
    let mut map = Map::new();
    map.insert("client_name".into(), json!(own_name(world)));
    map.insert("redirect_uris".into(), json!(part!(world.registration, redirect_uris)));
    // A server may refuse the whole registration for one grant that it does not know.
    let listed = || world.found.member("grant_types_supported").and_then(Value::as_array);
    let takes = |grant: &str| listed().is_some_and(|list| list.iter().any(|known| known == grant));
    let may_take = |grant: &str| listed().is_none() || takes(grant);
    let mut grants = vec!["authorization_code", "refresh_token"];
    if kind == EXCHANGER {
        let by_itself = may_take("client_credentials") || world.exchange.subject == Source::ClientCredentials;
        grants.extend(by_itself.then_some("client_credentials"));
        grants.push(GRANT);
        // Only with that grant does a refusal of its own assertion say anything of the server.
        let judged = takes(assertion::GRANT) && world.exchange.wants.id_jag.is_some();
        grants.extend(judged.then_some(assertion::GRANT));
    }
    map.insert("grant_types".into(), json!(grants));
    map.insert("response_types".into(), json!(["code"]));
    map.insert("token_endpoint_auth_method".into(), json!(method));
    // Loopback redirect URIs make this a native application (OpenID Connect Registration section 2).
    map.insert("application_type".into(), json!("native"));
    if let Some(scope) = &part!(world.registration, scope) {
        map.insert("scope".into(), json!(scope));
    }
    if kind.starts_with("machine-") {
        // No user comes back to it, so it needs neither redirect URIs nor response types.
        map.shift_remove("redirect_uris");
        map.shift_remove("application_type");
        map.insert("response_types".into(), json!([]));
        let assertions = takes(assertion::GRANT);
        let mut grants = Vec::new();
        grants.extend((may_take("client_credentials") || !assertions).then_some("client_credentials"));
        grants.extend(assertions.then_some(assertion::GRANT));
        map.insert("grant_types".into(), json!(grants));
    }
    if method == "private_key_jwt" {
        map.insert("jwks".into(), forge::own_jwks());
        map.insert("token_endpoint_auth_signing_alg".into(), json!(assertion_algorithm(world)));
    }
    map
}

/// What client assertions are signed by, where the client has no key of its own: the first that the server lists.
#[must_use]
pub fn assertion_algorithm(world: &World) -> &'static str {
    let listed = world.found.member("token_endpoint_auth_signing_alg_values_supported").and_then(Value::as_array);
    let takes = |alg: &&str| listed.is_some_and(|list| list.iter().any(|known| known == alg));
    ["ES256", "RS256", "EdDSA"].into_iter().find(takes).unwrap_or("ES256")
}

/// A name that no client has yet: equal metadata may bring the same client again (RFC 7591 section 3.2.1).
fn own_name(world: &World) -> String {
    let name = part!(world.registration, client_name).clone();
    match world.pool.number() {
        1 => name,
        number => format!("{name} {number}"),
    }
}

/// Whether a list of the metadata, where it is left out the default of RFC 8414, has the method.
fn lists(list: Option<&Value>, method: &str) -> bool {
    list.and_then(Value::as_array)
        .map_or(method == "client_secret_basic", |list| list.iter().any(|known| known == method))
}

/// Makes a fresh client of a kind, by the way that the target offers.
///
/// # Errors
/// Says why the target gave none, with its answer in short.
pub async fn fresh(world: &World, wire: &Wire, name: &str, kind: &str) -> Result<Client, String> {
    if kind == EXCHANGER
        && let Some(client) = &part!(world.exchange, client)
    {
        return Ok(client.clone());
    }
    match part!(world.registration, how) {
        How::Preset => preset(world, name),
        How::Document if kind == "public" || kind == "jwt" => document(world, name, &metadata(world, kind)),
        How::Document | How::Dynamic => {
            let mut asked = metadata(world, kind);
            let first = registered(world, wire, name, kind, &asked).await;
            let refused = |reason: &String| reason.starts_with(&format!("register a {kind} client: 4"));
            if !kind.starts_with("machine") || !first.as_ref().is_err_and(refused) {
                return first;
            }
            // Some servers want redirect URIs of every client, though RFC 7591 section 2 asks it only of those that users
            // come back to.
            asked.insert("redirect_uris".into(), json!(part!(world.registration, redirect_uris)));
            registered(world, wire, name, kind, &asked).await.or(first)
        }
        How::None => {
            Err("get a client: no registration endpoint, no metadata documents, and no preset client in the profile"
                .into())
        }
    }
}

/// Registers a client with this metadata.
async fn registered(
    world: &World,
    wire: &Wire,
    name: &str,
    kind: &str,
    asked: &Map<String, Value>,
) -> Result<Client, String> {
    let answer = register(world, wire, &Value::Object(asked.clone())).await?;
    let Outcome::Answered(response) = &answer.outcome else {
        return Err("register a client: the registration endpoint gave no answer".into());
    };
    let body = response.json().unwrap_or_default();
    Client::from_registration(name, asked, &body).filter(|_| response.status < 300).ok_or_else(|| {
        let error = body["error"].as_str().unwrap_or("no client_id in the answer");
        let said = body["error_description"].as_str().unwrap_or_default();
        let said = if said.is_empty() { String::new() } else { format!(" ({})", clip(said, 160)) };
        format!("register a {kind} client: {} {error}{said}", response.status)
    })
}

fn preset(world: &World, name: &str) -> Result<Client, String> {
    let known =
        if name.ends_with("other") { &part!(world.registration, other) } else { &part!(world.registration, preset) };
    let mut client = known
        .clone()
        .ok_or_else(|| format!("get client `{name}`: the profile presets none (section [registration])"))?;
    name.clone_into(&mut client.name);
    Ok(client)
}

/// A client whose `client_id` is the URL of a document that the harness serves.
fn document(world: &World, name: &str, asked: &Map<String, Value>) -> Result<Client, String> {
    let host = world.host.as_ref().ok_or("serve a client metadata document: the document host is not running")?;
    let path = format!("/client/{}", pkce::random(9));
    let id = host.url(&path);
    let mut document = asked.clone();
    document.insert("client_id".into(), json!(id));
    host.put(&path, Document::json(&Value::Object(document.clone())));
    let method = document["token_endpoint_auth_method"].as_str().unwrap_or("none").to_owned();
    let uris = part!(world.registration, redirect_uris).clone();
    Ok(Client {
        name: name.into(),
        id,
        secret: None,
        key: None,
        method,
        redirect_uris: uris,
        registration: Arc::new(Value::Object(document)),
    })
}

/// Posts a registration.
///
/// # Errors
/// If there is no registration endpoint, or the budget of registrations is used up.
pub async fn register(world: &World, wire: &Wire, body: &Value) -> Result<Answer, String> {
    let endpoint = world.endpoint("registration_endpoint")?;
    world.pool.budget.spend()?;
    let headers =
        vec![("content-type".into(), "application/json".into()), ("accept".into(), "application/json".into())];
    let request = Request { method: "POST".into(), url: endpoint, headers, body: body.to_string().into() };
    Ok(wire.send("client", request).await)
}

/// Adds client authentication to a form and headers: `auth` is `registered` or one of the deviations of the verb table.
///
/// # Errors
/// If the deviation needs a secret that the client does not have.
pub fn authenticate(
    world: &World,
    wire: &Wire,
    client: &Client,
    auth: &str,
    form: &mut Vec<(String, String)>,
    headers: &mut Vec<(String, String)>,
    assertion: &Map<String, Value>,
) -> Result<(), String> {
    let auth = match (auth, client.method.as_str()) {
        ("registered" | "", "client_secret_basic") => "basic",
        ("registered" | "", "client_secret_post") => "post",
        ("registered" | "", "private_key_jwt") => "assertion",
        ("registered" | "", _) => "none",
        ("wrong-secret", "client_secret_basic") => "wrong-secret-basic",
        ("wrong-secret", _) => "wrong-secret-post",
        (other, _) => other,
    };
    let secret = || {
        client
            .secret
            .clone()
            .ok_or_else(|| format!("authenticate client `{}` by {auth}: it has no secret", client.name))
    };
    let wrong = "wrong-secret-0123456789abcdefghijklmnop".to_owned();
    let id = |form: &mut Vec<(String, String)>| form.push(("client_id".into(), client.id.clone()));
    match auth {
        "none" => id(form),
        "basic" => headers.push(basic(&client.id, &secret()?)),
        "basic-encoded" => headers.push(basic_of(&percent_encoded(&client.id), &percent_encoded(&secret()?))),
        "wrong-secret-basic" => headers.push(basic(&client.id, &wrong)),
        "post" | "wrong-secret-post" => {
            id(form);
            form.push(("client_secret".into(), if auth == "post" { secret()? } else { wrong }));
        }
        "both" => {
            headers.push(basic(&client.id, &secret()?));
            id(form);
            form.push(("client_secret".into(), secret()?));
        }
        "assertion" => {
            id(form);
            form.push((
                "client_assertion_type".into(),
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into(),
            ));
            let jwt = client_assertion::signed(world, client, assertion)?;
            wire.learn(Secret::ClientAssertion, &jwt);
            form.push(("client_assertion".into(), jwt));
        }
        "nothing" | "query" => {}
        other => return Err(format!("authenticate a client by `{other}`: unknown way")),
    }
    Ok(())
}

/// HTTP Basic with form-encoded id and secret (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &str) -> (String, String) {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    basic_of(&encode(id), &encode(secret))
}

/// HTTP Basic with id and secret as they are.
fn basic_of(id: &str, secret: &str) -> (String, String) {
    ("authorization".into(), format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
}

/// Every byte as `%XX`: form-encoded in the way that only who decodes it understands.
fn percent_encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}
