//! The table of verbs and arguments: the one source for lint, documentation and the steps.

use super::verb::{Argument, Kind, Verb};

/// The doc line of `verb`.
pub(super) fn doc(verb: Verb) -> &'static str {
    match verb {
        Verb::Authorize => {
            "opens an authorization request in a browser, logs in and approves by itself, and stops at `until`"
        }
        Verb::Call => "sends an MCP request, with a token, a forged token, or none",
        Verb::Callback => "delivers an identity provider's answer that `authorize` held back",
        Verb::Consent => "answers the consent page that the browser is on",
        Verb::Discover => "reads the 401 challenge, the protected resource metadata and the server metadata",
        Verb::Drive => {
            "starts the client under test against an MCP server and an authorization server of ours, made for this one run of it, \
             and waits for its end"
        }
        Verb::Exchange => "exchanges a token (RFC 8693)",
        Verb::Fetch => "sends any other request to the target",
        Verb::Login => "answers the login page that the browser is on",
        Verb::Manage => {
            "reads, updates or deletes the registration of a client at its registration_client_uri (RFC 7592)"
        }
        Verb::Mutate => "changes one thing in hand: a cookie, a JWT, a text; or mints a token of our identity provider",
        Verb::Register => "becomes a client: dynamic registration, metadata document, or preset",
        Verb::Repeat => "does one verb several times, at once (`parallel`) or in a row (`times`)",
        Verb::Token => "posts to the token endpoint; the grant follows from what is given",
        Verb::Wait => "lets time pass",
    }
}

/// The arguments of `verb`.
pub(super) fn arguments(verb: Verb) -> &'static [Argument] {
    match verb {
        Verb::Authorize => AUTHORIZE,
        Verb::Call => CALL,
        Verb::Callback => CALLBACK,
        Verb::Consent => CONSENT,
        Verb::Discover => DISCOVER,
        Verb::Drive => DRIVE,
        Verb::Exchange => EXCHANGE,
        Verb::Fetch => FETCH,
        Verb::Login => LOGIN,
        Verb::Manage => MANAGE,
        Verb::Mutate => MUTATE,
        Verb::Register => REGISTER,
        Verb::Repeat => REPEAT,
        Verb::Token => TOKEN,
        Verb::Wait => WAIT,
    }
}

/// Where a browser step can stop.
const UNTIL_PUSHED: Kind = Kind::Choice(&["pushed", "page", "login", "consent", "upstream", "callback", "code"]);

/// Where a browser step that begins nothing can stop.
const UNTIL: Kind = Kind::Choice(&["login", "consent", "upstream", "callback", "code"]);

/// How a client proves who it is at the token endpoint.
const AUTH: Kind = Kind::Choice(&[
    "registered",
    "none",
    "nothing",
    "basic",
    "basic-encoded",
    "post",
    "both",
    "wrong-secret",
    "wrong-secret-basic",
    "wrong-secret-post",
    "query",
    "assertion",
]);

/// What of a DPoP proof can be changed.
const PROOF_PARTS: &[&str] = &[
    "alg",
    "append",
    "claims",
    "cut",
    "drop-claims",
    "drop-header",
    "header",
    "jwk",
    "key",
    "nonce",
    "proof",
    "retry",
    "sign",
    "twice",
];

/// What of a pushed authorization request can be changed.
const PUSH_PARTS: &[&str] = &[
    "assertion",
    "auth",
    "content-type",
    "dpop",
    "drop",
    "duplicate",
    "headers",
    "method",
    "params",
    "query",
    "request-uri",
];

const DPOP: Argument = Argument {
    name: "dpop",
    kind: Kind::Parts(PROOF_PARTS),
    doc: "send a DPoP proof (RFC 9449), changed in these parts: `jwk` is `private` or `other`; `sign` is `other`, \
          `none`, `broken`, `hmac` or `public-key-hmac`; `nonce = false` sends none; `proof` sends this one",
};

/// How an altered JWT is signed.
const SIGNING: &[&str] = &[
    "keep",
    "none",
    "empty",
    "foreign",
    "issuer",
    "public-key-hmac",
    "public-key-hmac-trimmed",
    "jwk-hmac",
    "empty-hmac",
    "self-jwk",
    "self-x5c",
    "self-jku",
    "self-x5u",
    "encrypted-claims",
    "encrypted-none",
];

