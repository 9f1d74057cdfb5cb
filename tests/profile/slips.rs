//! What is said about each slip of a profile.

use super::{LOCAL, REMOTE, slips_of};

#[test]
fn slip_misspelt_section_and_keys() {
    insta::assert_snapshot!(slips_of(
        "[target]\nmcp-url = \"http://localhost:3000/mcp\"\nmcp_version = \"2025-11-25\"\n\n[logins]\nhow = \"form\"\n\n[limits]\nregistration = 3\n"
    ), @r#"
    error[unknown-word]: unknown key `mcp_version` in [target]
     --> staging.toml:3:1
      |
    3 | mcp_version = "2025-11-25"
      | ^^^^^^^^^^^ did you mean `mcp-version`?

    error[unknown-word]: unknown section `logins`
     --> staging.toml:5:2
      |
    5 | [logins]
      |  ^^^^^^ did you mean `login`?

    error[unknown-word]: unknown key `registration` in [limits]
     --> staging.toml:9:1
      |
    9 | registration = 3
      | ^^^^^^^^^^^^ did you mean `registrations`?
    "#);
}

#[test]
fn slip_unknown_words() {
    insta::assert_snapshot!(slips_of(
        "[target]\nmcp-url = \"http://localhost:3000/mcp\"\nroles = [\"resource-sever\", \"idp\"]\nmcp-version = \"2025-11-26\"\n\n[registration]\nhow = \"dcr\"\n"
    ), @r#"
    error[unknown-word]: unknown role `resource-sever`
     --> staging.toml:3:10
      |
    3 | roles = ["resource-sever", "idp"]
      |          ^^^^^^^^^^^^^^^^ did you mean `resource-server`?

    error[unknown-word]: unknown role `idp`
     --> staging.toml:3:28
      |
    3 | roles = ["resource-sever", "idp"]
      |                            ^^^^^
      |
      = help: known: resource-server, authorization-server, proxy, token-exchange, client

    error[unknown-word]: unknown MCP version `2025-11-26`
     --> staging.toml:4:15
      |
    4 | mcp-version = "2025-11-26"
      |               ^^^^^^^^^^^^ did you mean `2025-11-25`?

    error[unknown-word]: unknown way of registration `dcr`
     --> staging.toml:7:7
      |
    7 | how = "dcr"
      |       ^^^^^
      |
      = help: known: auto, metadata-document, dynamic, preset
    "#);
}

#[test]
fn slip_missing_environment() {
    insta::assert_snapshot!(slips_of(&format!(
        "{REMOTE}\n[login]\nhow = \"form\"\nusers.alice = {{ username = {{ env = \"BOB\" }}, password = {{ env = \"EMPTY\" }} }}\n"
    )), @r#"
    error[environment]: `login.users.alice.username` needs the environment variable BOB, which is not set
     --> staging.toml:6:36
      |
    6 | users.alice = { username = { env = "BOB" }, password = { env = "EMPTY" } }
      |                                    ^^^^^ not set

    error[environment]: `login.users.alice.password` needs the environment variable EMPTY, which is empty
     --> staging.toml:6:64
      |
    6 | users.alice = { username = { env = "BOB" }, password = { env = "EMPTY" } }
      |                                                                ^^^^^^^ empty
    "#);
}

#[test]
fn slip_literal_secret_is_not_repeated() {
    let shown = slips_of(&format!(
        "{REMOTE}\n[registration]\nclient-id = \"app\"\nclient-secret = \"hunter2\"\n\n[login]\nusers.alice = {{ password = \"hunter2\" }}\n"
    ));
    assert!(!shown.contains("hunter2"));
    insta::assert_snapshot!(shown, @r#"
    error[secret]: `registration.client-secret` is a secret, written in the file
     --> staging.toml:6:17
      |
    6 | client-secret = "*******"
      |                 ^^^^^^^^^ a secret in a file
      |
      = help: write { env = "NAME" }; only the secrets of loopback targets may stand here

    error[secret]: `login.users.alice.password` is a secret, written in the file
     --> staging.toml:9:28
      |
    9 | users.alice = { password = "*******" }
      |                            ^^^^^^^^^ a secret in a file
      |
      = help: write { env = "NAME" }; only the secrets of loopback targets may stand here
    "#);
}

#[test]
fn slip_bad_urls() {
    insta::assert_snapshot!(slips_of(
        "[target]\nmcp-url = \"localhost:3000/mcp\"\nissuer = \"/realms/x\"\nallow = [\"https://login.example.com/path\"]\n\n[registration]\nredirect-uris = [\"callback\"]\n"
    ), @r#"
    error[url]: `target.mcp-url` is not a usable URL
     --> staging.toml:2:11
      |
    2 | mcp-url = "localhost:3000/mcp"
      |           ^^^^^^^^^^^^^^^^^^^^ it starts with neither http:// nor https://

    error[url]: `target.issuer` is not a usable URL
     --> staging.toml:3:10
      |
    3 | issuer = "/realms/x"
      |          ^^^^^^^^^^^ it starts with neither http:// nor https://

    error[url]: `https://login.example.com/path` is more than an origin
     --> staging.toml:4:10
      |
    4 | allow = ["https://login.example.com/path"]
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ only scheme, host and port

    error[url]: `callback` is not a redirect URI
     --> staging.toml:7:18
      |
    7 | redirect-uris = ["callback"]
      |                  ^^^^^^^^^^ relative URL without a base
    "#);
}

#[test]
fn slip_bad_date_and_incomplete_known_failures() {
    insta::assert_snapshot!(slips_of(&format!(
        "{LOCAL}\n[[known-failure]]\nrule = \"authz.iss-present\"\nreason = \"ticket\"\nuntil = \"next year\"\n\n[[known-failure]]\nreason = \"\"\nuntil = 2027-01-31T00:00:00Z\n\n[[known-failure]]\ncase = \"a[\"\nreason = \"x\"\n"
    )), @r#"
    error[date]: `next year` is not a date
     --> staging.toml:7:9
      |
    7 | until = "next year"
      |         ^^^^^^^^^^^ such as 2027-01-31

    error[missing]: [known-failure] has no `rule`
     --> staging.toml:9:1
      |
    9 | [[known-failure]]
      | ^^^^^^^^^^^^^^^^^

    error[empty]: `known-failure.reason` is empty
      --> staging.toml:10:10
       |
    10 | reason = ""
       |          ^^

    error[date]: `known-failure.until` is a day without a time
      --> staging.toml:11:9
       |
    11 | until = 2027-01-31T00:00:00Z
       |         ^^^^^^^^^^^^^^^^^^^^ such as 2027-01-31

    error[missing]: [known-failure] has no `until`
      --> staging.toml:13:1
       |
    13 | [[known-failure]]
       | ^^^^^^^^^^^^^^^^^

    error[glob]: `known-failure.case` is not a pattern
      --> staging.toml:14:8
       |
    14 | case = "a["
       |        ^^^^ unclosed character class; missing ']'
    "#);
}

#[test]
fn slip_webdriver() {
    insta::assert_snapshot!(slips_of(&format!("{LOCAL}\n[login]\nhow = \"webdriver\"\n")), @r#"
    error[unsupported]: login by webdriver is not built
     --> staging.toml:5:7
      |
    5 | how = "webdriver"
      |       ^^^^^^^^^^^ not supported
      |
      = help: use how = "command" (a script of yours drives the browser), or how = "token"
    "#);
}

#[test]
fn slip_values_of_the_wrong_type_or_size() {
    insta::assert_snapshot!(slips_of(&format!(
        "{REMOTE}\n[limits]\nrequests-per-second = \"20\"\njobs = 0\ntimeout = \"soon\"\nsource-addresses = 4\n\n[upstream]\nlisten = \"9000\"\nissuer-path = \"corp\"\nalg = \"RS265\"\n\n[launch]\ncommand = []\nready = \"READY (\"\n"
    )), @r#"
    error[type]: `limits.requests-per-second` must be a whole number, not a string
     --> staging.toml:5:23
      |
    5 | requests-per-second = "20"
      |                       ^^^^ expected a whole number

    error[range]: `limits.jobs` is out of range
     --> staging.toml:6:8
      |
    6 | jobs = 0
      |        ^ from 1 to 256

    error[duration]: `limits.timeout` is not a usable duration
     --> staging.toml:7:11
      |
    7 | timeout = "soon"
      |           ^^^^^^ expected seconds, or a text such as "500ms", "10s", "2m"; at most an hour

    error[loopback]: `limits.source-addresses` is for loopback targets
     --> staging.toml:8:20
      |
    8 | source-addresses = 4
      |                    ^ this target is not on this machine

    error[address]: `9000` is not an address to listen on
      --> staging.toml:11:10
       |
    11 | listen = "9000"
       |          ^^^^^^ expected IP:PORT, such as 127.0.0.1:9000

    error[path]: `upstream.issuer-path` must start with a slash
      --> staging.toml:12:15
       |
    12 | issuer-path = "corp"
       |               ^^^^^^ /corp

    error[unknown-word]: unknown signature algorithm `RS265`
      --> staging.toml:13:7
       |
    13 | alg = "RS265"
       |       ^^^^^^^ did you mean `RS256`?

    error[missing]: [launch] has no `command`
      --> staging.toml:15:1
       |
    15 | [launch]
       | ^^^^^^^^

    error[pattern]: `launch.ready` is not a regular expression
      --> staging.toml:17:9
       |
    17 | ready = "READY ("
       |         ^^^^^^^^^ unclosed group
    "#);
}

#[test]
fn slip_identity_assertions_for_nobody() {
    let text = "[exchange.id-jag]\nresource = \"mcp\"\nscopes = \"read\"\n";
    insta::assert_snapshot!(slips_of(&format!("{LOCAL}\n{text}")), @r#"
    error[missing]: [exchange.id-jag] has no `audience`
     --> staging.toml:4:1
      |
    4 | [exchange.id-jag]
      | ^^^^^^^^^^^^^^^^^

    error[url]: `exchange.id-jag.resource` is not a resource indicator
     --> staging.toml:5:12
      |
    5 | resource = "mcp"
      |            ^^^^^ relative URL without a base

    error[unknown-word]: unknown key `scopes` in [exchange.id-jag]
     --> staging.toml:6:1
      |
    6 | scopes = "read"
      | ^^^^^^ did you mean `scope`?
    "#);
}

#[test]
fn slip_exchange_without_what_it_needs() {
    let text = "[exchange]\nsubject = \"token\"\nauth-method = \"basic\"\nclient-secret = \"hunter2\"\nresource = \"https://api.example/x#y\"\naudiance = \"api\"\n";
    insta::assert_snapshot!(slips_of(&format!("{LOCAL}\n{text}")), @r#"
    error[missing]: [exchange] has no `client-id`
     --> staging.toml:4:1
      |
    4 | [exchange]
      | ^^^^^^^^^^

    error[missing]: [exchange] has no `subject-token`
     --> staging.toml:4:1
      |
    4 | [exchange]
      | ^^^^^^^^^^

    error[unknown-word]: unknown authentication method `basic`
     --> staging.toml:6:15
      |
    6 | auth-method = "basic"
      |               ^^^^^^^
      |
      = help: known: none, client_secret_basic, client_secret_post, private_key_jwt

    error[url]: `exchange.resource` is not a resource indicator
     --> staging.toml:8:12
      |
    8 | resource = "https://api.example/x#y"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^ it holds a fragment

    error[unknown-word]: unknown key `audiance` in [exchange]
     --> staging.toml:9:1
      |
    9 | audiance = "api"
      | ^^^^^^^^ did you mean `audience`?
    "#);
}

#[test]
fn slip_no_target() {
    insta::assert_snapshot!(slips_of("[login]\nhow = \"none\"\n"), @r#"
    error[missing]: the profile has no [target]
     --> staging.toml:1:1
      |
    1 | [login]
      | ^
      |
      = help: its least form: a line [target], a line mcp-url = "http://localhost:3000/mcp"
    "#);
}

#[test]
fn slip_not_toml() {
    insta::assert_snapshot!(slips_of("[target\nmcp-url = \"http://localhost:3000/mcp\"\nname = staging\n"), @r#"
    error[toml]: unclosed table, expected `]`
     --> staging.toml:1:8
      |
    1 | [target
      |        ^
    "#);
}

#[test]
fn slip_not_toml_beside_a_secret() {
    let shown = slips_of("[registration]\nclient-secret = \"hunter2\n");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("staging.toml:2"), "{shown}");
}

#[test]
fn slip_a_certificate_that_nobody_makes() {
    insta::assert_snapshot!(slips_of(
        "[launch]\ncommand = [\"./start.sh\"]\nenv = { CA = \"{ca-file}\" }\n\n[upstream]\nlisten = \"127.0.0.1:0\"\n"
    ), @r#"
    error[missing]: `{ca-file}` is filled in from `upstream.ca-file`, which is missing
     --> staging.toml:3:15
      |
    3 | env = { CA = "{ca-file}" }
      |               ^^^^^^^^^
      |
      = help: with ca-file = "idp-ca.pem" in [upstream] our identity provider speaks https (docs/proxies.md)
    "#);
}

#[test]
fn slip_a_ready_line_without_url() {
    insta::assert_snapshot!(slips_of("[launch]\ncommand = [\"./start.sh\"]\nready = \"listening on\"\n"), @r#"
    error[pattern]: `launch.ready` does not say where the URL is
     --> staging.toml:3:9
      |
    3 | ready = "listening on"
      |         ^^^^^^^^^^^^^^ no group named url
      |
      = help: name the group: "READY (?<url>\\S+)", or give [target] an mcp-url, or an issuer alone
    "#);
}

#[test]
fn slip_a_user_whom_no_case_knows() {
    let profile = "[target]\nmcp-url = \"http://localhost:3000/mcp\"\n\n[login]\nusers.bob = { username = \"bob\" }\n";
    insta::assert_snapshot!(slips_of(profile), @r#"
    error[unknown-word]: no case knows a user `bob`
     --> staging.toml:5:7
      |
    5 | users.bob = { username = "bob" }
      |       ^^^
      |
      = help: alice is the honest one, mallory the other; what they are called at the target is their `username`
    "#);
}
