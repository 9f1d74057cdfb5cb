//! Profiles that `authspec init` writes.

use authspec::rule::{McpVersion, Role};
use authspec::target::RegistrationHow;
use authspec::target::init::{FormField, InitFacts, LoginHint, write};

use super::read;

#[test]
fn a_written_profile_reads_back() {
    let facts = InitFacts {
        mcp_url: "https://mcp.example.com/mcp".to_owned(),
        name: "acme \"prod\"".to_owned(),
        issuer: Some("https://id.example.com".to_owned()),
        roles: vec![Role::ResourceServer, Role::AuthorizationServer],
        mcp_version: Some(McpVersion::V2026_07_28),
        registration: vec![RegistrationHow::MetadataDocument, RegistrationHow::Dynamic],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        login: LoginHint::Form(vec![
            FormField { name: "login".to_owned(), password: false },
            FormField { name: "pass\nword".to_owned(), password: true },
        ]),
        upstream: Some("login.example.org".to_owned()),
    };
    let text = write(&facts);
    let profile = read(&text);
    assert_eq!(profile.target.name, "acme \"prod\"");
    assert_eq!(profile.registration.how, RegistrationHow::MetadataDocument);
    assert_eq!(profile.login.users.len(), 2);
    insta::assert_snapshot!(text, @r#"
    # Profile of a target for authspec. Every line but mcp-url may go; docs/profile.md explains them all.

    [target]
    name = "acme \"prod\""   # shown in reports
    mcp-url = "https://mcp.example.com/mcp"
    roles = ["resource-server", "authorization-server"]   # left out: found by discovery
    mcp-version = "2026-07-28"   # left out: the newest it speaks
    # issuer = "https://id.example.com"   # found by discovery; set it only to overrule that
    # allow = ["https://login.example.com"]   # further origins that requests may go to

    [registration]
    how = "metadata-document"   # offered: metadata-document, dynamic
    # scope = "read write"   # left out: no scope member in registrations

    [login]
    how = "form"
    users.alice = { username = { env = "ALICE" }, password = { env = "ALICE_PASSWORD" } }
    users.mallory = { username = { env = "MALLORY" }, password = { env = "MALLORY_PASSWORD" } }
    # the form has: login, pass word
    # form.username-field = "login"
    # form.password-field = "pass\nword"

    # It sends users on to login.example.org. To judge it as a proxy, let it trust this identity provider:
    # [upstream]
    # listen = "127.0.0.1:9000"
    # client-id = "upstream-client"

    [limits]
    requests-per-second = 20   # to one authority
    registrations = 15   # clients that a run may register; with 500 no case is left out for want of one

    # A failure that is accepted for now. It turns the run red when it is over, or passes.
    # [[known-failure]]
    # rule = "authz.iss-present"
    # reason = "ticket 4711"
    # until = 2027-01-31
    "#);
}

#[test]
fn a_written_profile_of_an_unknown_server_reads_back() {
    for login in [LoginHint::Unknown, LoginHint::Approves, LoginHint::Script] {
        let mcp_url = "http://localhost:3000/mcp".to_owned();
        let registration = vec![RegistrationHow::Dynamic];
        let text = write(&InitFacts { mcp_url, login, registration, ..InitFacts::default() });
        assert!(read(&text).is_loopback(), "{text}");
    }
}