const DISCOVER: &[Argument] = &[
    choice("from", &["challenge", "well-known", "auto"], "where the resource metadata is looked for first"),
    text("issuer", "read the server metadata of this issuer"),
];

const REGISTER: &[Argument] = &[
    choice("how", &["dynamic", "document", "preset"], "the way to become a client; default: the target's own"),
    choice(
        "kind",
        &["public", "basic", "post", "jwt", "machine", "machine-basic", "machine-jwt", "machine-post"],
        "how the client is to authenticate; default `public`: not at all",
    ),
    table("with", "client metadata to add or replace"),
    list("drop", "client metadata to leave out"),
    any("body", "send this JSON value, or this raw text, instead of client metadata"),
    text("content-type", "the Content-Type of the request"),
    table("document", "members to add or replace in the client metadata document"),
    table(
        "serve",
        "how the document is served: status, headers, content-type, body, delay-ms, redirect, pad, drip-ms, drop",
    ),
    text("document-path", "where the document is served"),
    text("client-id", "the client_id to use with the document instead of its URL"),
    text("as", "the name of the client in this case: `other` for `$other`; default `default`, which is `$client`"),
    table("headers", "headers to add or replace"),
    text("method", "the HTTP method"),
    text("url", "send the request here instead"),
];

const MANAGE: &[Argument] = &[
    choice(
        "how",
        &["read", "update", "delete"],
        "what to do with the registration; default `read`. `update` sends all that it was answered, changed by `with` and `drop`",
    ),
    text("client", "the client, registered in this case; default `default`"),
    table("with", "client metadata to add or replace in the update"),
    list("drop", "client metadata to leave out of the update"),
    any("bearer", "the registration access token to send; default: the client's own; false: none"),
    table("query", "parameters to put into the URL"),
];

const AUTHORIZE: &[Argument] = &[
    text("browser", "the browser; default `alice`"),
    text("client", "the client"),
    text("user", "who logs in; default: the user with the browser's name"),
    Argument {
        name: "until",
        kind: UNTIL_PUSHED,
        doc: "where to stop; default `code`; `page` is the first that asks something",
    },
    table("params", "request parameters to add or replace"),
    list("drop", "request parameters to leave out"),
    table("duplicate", "request parameters to send a second time, with this value"),
    choice("pkce", &["S256", "plain", "none", "no-method", "plain-no-method"], "what is sent of PKCE; default `S256`"),
    text("challenge", "the code_challenge to send"),
    text("verifier", "the code_verifier to start from"),
    text("redirect-uri", "the redirect_uri to send"),
    text("state", "the state to send"),
    text("nonce", "the nonce to send"),
    text("scope", "the scope to send"),
    text("resource", "the resource to send (RFC 8707)"),
    text("response-type", "the response_type to send"),
    text("response-mode", "the response_mode to send"),
    choice("method", &["GET", "POST"], "how the request is sent"),
    table("headers", "headers of the first request, to add or replace"),
    text("url", "send the request here instead"),
    boolean("approve", "false: answer a consent page with no"),
    text("raw-query", "send exactly this query"),
    Argument {
        name: "par",
        kind: Kind::Parts(PUSH_PARTS),
        doc: "push the request first (RFC 9126), changed in these parts: `query` is what the browser sends beside the \
              request_uri; `request-uri` is taken as it is, and nothing is pushed",
    },
];

const LOGIN: &[Argument] = &[
    text("browser", "the browser; default `alice`"),
    text("user", "who logs in"),
    text("password", "the password to type"),
    Argument { name: "until", kind: UNTIL, doc: "where to stop; default: the next page that asks something" },
    table("with", "form values to add or replace"),
    list("drop", "form values to leave out"),
    text("of", "answer the page, or follow the held redirect, of this transaction or browser"),
    table("params", "where the browser is held on its way upstream: parameters of that request to add or replace"),
    text("from", "submit the form from a page of this origin, as an attacker's page would"),
];

