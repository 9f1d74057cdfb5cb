//! Filling in `$name` and `${name}`: captures, the variant's values, and what the run knows.

use serde_json::{Map, Value};

use super::context::Context;
use super::exchange::EXCHANGER;
use super::noted::part;
use super::proof;
use super::world::{authority, beyond};
use crate::oauth::pkce;

/// Fills in the variables of a value, everywhere in it.
///
/// # Errors
/// Names the variable that has no value.
pub fn substitute(value: &Value, context: &Context) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => text_value(text, context)?,
        Value::Array(items) => Value::Array(items.iter().map(|v| substitute(v, context)).collect::<Result<_, _>>()?),
        Value::Object(map) => {
            let filled = map.iter().map(|(k, v)| Ok((k.clone(), substitute(v, context)?)));
            Value::Object(filled.collect::<Result<Map<_, _>, String>>()?)
        }
        other => other.clone(),
    })
}

fn text_value(text: &str, context: &Context) -> Result<Value, String> {
    if let Some(name) = text.strip_prefix('$').filter(|n| is_name(n)) {
        return lookup(name, context);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('{').and_then(|r| r.split_once('}')) {
            match lookup(name, context)? {
                Value::String(s) => out.push_str(&s),
                other => out.push_str(&other.to_string()),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(Value::String(out))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// The value of one variable.
fn lookup(name: &str, context: &Context) -> Result<Value, String> {
    let (head, tail) = name.split_once('.').unwrap_or((name, ""));
    if let Some(given) = context.variant.get(tail).filter(|_| head == "each") {
        // A variant may name what the run knows; lint keeps `$each` itself out of it, so this ends.
        return substitute(given, context);
    }
    let known = match head {
        "each" | "exchange" | "target" | "as" | "prm" | "client" | "machine" | "machine-other" | "other" | "host"
        | "idp" | "jkt" | "provisioning" | "random" | "now" | "user" | "tool" | "scope" => {
            namespace(head, tail, context)
        }
        _ => context
            .captured(head)
            .map(|v| if tail.is_empty() { Some(v.clone()) } else { dig(v, tail).cloned() })
            .unwrap_or(None),
    };
    known.ok_or_else(|| format!("`${name}` has no value here: {}", hint(head)))
}

fn hint(head: &str) -> &'static str {
    match head {
        "as" => "the authorization server's metadata does not have this member",
        "prm" => "the protected resource metadata does not have this member",
        "idp" => "the target is not wired to our identity provider",
        "exchange" => "the profile does not name it (section `[exchange]`)",
        "provisioning" => "the profile does not name it (profile section `[provisioning]`)",
        "tool" => "no tool that needs this scope is known (profile section `[scopes]`)",
        "each" => "the variant does not give it",
        _ => "no earlier step captured it",
    }
}

fn namespace(head: &str, tail: &str, context: &Context) -> Option<Value> {
    let world = &context.world;
    let text = |s: &str| Some(Value::String(s.to_owned()));
    match (head, tail) {
        ("target", "mcp-url") => text(&world.mcp_url),
        ("target", "mcp-url-query") => {
            text(&format!("{}{}", world.mcp_url, if world.mcp_url.contains('?') { '&' } else { '?' }))
        }
        ("target", "mcp-url-twin") => text(&world.mcp_url_twin()),
        ("target", "origin") => text(&world.origin()),
        ("target", "path") => text(&world.mcp_path()),
        ("target", "authority") => text(&world.mcp_authority()),
        ("target", "version") => text(&world.version.to_string()),
        ("target", "resource") => text(&part!(world.recipe, resource)),
        ("as", "origin") => text(&world.as_origin()),
        ("as", "token-origin") => {
            text(&url::Url::parse(world.found.member("token_endpoint")?.as_str()?).ok()?.origin().ascii_serialization())
        }
        ("as", "metadata-url") => part!(world.found, as_url).as_deref().and_then(text),
        ("as", name) => world.found.member(name).cloned(),
        ("prm", "url") => part!(world.found, prm_url).as_deref().and_then(text),
        ("prm", name) => world.found.prm_member(name).cloned(),
        ("client", member) => context.client("default").and_then(|c| c.member(member)),
        ("machine" | "machine-other" | "other", member) => context.client(head).and_then(|c| c.member(member)),
        ("host", "url") => world.host.as_ref().and_then(|h| text(&h.url("/"))).map(|v| trim_slash(&v)),
        ("host", "authority") => world.host.as_ref().and_then(|h| text(&authority(&h.url("/")))),
        ("host", "name") => world.host.as_ref().and_then(|h| text(h.authority().rsplit_once(':')?.0)),
        ("host", "port") => world.host.as_ref().and_then(|h| text(h.authority().rsplit(':').next()?)),
        ("exchange", "client-id") => context.client(EXCHANGER).and_then(|client| client.member("id")),
        // What the client that exchanges logs its users in with: it may not have the scope of the MCP server.
        ("exchange", "login-scope") => {
            let stated = world.exchange.at(&["wants"]).member("subject-scope");
            stated.or_else(|| text(part!(world.recipe, scope).as_deref().unwrap_or("")))
        }
        ("exchange", member) => world.exchange.at(&["wants"]).member(member),
        ("jkt", key) => proof::thumbprint(context, key).ok().map(Value::String),
        ("idp", "workload-audience") => world.idp.as_ref()?.workload.as_ref().map(|w| match w.audience.as_str() {
            "" => world.found.member("token_endpoint").cloned().unwrap_or_default(),
            audience => audience.into(),
        }),
        ("idp", member) => world.idp.as_ref()?.member(member),
        ("random", n) => Some(Value::String(pkce::random(n.parse().unwrap_or(16)))),
        ("now", offset) => Some(Value::from(world.clock.date() + offset.parse::<i64>().unwrap_or(0))),
        ("user", path) => {
            let (who, member) = path.split_once('.')?;
            world.users.get(who).and_then(|u| u.member(member))
        }
        ("tool", which) => world.tool(which).and_then(|t| text(&t.name)),
        ("provisioning", which) => world.provisioning.get(which).and_then(|known| match which {
            "cookie" => text(known),
            _ => text(&format!("{}{known}", world.origin())),
        }),
        ("scope", "all") => Some(world.resource_scopes().into()),
        ("scope", "default") => text(part!(world.recipe, scope).as_deref().unwrap_or("")),
        ("scope", "write") => {
            text(&beyond(&world.scope("write")?, part!(world.recipe, scope).as_deref().unwrap_or_default()))
        }
        ("scope", "downstream-write") => {
            text(&beyond(&world.scope(tail)?, &world.scope("downstream").unwrap_or_default()))
        }
        ("scope", which) => world.scope(which).and_then(|s| text(&s)),
        _ => None,
    }
}

fn trim_slash(value: &Value) -> Value {
    Value::String(value.as_str().unwrap_or_default().trim_end_matches('/').to_owned())
}

/// A value at a dotted path; numbers index lists; a member whose name holds dots is found whole.
#[must_use]
pub(super) fn dig<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    crate::fact::dig(value, path)
}
