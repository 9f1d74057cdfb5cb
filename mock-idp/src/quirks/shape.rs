//! Access tokens as a provider writes them.

use serde_json::{Map, Value};

use super::{Quirks, ScopeClaim, is_openid};
use crate::issuer::Issuer;
use crate::jose::Unsigned;
use crate::presented::Presented;

/// Whether a provider's access tokens differ from those of RFC 9068.
pub(crate) fn reshapes(quirks: &Quirks) -> bool {
    !quirks.access_claims.is_empty()
        || !quirks.access_claims_drop.is_empty()
        || quirks.access_typ.is_some()
        || quirks.scope_claim != ScopeClaim::Scope
        || quirks.short_scopes
        || quirks.app_roles.is_some()
}

/// Writes an honest access token the provider's way.
pub(crate) fn shape(issuer: &Issuer, token: &mut Unsigned) {
    let config = issuer.config();
    let quirks = &config.quirks;
    if !reshapes(quirks) {
        return;
    }
    let names = Names::of(issuer, &token.claims);
    let own = token.claims.get("sub").is_some_and(|sub| token.claims.get("client_id") == Some(sub));
    match quirks.app_roles.as_ref().filter(|_| own) {
        Some(roles) => {
            token.claims.shift_remove("scope");
            token.claims.insert("roles".to_owned(), roles.clone().into());
        }
        None => carry_scope(quirks, &mut token.claims),
    }
    for (name, value) in &quirks.access_claims {
        token.claims.insert(name.clone(), names.filled(value));
    }
    for name in &quirks.access_claims_drop {
        token.claims.shift_remove(name);
    }
    if let Some(typ) = &quirks.access_typ {
        // A patch: null takes the member out.
        let typ = if typ.is_empty() { Value::Null } else { typ.as_str().into() };
        token.header.insert("typ".to_owned(), typ);
    }
}

/// Whether a JWT is an access token as the provider writes them. Where ID tokens have the same `typ`, the claims that every
/// access token has with one value tell them apart (`typ` of Keycloak, `token_use` of Cognito); where there are none, no JWT
/// shows by itself what it is.
pub(crate) fn is_access(quirks: &Quirks, presented: &Presented) -> bool {
    let own = quirks.access_typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(&presented.typ));
    if presented.typ == "at+jwt" || (own && presented.typ != "jwt") {
        return true;
    }
    let mut fixed = quirks.access_claims.iter().filter(|(_, value)| !value.to_string().contains('{')).peekable();
    own && fixed.peek().is_some() && fixed.all(|(name, value)| presented.claims.get(name) == Some(value))
}

fn carry_scope(quirks: &Quirks, claims: &mut Map<String, Value>) {
    let Some(Value::String(scope)) = claims.shift_remove("scope") else { return };
    let mut words: Vec<&str> = scope.split(' ').collect();
    if quirks.short_scopes {
        words.retain(|word| !is_openid(word));
        words.iter_mut().for_each(|word| *word = word.rsplit_once('/').map_or(*word, |(_, short)| short));
    }
    if words.is_empty() {
        return;
    }
    let (name, value) = match quirks.scope_claim {
        ScopeClaim::Scope => ("scope", words.join(" ").into()),
        ScopeClaim::Scp => ("scp", words.join(" ").into()),
        ScopeClaim::ScpList => ("scp", words.into()),
    };
    claims.insert(name.to_owned(), value);
}

/// Writes the scope that a change gives a token the provider's way back into the claims as RFC 9068 has them.
pub(crate) fn restore_scope(quirks: &Quirks, change: &Map<String, Value>, claims: &mut Map<String, Value>) {
    let Some(changed) = change.get("scp").filter(|_| quirks.scope_claim != ScopeClaim::Scope) else { return };
    let scope = match changed {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    claims.shift_remove("scope");
    if !scope.is_empty() {
        claims.insert("scope".to_owned(), scope.into());
    }
}

/// What texts of a personality may name.
struct Names(Vec<(&'static str, String)>);

impl Names {
    fn of(issuer: &Issuer, claims: &Map<String, Value>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let url = issuer.url();
        let base = url.trim_end_matches('/').strip_suffix(issuer.name()).unwrap_or(&url).trim_end_matches('/');
        let version =
            |segment: &&str| !(segment.starts_with('v') && segment[1..].starts_with(|c: char| c.is_ascii_digit()));
        let tenant = issuer.name().rsplit('/').find(version).filter(|name| !name.is_empty()).unwrap_or("default");
        Self(vec![
            ("{base}", base.to_owned()),
            ("{client-id}", text("client_id")),
            ("{issuer}", url.clone()),
            ("{sub}", text("sub")),
            ("{tenant}", tenant.to_owned()),
        ])
    }

    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                self.0.iter().fold(text.clone(), |text, (name, value)| text.replace(name, value)).into()
            }
            Value::Array(values) => values.iter().map(|value| self.filled(value)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect::<Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }
}