const CONSENT: &[Argument] = &[
    text("browser", "the browser; default `alice`"),
    choice("answer", &["approve", "deny"], "what is answered; default `approve`"),
    Argument { name: "until", kind: UNTIL, doc: "where to stop; default `code`" },
    table("with", "form values to add or replace"),
    list("drop", "form values to leave out"),
    text("of", "post the form that this browser was shown"),
    text("from", "submit the form from a page of this origin, as an attacker's page would"),
    boolean("old-browser", "with `from`: in a browser that knows no SameSite and sends its cookies along"),
    text("method", "the HTTP method"),
    boolean("again", "post a form that was answered already"),
    text("csrf-token", "the value to send in the field that is named like a CSRF token"),
    text("csrf-token-of", "send the one that this browser was given there"),
    text("button-value", "the value to send for the button that answers"),
];

const CALLBACK: &[Argument] = &[
    text("browser", "the browser that delivers; default `alice`"),
    text("request-of", "deliver the answer that was meant for this browser or transaction"),
    table("params", "parameters of the answer to add or replace"),
    list("drop", "parameters of the answer to leave out"),
    table("duplicate", "parameters of the answer to send a second time, with this value"),
    Argument { name: "until", kind: UNTIL, doc: "where to stop; default `code`" },
    boolean("call", "redeem the code that comes and call the MCP server with the token: the fact `served`"),
];

const TOKEN: &[Argument] = &[
    text("client", "the client"),
    text("code", "redeem this authorization code"),
    text("refresh-token", "use this refresh token"),
    text("grant", "the grant_type to send"),
    Argument { name: "auth", kind: AUTH, doc: "how the client authenticates; default `registered`" },
    text("verifier", "the code_verifier to send"),
    text("redirect-uri", "the redirect_uri to send"),
    any("resource", "the resource to send, or several (RFC 8707)"),
    text("scope", "the scope to send"),
    table("params", "request parameters to add or replace"),
    list("drop", "request parameters to leave out"),
    table("duplicate", "request parameters to send a second time, with this value"),
    choice("method", &["GET", "POST"], "the HTTP method"),
    text("content-type", "the Content-Type of the request"),
    table("headers", "headers to add or replace"),
    table("query", "parameters to put into the URL"),
    table("assertion", "header and claims to add or replace in the client assertion (RFC 7523)"),
    DPOP,
    boolean("bound", "get a token that is bound to the key of the case, from whomever the MCP server takes one"),
    Argument {
        name: "par",
        kind: Kind::Parts(PUSH_PARTS),
        doc: "push the authorization request where no code is in hand",
    },
    text("assertion-token", "present this assertion as the grant (RFC 7523 section 2.1)"),
    table(
        "id-jag",
        "present an identity assertion of our identity provider: claims, drop, header, drop-header, alg, sign to change",
    ),
    table(
        "workload",
        "present an assertion of our identity provider about a workload, changed in the same way; with `of-another` the claims of the profile have other values, too",
    ),
    text("browser", "the browser that fetches a code where none is in hand"),
    text("user", "who logs in for it"),
    text("url", "send the request here instead"),
    text("body", "send exactly this body"),
];

const EXCHANGE: &[Argument] = &[
    text("client", "the client; default: the one that may exchange, `exchanger`"),
    text("subject-token", "the token to exchange; default: a fresh one"),
    text("subject-token-type", "its type"),
    text("subject-scope", "the scope of the login that a fresh subject token comes from"),
    choice("actor", &["first", "second"], "send the token of an actor whom the target takes"),
    text("actor-token", "the token of who acts"),
    text("actor-token-type", "its type"),
    text("requested-token-type", "the type to ask for"),
    any("audience", "the audience to ask for, or several"),
    any("resource", "the resource to ask for, or several"),
    text("scope", "the scope to ask for"),
    boolean("id-jag", "ask for an identity assertion (ID-JAG), from a login and for the target of [exchange.id-jag]"),
    Argument { name: "auth", kind: AUTH, doc: "how the client authenticates; default `registered`" },
    table("params", "request parameters to add or replace"),
    list("drop", "request parameters to leave out"),
    table("duplicate", "request parameters to send a second time, with this value"),
    choice("method", &["GET", "POST"], "the HTTP method"),
    text("content-type", "the Content-Type of the request"),
    text("url", "send the request here instead"),
    DPOP,
];

