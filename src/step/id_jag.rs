//! `id-jag` of `exchange`: an honest request for an identity assertion (draft-ietf-oauth-identity-assertion-authz-grant
//! section 4.3), from the login of the client that exchanges.

use serde_json::{Map, Value, json};

use super::args::Args;
use super::context::Context;
use super::exchange::EXCHANGER;
use super::noted::part;
use super::{facts, token};
use crate::target::IdJagWants;
use crate::transcript::Secret;

/// What an honest request hands in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Identity {
    /// The ID token of a fresh login.
    #[default]
    IdToken,
    /// Its refresh token, which stands for the login.
    RefreshToken,
}

impl Identity {
    /// `subject_token_type`.
    #[must_use]
    pub fn token_type(self) -> &'static str {
        match self {
            Identity::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Identity::RefreshToken => "urn:ietf:params:oauth:token-type:refresh_token",
        }
    }

    /// The member of a token answer that holds it.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Identity::IdToken => "id_token",
            Identity::RefreshToken => "refresh_token",
        }
    }
}

/// A member of the profile's section by the name that cases use, without `id-jag-`.
pub(super) fn member(wants: &IdJagWants, name: &str) -> Option<Value> {
    let text = match name {
        "audience" => Some(&wants.audience),
        "resource" => wants.resource.as_ref(),
        "other-resource" => wants.other_resource.as_ref(),
        "scope" => wants.scope.as_ref(),
        "wider-scope" => wants.wider_scope.as_ref(),
        _ => None,
    };
    text.cloned().map(Value::from)
}

/// The arguments of the exchange, with all that the case leaves out.
pub(super) async fn request(context: &mut Context, args: Args<'_>) -> Result<Map<String, Value>, String> {
    let wants = part!(context.world.exchange, wants).id_jag.clone();
    let wants =
        wants.ok_or("ask for an identity assertion: the profile names no audience (section [exchange.id-jag])")?;
    let identity = part!(context.world.exchange, identity);
    let mut filled = args.all().clone();
    filled.shift_remove("id-jag");
    let kind = args.text("subject-token-type").unwrap_or_else(|| identity.token_type().to_owned());
    // A refresh token may be held to the scope of its login (draft section 4.3.3), which is not that of the other server.
    let scope = wants.scope.filter(|_| kind != Identity::RefreshToken.token_type());
    let mut dropped = args.list("drop");
    if !filled.contains_key("scope") && scope.is_none() {
        dropped.push("scope".into());
    }
    filled.insert("drop".into(), json!(dropped));
    let mut put = |name: &str, value: Option<Value>| {
        let value = value.filter(|_| !filled.contains_key(name));
        filled.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("requested-token-type", Some(json!(ID_JAG)));
    put("audience", Some(json!(wants.audience)));
    put("resource", wants.resource.map(Value::from));
    put("scope", scope.map(Value::from));
    put("subject-token-type", Some(json!(kind)));
    let has_subject = filled.contains_key("subject-token") || dropped.iter().any(|name| name == "subject_token");
    if !has_subject {
        let token = login(context, args, identity).await?;
        filled.insert("subject-token".into(), json!(token));
    }
    Ok(filled)
}

/// The identity assertion, or refresh token, of a fresh login at the client that exchanges.
async fn login(context: &mut Context, args: Args<'_>, identity: Identity) -> Result<String, String> {
    let client = args.text("client").unwrap_or_else(|| EXCHANGER.to_owned());
    let scope = json!(login_scope(context));
    let request = Map::from_iter([("client".to_owned(), json!(client)), ("scope".to_owned(), scope)]);
    let answer = token::perform(context, Args::new(&request)).await?;
    let token = answer["body"][identity.member()].as_str().map(str::to_owned);
    let token = token.ok_or_else(|| {
        format!("get an identity to assert: a login gave no {}: {}", identity.member(), facts::summary(&answer))
    })?;
    context.wire.learn(Secret::IdToken, &token);
    Ok(token)
}

/// The scope of logins, and that a user logs in at all.
fn login_scope(context: &Context) -> String {
    let world = &context.world;
    let usual =
        part!(world.exchange, wants).subject_scope.clone().or(part!(world.recipe, scope).clone()).unwrap_or_default();
    let mut words: Vec<&str> = usual.split(' ').filter(|word| !word.is_empty() && *word != "openid").collect();
    words.insert(0, "openid");
    words.join(" ")
}

/// The type of identity assertions.
pub const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
