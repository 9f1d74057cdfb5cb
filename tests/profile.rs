//! Profiles: what they mean, what is said about each slip, and how a launched target starts and stops.

#[path = "profile/init.rs"]
mod init;
#[path = "profile/launch.rs"]
mod launch;
#[path = "profile/slips.rs"]
mod slips;

use std::time::Duration;

use authspec::diag::{Source, render};
use authspec::rule::{McpVersion, Role, Rules};
use authspec::target::{AuthMethod, LoginHow, Profile, RegistrationHow, Secret};
use jiff::civil::date;

/// The environment of these tests.
fn env(name: &str) -> Option<String> {
    match name {
        "ALICE" => Some("alice@example.com".to_owned()),
        "ALICE_PASSWORD" | "MALLORY" | "MALLORY_PASSWORD" => Some("correct horse".to_owned()),
        "CLIENT_SECRET" => Some("s3cret".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn read(text: &str) -> Profile {
    Profile::parse(Source::new("staging.toml", text), &env).unwrap_or_else(|slips| panic!("{}", render(&slips, false)))
}

/// What a person sees of the slips in `text`.
fn slips_of(text: &str) -> String {
    let slips = Profile::parse(Source::new("staging.toml", text), &env).expect_err("the profile has slips");
    render(&slips, false)
}

const REMOTE: &str = "[target]\nmcp-url = \"https://staging.example.com/mcp\"\n";
const LOCAL: &str = "[target]\nmcp-url = \"http://localhost:3000/mcp\"\n";

#[test]
fn reads_what_tokens_look_like() {
    let profile = read(&format!(
        "{LOCAL}[token]\naudience = \"api://a\"\nscope-claim = \"scp\"\ntyp = \"JWT\"\nclaims = {{ tid = \"t\", ver = 2 }}\n"
    ));
    assert_eq!(profile.token.audience.as_deref(), Some("api://a"));
    assert_eq!((profile.token.scope_claim.as_str(), profile.token.typ.as_deref()), ("scp", Some("JWT")));
    assert_eq!(serde_json::json!(profile.token.claims), serde_json::json!({ "tid": "t", "ver": 2 }));
    let changed = |claims: serde_json::Value, drop: &[&str]| {
        let serde_json::Value::Object(claims) = claims else { panic!("a table") };
        serde_json::json!(profile.token.changes(claims, drop.iter().map(|name| (*name).to_owned()).collect()))
    };
    assert_eq!(changed(serde_json::json!({ "scope": "a" }), &["aud"]), serde_json::json!({ "scp": "a", "aud": null }));
    assert_eq!(
        changed(serde_json::json!({ "scope": "a" }), &["scp"]),
        serde_json::json!({ "scope": "a", "scp": null })
    );
    assert_eq!(read(LOCAL).token.scope_claim, "scope");
    assert!(slips_of(&format!("{LOCAL}[token]\nclaims = \"x\"\n")).contains("a table"));
}

#[test]
fn reads_every_section() {
    let profile = read(
        r#"
[target]
name = "staging"
mcp-url = "https://staging.example.com/mcp"
roles = ["resource-server", "authorization-server"]
mcp-version = "2025-11-25"
issuer = "https://id.example.com/"
resource = "https://staging.example.com"
allow = ["https://login.example.com:8443/"]

[registration]
how = "preset"
client-id = "my-client"
client-secret = { env = "CLIENT_SECRET" }
redirect-uris = ["http://127.0.0.1:8123/callback", "com.example.app:/callback"]
client-name = "authspec"
scope = "read write"
application-type = "native"
document-host = { listen = "127.0.0.1:9100", url = "https://clients.example.com" }
token-endpoint-auth-method = "client_secret_post"
other = { client-id = "other-client" }

[login]
how = "form"
users.alice = { username = { env = "ALICE" }, password = { env = "ALICE_PASSWORD" }, fields = { pin = { env = "MALLORY" } } }
users.mallory = { username = "mallory", password = { env = "MALLORY_PASSWORD" } }
form = { username-field = "login", password-field = "password", submit = "Sign in" }
approve-button = "approve"
deny-button = "deny"

[upstream]
listen = "127.0.0.1:9000"
issuer-path = "/corp"
client-id = "proxy"
client-secret = { env = "CLIENT_SECRET" }
alg = "ES256"
personality = "okta"
paths = { jwks = "oauth2/jwks", register = "/clients" }
users.carol = { sub = "c-1", email_verified = true, groups = ["a", "b"] }

[limits]
requests-per-second = 5
registrations = 3
timeout = "2s"
max-body = 65_536
jobs = 2
max-retry-after = 90

[abilities]
with = ["consent-page"]
without = ["refresh"]

[scopes]
tool-read = { name = "list", scopes = ["read"] }
tool-write = { name = "delete", scopes = ["read", "write"], arguments = { id = 7 } }

[[known-failure]]
rule = "authz.iss-present"
case = "authorize/*"
reason = "vendor ticket 4711"
until = 2027-01-31
"#,
    );
    assert_eq!(profile.target.name, "staging");
    assert_eq!(profile.target.roles, [Role::ResourceServer, Role::AuthorizationServer]);
    assert_eq!(profile.target.mcp_version, Some(McpVersion::V2025_11_25));
    assert_eq!(profile.target.issuer.as_deref(), Some("https://id.example.com/"));
    assert_eq!(profile.target.allow, ["https://login.example.com:8443"]);
    assert!(!profile.is_loopback());

    let registration = &profile.registration;
    let client = registration.client.as_ref().expect("a preset client");
    assert_eq!((registration.how, client.id.as_str()), (RegistrationHow::Preset, "my-client"));
    assert_eq!(client.secret.as_ref().map(Secret::expose), Some("s3cret"));
    assert_eq!(registration.other.as_ref().map(|other| other.id.as_str()), Some("other-client"));
    assert_eq!(registration.token_endpoint_auth_method, Some(AuthMethod::ClientSecretPost));
    let host = registration.document_host.as_ref().expect("a document host");
    assert_eq!((host.listen.port(), host.url.as_deref()), (9100, Some("https://clients.example.com")));

    let alice = profile.login.user("alice").expect("alice");
    assert_eq!(profile.login.how, LoginHow::Form);
    assert_eq!(alice.username.as_deref(), Some("alice@example.com"));
    assert_eq!(alice.password.as_ref().map(Secret::expose), Some("correct horse"));
    assert_eq!(alice.fields[0].0, "pin");
    assert_eq!(profile.login.users[1].name, "mallory");
    assert_eq!(profile.login.form.username_field.as_deref(), Some("login"));

    let upstream = profile.upstream.as_ref().expect("an upstream");
    assert_eq!(upstream.issuer_path, "/corp");
    assert_eq!(upstream.personality.as_deref(), Some("okta"));
    let paths: Vec<(&str, &str)> = upstream.paths.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    assert_eq!(paths, [("jwks", "oauth2/jwks"), ("register", "/clients")]);
    let claims = serde_json::json!({ "sub": "c-1", "email_verified": true, "groups": ["a", "b"] });
    assert_eq!(serde_json::Value::from(upstream.users[0].claims.clone()), claims);

    assert_eq!(profile.limits.requests_per_second, Some(5));
    assert_eq!(profile.limits.timeout, Duration::from_secs(2));
    assert_eq!(profile.limits.max_body, 65_536);
    assert_eq!(profile.limits.max_retry_after, Duration::from_secs(90));
    assert_eq!(profile.abilities.without[0].word, "refresh");
    assert_eq!(profile.scopes.tool_write.as_ref().map(|tool| tool.arguments["id"].clone()), Some(7.into()));

    let known = &profile.known_failures[0];
    assert!(known.covers("authz.iss-present", "authorize/iss", None));
    assert!(!known.expired(date(2027, 1, 31)));
    assert_eq!(known.scope(), "authz.iss-present in authorize/*");
}

/// The manual is a profile: whatever it shows must be accepted.
#[test]
fn the_manual_is_a_profile() {
    let manual = include_str!("../docs/profile.md");
    let (_, rest) = manual.split_once("```toml\n").expect("the manual has an example");
    let (example, _) = rest.split_once("\n```").expect("the example ends");
    let set = |_: &str| Some("value".to_owned());
    let profile = Profile::parse(Source::new("docs/profile.md", example), &set)
        .unwrap_or_else(|slips| panic!("{}", render(&slips, false)));
    assert!(profile.launch.is_some() && profile.upstream.is_some());
}

#[test]
fn a_bare_url_means_defaults() {
    let profile = Profile::for_url("http://localhost:3000/mcp").expect("a usable URL");
    assert_eq!(profile.target.name, "localhost-3000");
    assert_eq!(profile.login.how, LoginHow::Auto);
    assert_eq!(profile.login.users[0].name, "alice");
    assert_eq!(profile.limits.requests_per_second, None);
    let remote = Profile::for_url("https://mcp.example.com/mcp").expect("a usable URL");
    assert_eq!(remote.limits.requests_per_second, Some(20));

    assert!(Profile::for_url("localhost:3000/mcp").expect_err("no scheme").contains("http://"));
    assert!(Profile::for_url("/mcp").expect_err("no host").contains("http"));
    assert!(Profile::for_url("http://user:pw@localhost/mcp").expect_err("userinfo").contains("password"));
}

#[test]
fn secrets_do_not_show() {
    let profile = read(&format!("{LOCAL}[login]\nusers.alice = {{ password = \"correct horse\" }}\n"));
    let shown = format!("{profile:?}");
    assert!(!shown.contains("correct horse"), "{shown}");
    assert!(shown.contains("***"));
}

#[test]
fn sources_of_requests_are_loopback_addresses() {
    let profile = read(&format!("{LOCAL}[limits]\nsource-addresses = 3\n"));
    let shown: Vec<String> = profile.limits.source_addresses.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    let profile = read(&format!("{LOCAL}[limits]\nsource-addresses = [\"127.0.9.1\"]\n"));
    assert_eq!(profile.limits.source_addresses[0].to_string(), "127.0.9.1");
}

#[test]
fn words_of_other_vocabularies_are_checked_on_request() {
    let profile = read(&format!(
        "{LOCAL}[abilities]\nwithout = [\"refersh\"]\n[[known-failure]]\nrule = \"token.code-onetime\"\nreason = \"x\"\nuntil = 2027-01-31\n"
    ));
    insta::assert_snapshot!(render(&profile.lint(Rules::embedded(), &["refresh", "consent-page"]), false), @r#"
    error[unknown-word]: unknown ability `refersh`
     --> staging.toml:4:12
      |
    4 | without = ["refersh"]
      |            ^^^^^^^^^ did you mean `refresh`?

    error[unknown-word]: unknown rule `token.code-onetime`
     --> staging.toml:6:8
      |
    6 | rule = "token.code-onetime"
      |        ^^^^^^^^^^^^^^^^^^^^ did you mean `token.code-one-time`?
    "#);
}

const KEY: &str = include_str!("../mock-idp/keys/rs256-1.pem");

#[test]
fn a_preset_client_may_have_a_key() {
    let profile = read(&format!(
        "{LOCAL}[registration]\nclient-id = \"c\"\nclient-key = '''{KEY}'''\nclient-key-header = {{ kid = \"k\", alg = \"PS256\" }}\n"
    ));
    let client = profile.registration.client.expect("a client");
    assert_eq!(client.key.as_ref().map(|key| key.alg()).as_deref(), Some("PS256"));
    assert_eq!(client.default_method(), AuthMethod::PrivateKeyJwt);
    assert!(!format!("{client:?}").contains("BEGIN"), "Debug shows no key");
}

#[test]
fn slips_about_keys_show_no_key() {
    let unusable = slips_of(&format!(
        "{LOCAL}[registration]\nclient-id = \"c\"\nclient-key = {{ env = \"CLIENT_SECRET\" }}\nclient-key-header = {{ alg = \"RS256\" }}\n"
    ));
    assert!(unusable.contains("`registration.client-key` is not usable") && unusable.contains("PEM"), "{unusable}");
    let both = slips_of(&format!(
        "{REMOTE}[registration]\nclient-id = \"c\"\nclient-secret = {{ env = \"CLIENT_SECRET\" }}\nclient-key = '''{KEY}'''\n"
    ));
    assert!(both.contains("`client-secret` and `client-key`") && both.contains("a secret in a file"), "{both}");
    let alone = slips_of(&format!("{LOCAL}[registration]\nclient-id = \"c\"\nclient-key-header = {{ kid = \"k\" }}\n"));
    assert!(alone.contains("`client-key-header` without `client-key`"), "{alone}");
    for shown in [unusable, both, alone] {
        assert!(!shown.contains("s3cret") && !shown.contains("MII"), "{shown}");
    }
}