const CALL: &[Argument] = &[
    text("bearer", "the access token to send"),
    text("scheme", "the authentication scheme; default `Bearer`"),
    any("authorization", "send exactly this Authorization header, or several"),
    text("method", "the JSON-RPC method"),
    text("tool", "call this tool"),
    table("arguments", "arguments of the tool"),
    text("say", "put this in the place of every text among the tool's arguments"),
    choice("http-method", &["POST", "GET", "DELETE", "OPTIONS", "PUT"], "the HTTP method; default `POST`"),
    table("headers", "headers to add or replace"),
    table("query", "parameters to put into the URL"),
    table("form", "send this form instead of JSON-RPC"),
    any("session", "the Mcp-Session-Id to send; false: none"),
    text("version", "the MCP-Protocol-Version to send"),
    text("url", "send the request here instead"),
    any("id", "the JSON-RPC id"),
    table("params", "the JSON-RPC params"),
    text("body", "send exactly this body"),
    list("drop", "headers to leave out"),
    DPOP,
];

const FETCH: &[Argument] = &[
    text("url", "the URL"),
    text("path", "the path, below the origin that `from` names"),
    choice("from", &["mcp", "as", "prm"], "what `path` is relative to; default `mcp`"),
    text("method", "the HTTP method"),
    table("query", "parameters to put into the URL"),
    table("form", "the form to send"),
    any("json", "the JSON value to send"),
    text("body", "send exactly this body"),
    text("content-type", "the Content-Type of the request"),
    text("accept", "the Accept of the request"),
    table("headers", "headers to add or replace"),
    text("bearer", "the access token to send"),
    text("client", "the client that authenticates"),
    Argument { name: "auth", kind: AUTH, doc: "how the client authenticates; default: not at all" },
    text("browser", "send it from this browser, with its cookies"),
    boolean("follow", "follow redirects"),
    DPOP,
];

const MUTATE: &[Argument] = &[
    text("browser", "the browser whose cookies are changed; default `alice`"),
    text("set-cookie", "take this Set-Cookie text, or captured cookie, into the browser"),
    text("cookie", "the name of the cookie to change; `*`: each of them, as a text is changed"),
    text("cookie-value", "its new value"),
    text("cookies-of", "take every cookie of this browser into the browser"),
    text("remove-cookie", "the name of the cookie to remove; `*`: all of them"),
    text("jwt", "the JWT to change"),
    table("header", "header parameters to add or replace"),
    table("claims", "claims to add or replace"),
    list("drop-header", "header parameters to leave out"),
    list("drop-claims", "claims to leave out"),
    choice("sign", SIGNING, "how the changed JWT is signed; default `keep`: with the old signature"),
    text("alg", "the algorithm to sign with"),
    text("text", "the text to change"),
    text("flip", "change one character: `first`, `middle`, `last`, or its number"),
    number(
        "truncate",
        "keep only so many characters, and one less than there are; 4096 or more: all; negative: drop so many from the end",
    ),
    table("replace", "parts of the text to replace wherever they stand: `{ \"http:\" = \"HTTP:\" }`"),
    list("swap", "a text and what replaces it, also where it is percent-encoded or inside base64"),
    text("cut", "drop everything from the last of these on: `.` drops the last part of a token"),
    table("answer", "how our identity provider answers next (`mock-idp/README.md`); needs the tag `alone`"),
    text("endpoint", "which of its endpoints answers so; default `token`"),
    number("times", "how often it does; default once"),
    choice(
        "certificate",
        &["expired", "honest", "other-host", "stranger"],
        "the certificate that it shows from now on, where it speaks https: past its end, good, for another host, of an authority that nobody knows; connections that saw a former one end",
    ),
    boolean("honest", "it answers as it should again, whatever answers were set before"),
    choice("rotate", &["keep", "withdraw"], "it signs with a new key, and goes on to publish the former one or not"),
    number("clock", "it moves its clock by so many seconds"),
    text("revoke", "it revokes this access token of its own: who introspects it learns so"),
    text("append", "put this behind the text"),
    text("prepend", "put this before the text"),
    table(
        "repeat-claims",
        "with `sign = \"issuer\"`: claims that stand behind the honest ones once more, with these values",
    ),
    text("raw-payload", "with `sign = \"issuer\"`: use exactly this text as the JWT's payload"),
    choice(
        "kind",
        &["access-token", "id-token", "opaque"],
        "with `sign = \"issuer\"`: what is minted; default an access token",
    ),
];

