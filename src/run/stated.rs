//! What metadata and profile say about the target, before anything is tried.

use serde_json::{Value, json};

use super::ability::Ability;
use super::preflight::Preflight;
use crate::event::Document;
use crate::oauth::encrypt;
use crate::step::{self, Discovered};
use crate::wire::Wire;

/// Challenge and metadata for the snapshot, redacted.
pub fn documents(discovered: &Discovered, wire: &Wire) -> Vec<Document> {
    let facts = &discovered.facts;
    let parts = [
        (
            "challenge",
            json!({ "status": facts["status"], "scheme": facts["challenge"]["scheme"], "params": facts["challenge"]["params"] }),
        ),
        ("protected resource metadata", facts["prm"]["body"].clone()),
        ("authorization server metadata", facts["as"]["body"].clone()),
        ("openid configuration", facts["oidc"]["body"].clone()),
    ];
    parts.into_iter().filter(|(_, v)| !v.is_null()).map(|(name, v)| document(name, &v, wire)).collect()
}

pub fn document(name: &str, content: &Value, wire: &Wire) -> Document {
    let text = wire.vault().redact(&content.to_string());
    Document { name: name.to_owned(), content: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Abilities that the metadata states.
pub fn from_metadata(seen: &mut Preflight, discovered: &Discovered) {
    let metadata = discovered.found.metadata.clone();
    let prm = discovered.found.prm.clone().unwrap_or_default();
    let lists = |name: &str, word: &str| metadata[name].as_array().is_some_and(|a| a.iter().any(|v| v == word));
    let a = &mut seen.abilities;
    for (word, endpoint) in [
        ("revocation", "revocation_endpoint"),
        ("introspection", "introspection_endpoint"),
        ("userinfo", "userinfo_endpoint"),
        ("par", "pushed_authorization_request_endpoint"),
    ] {
        a.decide(word, metadata[endpoint].is_string(), &format!("no {endpoint} in the metadata"));
    }
    let named = lists("revocation_endpoint_auth_methods_supported", "none");
    // Until a client with a secret has asked.
    for word in ["introspection-of-access", "introspection-told"] {
        a.set(word, Ability::Lacks("no client with a secret got a token to ask about".into()));
    }
    let basic = !metadata["revocation_endpoint_auth_methods_supported"].is_array()
        || lists("revocation_endpoint_auth_methods_supported", "client_secret_basic");
    a.decide("revocation-basic", basic, "revocation_endpoint_auth_methods_supported does not list client_secret_basic");
    a.decide("revocation-none", named, "revocation_endpoint_auth_methods_supported does not list none");
    seen.world.recipe.push = metadata["require_pushed_authorization_requests"] == true;
    let methods = metadata["token_endpoint_auth_methods_supported"].is_array();
    let dynamic = metadata["registration_endpoint"].is_string();
    let basic = dynamic && (!methods || lists("token_endpoint_auth_methods_supported", "client_secret_basic"));
    let post = dynamic && lists("token_endpoint_auth_methods_supported", "client_secret_post");
    let jwt = dynamic && lists("token_endpoint_auth_methods_supported", "private_key_jwt");
    let none = "no such method in token_endpoint_auth_methods_supported, or no dynamic registration";
    for (has, words) in [
        (basic, ["basic-client-secret", "basic-offered", "secret-basic"]),
        (post, ["post-client-secret", "post-offered", "secret-post"]),
    ] {
        for word in words {
            a.decide(word, has, none);
        }
    }
    a.decide("confidential-client", basic || post, none);
    a.decide("jwt-offered", jwt, none);
    a.decide("private-key-jwt", jwt, none);
    a.decide(
        "client-credentials",
        lists("grant_types_supported", "client_credentials"),
        "grant_types_supported does not list it",
    );
    for (word, mode) in [("query-mode", "query"), ("fragment-mode", "fragment")] {
        a.decide(word, lists("response_modes_supported", mode), "response_modes_supported does not list it");
    }
    a.decide("openid", lists("scopes_supported", "openid"), "scopes_supported does not list openid");
    a.decide(
        "iss-parameter",
        metadata["authorization_response_iss_parameter_supported"] == true,
        "authorization_response_iss_parameter_supported is not true",
    );
    a.decide(
        "rfc8414-metadata",
        discovered.facts["as"]["form"] == "rfc8414",
        "no document at oauth-authorization-server",
    );
    a.decide("oidc-metadata", discovered.facts["oidc"]["body"].is_object(), "no document at openid-configuration");
    a.decide("protected-resource-metadata", discovered.found.prm.is_some(), "no protected resource metadata was found");
    let count = |doc: &Value| doc["scopes_supported"].as_array().map_or(0, Vec::len);
    let challenged = seen.world.found.challenge_scope.as_deref().is_some_and(|s| !s.is_empty());
    a.decide("resource-scope", challenged || count(&prm) > 0, "neither its challenge nor its metadata names a scope");
    a.decide("scopes", count(&prm).max(count(&metadata)) > 1, "fewer than two scopes are known");
    let issuer_path =
        url::Url::parse(&discovered.found.issuer).is_ok_and(|u| !u.path().trim_end_matches('/').is_empty());
    a.decide("path-issuer", issuer_path, "the issuer has no path");
    let http = seen.world.place().starts_with("http://");
    a.decide("loopback", http, "the target is driven over https");
    a.decide("https", !http, "the target is driven over http on loopback");
    a.decide("two-users", seen.world.users.len() > 1, "the profile names one user only");
    a.decide("key-set", metadata["jwks_uri"].is_string(), "no jwks_uri in the metadata");
    let listed =
        seen.world.found.jwks.as_ref().is_none_or(|set| set["keys"].as_array().is_none_or(|keys| !keys.is_empty()));
    a.decide("public-keys", metadata["jwks_uri"].is_string() && listed, "no key in its key set (jwks_uri)");
    let rsa = encrypt::key(seen.world.found.jwks.as_ref()).is_some();
    a.decide("rsa-key-set", rsa, "no RSA key in its key set (jwks_uri)");
    let grants = &metadata["grant_types_supported"];
    let code = metadata.is_object() && (!grants.is_array() || lists("grant_types_supported", "authorization_code"));
    a.decide("code-flow", code, "grant_types_supported does not list authorization_code");
    a.decide("server-metadata", metadata.is_object(), "no authorization server metadata was found");
    a.decide("no-server-metadata", !metadata.is_object(), "authorization server metadata is published");
    let named = |word: &str| seen.world.provisioning.contains_key(word);
    let none = "no page of its own is named (profile section [provisioning])";
    a.decide("browser-login", named("login") && named("page"), none);
    a.decide("provisioning", named("start") && named("status"), none);
    // Until a grant shows that they come from our identity provider.
    a.set("own-answers", Ability::Has);
    let none = "a command of the profile answers its pages, in a browser of its own (login.how)";
    a.decide("own-browser", seen.world.forms.command.is_empty(), none);
    a.set("own-tokens", Ability::Has);
    let bound = discovered.found.prm.as_ref().is_some_and(|prm| prm["dpop_bound_access_tokens_required"] == true);
    a.decide(
        "plain-tokens",
        !bound,
        "its resource metadata demands tokens that are bound to a key (dpop_bound_access_tokens_required)",
    );
    // Until a second journey shows that consent is remembered.
    a.set("consent-asked-again", Ability::Has);
    a.set("guessing", Ability::Lacks("the profile does not allow to guess secrets (abilities.with)".into()));
    for word in CLAIMED {
        a.set(word, Ability::Lacks("a policy that the profile does not claim (abilities.with)".into()));
    }
    tools_and_scopes(seen, discovered);
}

/// Policies that the specifications leave to the server.
const CLAIMED: [&str; 7] = [
    "auth-method-enforced",
    "document-after-login",
    "document-cache-obeyed",
    "introspection-audience",
    "withdrawn-keys-given-up",
    "workload-assertion-once",
    "workload-by-subject",
];

/// What the profile says about tools, and what challenge and metadata say about scopes.
fn tools_and_scopes(seen: &mut Preflight, discovered: &Discovered) {
    let a = &mut seen.abilities;
    let asked = seen.world.recipe.scope.as_deref().unwrap_or_default();
    let more = seen.world.scope("write").is_some_and(|needed| !step::beyond(&needed, asked).is_empty());
    // An honest grant may show that nothing has to be stepped up to.
    for word in ["write-scope", "step-up"] {
        a.decide(word, more, "no tool is known that needs more scope (profile section [scopes], tool-write)");
    }
    let read = seen.world.tool("read").is_some();
    a.decide("tool", read, "no tool is named that may be called (profile section [scopes], tool-read)");
    let scoped = seen.world.tool("read").is_some_and(|tool| tool.scope.is_some());
    a.decide(
        "tool-scope",
        scoped,
        "no tool is named with the scopes that it needs (profile section [scopes], tool-read)",
    );
    let shown = seen.world.tool("write").is_some() && seen.world.tool("show").is_some();
    a.decide(
        "visible-write",
        shown,
        "no tool is named that shows what was written (profile section [scopes], tool-show)",
    );
    let restricted = seen.world.tool("restricted").is_some() && seen.world.users.len() > 1;
    a.decide(
        "restricted-tool",
        restricted,
        "no tool is named that only one user may use (profile section [scopes], tool-restricted)",
    );
    let upstream = seen.world.tool("upstream").is_some();
    a.decide(
        "upstream-tool",
        upstream,
        "no tool is named that asks the identity provider about the caller (profile section [scopes], tool-upstream)",
    );
    a.decide("many-scopes", seen.world.resource_scopes().len() > 2, "two scopes or fewer are known");
    let challenge = discovered.found.challenge_scope.clone().unwrap_or_default();
    let challenged = challenge.split(' ').any(|s| !s.is_empty() && !step::OPENID_SCOPES.contains(&s));
    let named = discovered.facts["challenge"]["params"]["resource_metadata"].is_string();
    a.decide("metadata-challenge", named, "the challenge has no resource_metadata");
    a.decide("scope-challenge", challenged, "the challenge names no scope beyond those of a login");
    a.set(
        "scope-hierarchy",
        Ability::Lacks("the profile does not say that one scope implies another (abilities.with)".into()),
    );
}