const REPEAT: &[Argument] = &[
    number("parallel", "how many at once; 0: none, but `times` in a row"),
    number("times", "how many in a row"),
    boolean(
        "vary-kid",
        "each JWT that is presented names a key that nobody knows, and no two of them the same (`call`: its bearer; `token`: its assertion)",
    ),
    boolean("waits", "false: a 429 is an answer like others, and is not waited out"),
    number("succeed", "how many of them must succeed, no more and no fewer"),
    table("authorize", "the arguments of the `authorize` to repeat"),
    table("call", "the arguments of the `call` to repeat"),
    table("exchange", "the arguments of the `exchange` to repeat"),
    table("fetch", "the arguments of the `fetch` to repeat"),
    table("register", "the arguments of the `register` to repeat"),
    table("token", "the arguments of the `token` to repeat"),
];

const DRIVE: &[Argument] = &[
    any(
        "challenge",
        "the `WWW-Authenticate` lines of the server's 401, or false for none; `{prm}`, `{url}` and `{issuer}` are filled in, here and below, and so are `{issuer-upper}` and `{issuer-escaped}` (the same URL, another text), `{issuer-origin}`, and `{marker}`, a file that is not there",
    ),
    text("scope", "the scope that the challenge names; default: none"),
    any(
        "prm-at",
        "where the resource metadata is: `path` (the default), `root`, `elsewhere`, a list of these, or false",
    ),
    table("prm", "members to add to the resource metadata or to replace; false: to leave out"),
    table("prm-beside", "puts resource metadata with these members at its well-known place, though it is elsewhere"),
    number("tools", "how many tools the server has; default 1"),
    text("needs", "the scope that a call of a tool needs: with less it is answered by 403 insufficient_scope"),
    number(
        "expires-after",
        "access tokens live for a second: after so many requests with one it has expired, and is refused",
    ),
    boolean("moved", "the MCP endpoint redirects every request that has a token to another origin"),
    table(
        "issuer",
        "settings of the authorization server, as `mock-idp` calls them: `iss-in-response`, `access-format`, ...",
    ),
    any(
        "answers",
        "what the authorization server answers instead: a list of `{ endpoint, answer, times }`, without `times` always",
    ),
];

const WAIT: &[Argument] = &[
    number("seconds", "how long"),
    number("requests", "how many seconds for requests that the target may send by itself: they are never passed over"),
    number(
        "past",
        "until this time (seconds since 1970) is past, with what the target allows for clocks that differ (`exchange.id-jag.leeway`)",
    ),
    boolean(
        "grace",
        "until used refresh tokens may no longer be taken again: not at all, unless the target took one again at once (profile: `target.refresh-grace`, default 90 seconds)",
    ),
    boolean("keys", "until the target may fetch the keys of our identity provider again (`upstream.jwks-cooldown`)"),
];

const fn text(name: &'static str, doc: &'static str) -> Argument {
    Argument { name, kind: Kind::Text, doc }
}

const fn boolean(name: &'static str, doc: &'static str) -> Argument {
    Argument { name, kind: Kind::Bool, doc }
}

const fn number(name: &'static str, doc: &'static str) -> Argument {
    Argument { name, kind: Kind::Number, doc }
}

const fn list(name: &'static str, doc: &'static str) -> Argument {
    Argument { name, kind: Kind::List, doc }
}

const fn table(name: &'static str, doc: &'static str) -> Argument {
    Argument { name, kind: Kind::Table, doc }
}

const fn any(name: &'static str, doc: &'static str) -> Argument {
    Argument { name, kind: Kind::Any, doc }
}

const fn choice(name: &'static str, words: &'static [&'static str], doc: &'static str) -> Argument {
    Argument { name, kind: Kind::Choice(words), doc }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_argument_is_listed_twice() {
        for verb in Verb::ALL {
            for (at, argument) in verb.arguments().iter().enumerate() {
                let again = verb.arguments()[at + 1..].iter().any(|other| other.name == argument.name);
                assert!(!again, "{verb}.{}", argument.name);
            }
        }
    }

    #[test]
    fn repeat_holds_what_can_be_repeated() {
        for verb in Verb::ALL {
            assert_eq!(Verb::Repeat.argument(verb.name()).is_some(), verb.can_be_repeated(), "{verb}");
        }
    }
}
