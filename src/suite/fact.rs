//! What each verb leaves behind: the facts that `expect` and `capture` can name.

use super::Verb;

/// Something that a step can be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// The first segment of its path, or the next one below its parent.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// What it is, in one line.
    pub doc: &'static str,
}

/// What is below a fact.
#[derive(Clone, Copy, Debug)]
pub enum Holds {
    /// Anything: JSON of the target, a list, a table of free names.
    Anything,
    /// Headers, by lower-case name.
    Headers,
    /// These facts and no others.
    Members(&'static [Fact]),
    /// A value without parts.
    Value,
    /// One of these words.
    Words(&'static [&'static str]),
}

/// The facts of `verb`, those of its own first.
pub fn facts(verb: Verb) -> impl Iterator<Item = &'static Fact> + Clone {
    own(verb).iter().chain(shared(verb))
}

/// The facts that `verb` does not share with others.
pub(super) fn own(verb: Verb) -> &'static [Fact] {
    match verb {
        Verb::Authorize | Verb::Callback | Verb::Consent | Verb::Login => BROWSER,
        Verb::Call => CALL,
        Verb::Discover => DISCOVER,
        Verb::Drive => DRIVE,
        Verb::Exchange => EXCHANGE,
        Verb::Token => TOKEN,
        Verb::Fetch => FETCH,
        Verb::Manage => &[],
        Verb::Mutate => MUTATE,
        Verb::Register => REGISTER,
        Verb::Repeat => REPEAT,
        Verb::Wait => WAIT,
    }
}

/// The facts that `verb` shares with every verb that sees one HTTP answer; empty if it does not.
pub(super) fn shared(verb: Verb) -> &'static [Fact] {
    match verb {
        Verb::Call | Verb::Exchange | Verb::Fetch | Verb::Manage | Verb::Register | Verb::Token => HTTP,
        _ => &[],
    }
}

/// The fact of `verb` that `path` ends in, `None` if it ends in something free below one.
///
/// # Errors
/// The first segment that leads nowhere.
pub(super) fn resolve(verb: Verb, path: &str) -> Result<Option<&'static Fact>, Unresolved<'_>> {
    let mut known: (&'static [Fact], &'static [Fact]) = (own(verb), shared(verb));
    let mut at = 0;
    loop {
        let rest = &path[at..];
        let (segment, below) = rest.split_once('.').map_or((rest, None), |(segment, below)| (segment, Some(below)));
        let mut possible = known.0.iter().chain(known.1);
        let Some(fact) = possible.find(|fact| fact.name == segment) else {
            let known = known.0.iter().chain(known.1).map(|fact| fact.name).collect();
            return Err(Unresolved { at, segment, problem: Problem::NoFact { known } });
        };
        let Some(below) = below else {
            return Ok(Some(fact));
        };
        at += segment.len() + 1;
        match fact.holds {
            Holds::Anything => return Ok(None),
            Holds::Headers if below.chars().any(char::is_uppercase) => {
                return Err(Unresolved { at, segment: below, problem: Problem::UpperCase });
            }
            Holds::Headers => return Ok(None),
            Holds::Members(members) => known = (members, &[]),
            Holds::Value | Holds::Words(_) => {
                return Err(Unresolved { at, segment: below, problem: Problem::NoMembers { fact: fact.name } });
            }
        }
    }
}

/// A segment of a path that leads nowhere.
#[derive(Debug)]
pub(super) struct Unresolved<'p> {
    /// Where it begins, as bytes of the path.
    pub(super) at: usize,
    /// The segment, or what is left of the path.
    pub(super) segment: &'p str,
    /// Why.
    pub(super) problem: Problem,
}

/// Why a segment leads nowhere.
#[derive(Debug)]
pub(super) enum Problem {
    /// There is no such fact.
    NoFact {
        /// What could stand there.
        known: Vec<&'static str>,
    },
    /// The fact before it has no parts.
    NoMembers {
        /// That fact.
        fact: &'static str,
    },
    /// A header name with upper-case letters.
    UpperCase,
}

const HTTP: &[Fact] = &[
    value("status", "the status code of the last answer"),
    headers("headers", "the headers of the answer; several of one name are joined by a comma"),
    open("body", "the body as JSON; `body.access_token` is a member"),
    value("text", "the body as text"),
    value("media-type", "the Content-Type without its parameters"),
    value("web-page", "true if it is a page for people with a status of success"),
    value("error", "the OAuth error code: of the body, or of the redirect"),
    value("crash", "true if the target answered 5xx or dropped the connection"),
    value("dropped", "how the connection was dropped, if it was"),
    members("challenge", CHALLENGE, "the WWW-Authenticate header"),
];

const CHALLENGE: &[Fact] = &[
    value("present", "whether there is a WWW-Authenticate header"),
    value("raw", "the header as sent; several are joined by a comma"),
    value("scheme", "the scheme of the Bearer challenge, else of the first one, as sent"),
    open("schemes", "the schemes of all challenges"),
    value("bearer", "whether one of them is Bearer"),
    value("count", "how many Bearer challenges there are"),
    open(
        "params",
        "the parameters of the Bearer challenges, else of the first one, by name; `resource_metadata` of any",
    ),
    value("param-count", "how many parameters it has"),
    open("duplicates", "names of parameters that occur twice"),
    open("dpop", "the parameters of the DPoP challenge, if there is one"),
    value("charset-ok", "whether scope and error texts keep to the characters of RFC 6750"),
];

const DOCUMENT: &[Fact] = &[
    value("url", "where it was found"),
    value("status", "the status code"),
    value("media-type", "the Content-Type without its parameters"),
    headers("headers", "the headers"),
    open("body", "the document"),
    value("text", "the document as text"),
    value("error", "its `error`, if it is an error"),
    value("crash", "true if the target answered 5xx or dropped the connection"),
    open("challenge", "the WWW-Authenticate header"),
    Fact {
        name: "via",
        holds: Holds::Words(&["challenge", "well-known-path", "well-known-root"]),
        doc: "how it was found (`prm` only)",
    },
    Fact {
        name: "form",
        holds: Holds::Words(&["rfc8414", "oidc-inserted", "oidc-appended"]),
        doc: "under which kind of URL it was found (`as` and `oidc` only)",
    },
];

const DISCOVER: &[Fact] = &[
    value("status", "the status code of the MCP request without a token"),
    members("challenge", CHALLENGE, "the WWW-Authenticate header of its answer"),
    members("prm", DOCUMENT, "the protected resource metadata (RFC 9728)"),
    members("as", DOCUMENT, "the authorization server metadata: the first document that was found"),
    members("oidc", DOCUMENT, "the OpenID Connect discovery document"),
    value("issuer", "the issuer that was looked up"),
    open("tried", "the URLs that were tried, in order"),
    value("misplaced", "the URL behind the issuer's path at which metadata stands that belongs before it"),
];

const REGISTER: &[Fact] = &[
    members(
        "client",
        &[
            value("id", "the client_id"),
            value("secret", "the client_secret, if there is one"),
            value("method", "the token_endpoint_auth_method"),
            open("redirect-uris", "the redirect URIs"),
        ],
        "the client that came of it",
    ),
    value("path", "where its metadata document is served"),
    FETCHED,
];

const UPSTREAM: Fact = members(
    "upstream",
    &[
        value("url", "the authorization request with which the target sent the browser to our identity provider"),
        value("base", "its URL without the query"),
        open("query", "its parameters, by name"),
        value("scopes", "the scopes of the request, and the last part of each that is a URL"),
        members(
            "downstream",
            JWT,
            "with the tag `alone`: the token that the target sent to our API last, if it is a JWT",
        ),
        open(
            "downstream-subjects",
            "with the tag `alone`: the `sub` of every token that the target sent to our API during the step, of those that are JWTs",
        ),
        open(
            "requests",
            "with the tag `alone`: what our identity provider received during the step, by endpoint: the last request, or exchange (`token.form.code`), how many there were (`count`) and how many carried a token (`with-token`); `last-text` is that request and `text` all of them; of the API also how many came with a token after the first exchange (`after-exchange`), and how many with an issued token in their URI (`in-uri`)",
        ),
        open(
            "issued",
            "with the tag `alone`: the tokens it gave during the step: `access_token`, `refresh_token`, `id_token`",
        ),
        open(
            "leaks",
            "with the tag `alone`: which of these can be read in what the target answered, also inside a JWT",
        ),
    ],
    "our identity provider, where the target uses it",
);

const BROWSER: &[Fact] = &[
    UPSTREAM,
    PUSH,
    Fact { name: "stopped-at", holds: Holds::Words(STOPS), doc: "where the browser came to rest" },
    value("status", "the status code of the last answer"),
    value("error", "the OAuth error code: of the redirect, or of the page if that is JSON"),
    value("crash", "true if the target answered 5xx or dropped the connection"),
    value("dropped", "how the connection was dropped, if it was"),
    members("redirect", REDIRECT, "the redirect that led to the client, or out of the target"),
    members("page", PAGE, "the page the browser is on"),
    value("away", "where that page is, if it is one of the target's own choosing on another host: no request named it"),
    open("pages", "every page on the way"),
    open("shown", "the addresses of those that wait for somebody, and do not lead on by themselves"),
    open("statuses", "the status code of every hop"),
    open("submit-statuses", "the status code of the answer to every submitted form"),
    open("redirects", "every Location on the way, as sent"),
    open(
        "barred",
        "where a form led that the Content-Security-Policy of its page (`form-action`) does not let it lead to: many browsers stop there",
    ),
    open("codes", "every authorization code that left the target"),
    value("served", "with `call`: whether the MCP server serves who has logged in so"),
    value("identified", "whether a login page, or an identity provider elsewhere, was on the way"),
    value("logged-in", "whether a login page was on the way"),
    value("asked-consent", "whether a consent page was on the way"),
    value("verifier", "the code_verifier of the request"),
    value("code-challenge", "the code_challenge of the request"),
    value("state", "the state of the request"),
    value("nonce", "the nonce of the request"),
    value("redirect-uri", "the redirect_uri of the request"),
    open("cookies", "the cookies of the browser with their attributes: a list"),
    open("session-cookies", "those of them that are not named as CSRF tokens, language and the like"),
    open(
        "consent-cookies",
        "those of them that are not named as state, nonce and the like either: what can track a consent",
    ),
    members("browser", JAR, "the browser itself"),
    FETCHED,
];

const STOPS: &[&str] = &[
    "pushed",
    "refused",
    "login",
    "consent",
    "upstream",
    "callback",
    "code",
    "error",
    "page",
    "elsewhere",
    "loop",
    "nowhere",
];

const REDIRECT: &[Fact] = &[
    value("url", "the whole URL, as sent"),
    value("base", "the URL without query and fragment"),
    open("query", "the parameters of the query, by name"),
    open("fragment", "the parameters of the fragment, by name"),
    open("params", "both together"),
    value("status", "the status code that carried it"),
    value("registered", "whether it leads to a redirect URI of the client"),
];

const PAGE: &[Fact] = &[
    value("url", "the address"),
    value("status", "the status code"),
    value("title", "the title"),
    value("text", "the visible text"),
    value("html", "the page as sent"),
    headers("headers", "the headers"),
    value("is-html", "whether it is HTML"),
    open("resources", "what the page loads by itself"),
    open("foreign-resources", "what of that is of another origin"),
    value("meta-refresh", "where the page leads by itself"),
    value("csrf-field", "the name of the hidden field that is named like a CSRF token"),
    value("referrer-policy", "the policy for `Referer` that it asks for, by header or `meta`"),
    value("framable", "whether it is HTML and another site could show it in a frame"),
    value("leaks-referrer", "whether its whole URL would be told to other origins"),
    Fact {
        name: "asks",
        holds: Holds::Words(&["login", "consent", "between", "nothing"]),
        doc: "what it asks the user for",
    },
];

const JAR: &[Fact] = &[value("name", "its name"), open("cookies", "the values of its cookies, by name")];

const JWT: &[Fact] = &[
    open("header", "its header"),
    open("claims", "its claims"),
    value("lifetime", "seconds from `iat` to `exp`, if it has both"),
];

const PROOF: Fact = members(
    "dpop",
    &[
        value("proof", "the proof that was sent"),
        value("jkt", "the thumbprint of its key"),
        open("jwk", "its public key"),
        value("nonce", "the DPoP-Nonce of the answer"),
        value("nonce-demanded", "whether a nonce was demanded (use_dpop_nonce)"),
        value("nonce-refused", "whether another one was demanded after that"),
    ],
    "with `dpop`: the DPoP proof of the request",
);

const PUSH: Fact = members(
    "par",
    &[
        value("status", "the status code"),
        headers("headers", "the headers"),
        open("body", "the answer as JSON"),
        value("text", "the answer as text"),
        value("media-type", "the Content-Type without its parameters"),
        value("web-page", "true if it is a page for people with a status of success"),
        value("error", "the OAuth error code"),
        value("crash", "true if the target answered 5xx or dropped the connection"),
        value("dropped", "how the connection was dropped, if it was"),
        open("challenge", "the WWW-Authenticate header"),
        value("request-uri", "the request_uri that came of it"),
        PROOF,
    ],
    "with `par`: the answer to the pushed request",
);

const GRANTED_SCOPE: Fact = open(
    "granted-scope",
    "the scopes that were granted, as far as the answer or a JWT says: a list; absent if neither does",
);

const TOKEN: &[Fact] = &[
    UPSTREAM,
    PROOF,
    value("granted", "true if an access token came"),
    members("token", JWT, "the access token, if it is a JWT"),
    members("id-token", JWT, "the ID token"),
    GRANTED_SCOPE,
    value(
        "unstated-scope",
        "the scope of the access token, if it is a JWT, where the answer does not say which was granted",
    ),
    value("assertion", "the assertion that was sent as the grant (RFC 7523 section 2.1)"),
    value("client-assertion", "the assertion by which the client authenticated (RFC 7523 section 2.2)"),
    value("lured", "how often the target fetched what forged assertions of the case point to"),
    FETCHED,
];

const EXCHANGE: &[Fact] = &[
    UPSTREAM,
    value("granted", "true if an access token came"),
    members("token", JWT, "the token that came, if it is a JWT"),
    members("id-token", JWT, "the ID token"),
    value("issued-token-type", "the issued_token_type of the answer"),
    value("mislabelled", "true if that type says that the token is a JWT, and it is none (RFC 8693 section 3)"),
    value("subject-token", "the subject token that was sent"),
    members("subject", JWT, "the same, if it is a JWT"),
    value("actor-token", "the actor token that was sent"),
    members("actor", JWT, "the actor token that was sent, if it is a JWT"),
    GRANTED_SCOPE,
    open("beyond-subject", "those of them that the subject token has not"),
    open(
        "scope-unstated",
        "scopes that were asked for, are not in the token, and of whose loss the answer says nothing",
    ),
    open("audiences", "the audiences of the token, as a list"),
    open(
        "kept-audiences",
        "those of them that the subject token has too, but for the targets asked for and the server itself",
    ),
    value("outlives", "by how many seconds the token outlives the subject token"),
    Fact {
        name: "binding",
        holds: Holds::Words(&["none", "key", "other-key", "untold", "missing"]),
        doc: "how the token is bound: not; to the key of the proof; to another; so, but token_type does not say it; only token_type says it",
    },
    value("unbound", "whether the subject token is bound to a key (`cnf`) and the token is not"),
    value("echoed", "whether an error repeats the subject token"),
    FETCHED,
];

const CALL: &[Fact] = &[
    UPSTREAM,
    PROOF,
    value("served", "true if a JSON-RPC result came that is no tool error"),
    open("result", "the JSON-RPC result"),
    open("rpc-error", "the JSON-RPC error"),
    value("tool-error", "true if the result says `isError`"),
    value("session", "the Mcp-Session-Id of the answer"),
    value("lured", "how often the target fetched the keys that forged tokens of the case point to"),
];

const FETCH: &[Fact] = &[
    UPSTREAM,
    PROOF,
    members(
        "redirect",
        &[
            value("url", "the whole URL, as sent"),
            value("base", "the URL without query and fragment"),
            value("own", "whether it leads to the target itself"),
        ],
        "where the answer redirects to",
    ),
    open("redirects", "every Location on the way, as sent (with `browser`)"),
    open("statuses", "the status code of every hop (with `browser`)"),
    Fact {
        name: "cors",
        holds: Holds::Words(&["none", "read", "credentials"]),
        doc: "what the answer allows a page of the request's Origin: nothing, to read it, to read it with the user's cookies",
    },
];

const MUTATE: &[Fact] = &[
    value("value", "the text or token that was made"),
    members("jwt", JWT, "the JWT that was made"),
    members("browser", &[open("cookies", "the values of its cookies, by name")], "the browser that was changed"),
];

const REPEAT: &[Fact] = &[
    UPSTREAM,
    value("succeeded", "how many succeeded"),
    open("statuses", "the status code of each"),
    value("crashes", "how many met 5xx or a dropped connection"),
    value("crash", "whether any did"),
    value("limited", "how many met 429"),
    open(
        "values",
        "what should differ between them: `access-token`, `refresh-token`, `code`, `client-id`, `request-uri`, `session`, `upstream-state`, `upstream-nonce`, `upstream-challenge`",
    ),
    open("answers", "the facts of each, in order"),
];

const DRIVE: &[Fact] = &[
    value("done", "whether the client ended with exit code 0"),
    value("exit", "its exit code; absent if it had to be ended"),
    value("ended", "the same in words"),
    value("output", "the last lines that it printed"),
    value("opened", "the URLs that it gave its browser, one a line"),
    value("shown", "what its browser showed in the end"),
    value("ran", "whether the file `{marker}` is there now"),
    value("way", "the paths that it asked for in order, with `ISSUER` for the name of the authorization server"),
    value("first-way", "the same, each path once"),
    value("refused", "why our authorization server refused the last request that it refused: its error"),
    value("challenged", "whether the MCP server had refused a request before the first authorization request came"),
    value("grants", "the grant types of the token requests in order, with the status of those that were refused"),
    value(
        "stale-refreshes",
        "how many refreshes came with a token that had been replaced, after the access token that came with its successor was used",
    ),
    value("nameless", "how many authorization requests had no `client_id`, or what a language calls nothing"),
    members("again", DRIVEN_AGAIN, "what it used a second time where each authorization has its own"),
    members(
        "resource",
        DRIVEN_RESOURCE,
        "which resource it asked for: `server`, `parent`, `other`, `none` or `several`",
    ),
    value("redirect-registered", "whether its redirect URI is one that it registered; absent if it did not register"),
    members("mcp", DRIVEN_MCP, "what it did at the MCP endpoint"),
    open(
        "requests",
        "what the authorization server received, by endpoint: the last request, how many there were (`count`), and `all` of them in order",
    ),
    FETCHED,
];

const DRIVEN_RESOURCE: &[Fact] = &[
    value("authorize", "in the last authorization request"),
    value("token", "in the last request with a code"),
    value("refresh", "in the last request with a refresh token"),
];

const DRIVEN_AGAIN: &[Fact] = &[
    value("authorizations", "how many authorization requests there were, one that came twice counted once"),
    value("requests", "how many codes it redeemed"),
    value("state", "whether two authorization requests with different code challenges had one state"),
    value("verifier", "whether two codes were redeemed with one verifier"),
];

const DRIVEN_MCP: &[Fact] = &[
    value("count", "how many requests there were"),
    value("version", "the MCP version that it speaks"),
    value("served", "how many of them were served"),
    value("called", "how many calls of a tool were served"),
    value("unauthorized", "how many were answered with 401"),
    value("forbidden", "how many were answered with 403"),
    value("bare", "how many came without a token after the first one with it"),
    open("schemes", "the authentication schemes that it used, in lower case"),
    value("in-uri", "how many had an access token in their URI, by whatever name"),
    value("strayed", "how many requests with a token reached the other origin"),
];

const WAIT: &[Fact] = &[value("waited-ms", "how long it took"), FETCHED];

const FETCHED: Fact = value("fetched", "how often the target fetched the client metadata documents of the case so far");

const fn value(name: &'static str, doc: &'static str) -> Fact {
    Fact { name, holds: Holds::Value, doc }
}

const fn open(name: &'static str, doc: &'static str) -> Fact {
    Fact { name, holds: Holds::Anything, doc }
}

const fn headers(name: &'static str, doc: &'static str) -> Fact {
    Fact { name, holds: Holds::Headers, doc }
}

const fn members(name: &'static str, members: &'static [Fact], doc: &'static str) -> Fact {
    Fact { name, holds: Holds::Members(members), doc }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_verb_has_a_fact_twice() {
        for verb in Verb::ALL {
            let names: Vec<_> = facts(verb).map(|fact| fact.name).collect();
            for (at, name) in names.iter().enumerate() {
                assert!(!names[at + 1..].contains(name), "{verb}: {name}");
            }
        }
    }

    #[test]
    fn follows_paths() {
        assert!(resolve(Verb::Token, "body.access_token").is_ok());
        assert!(resolve(Verb::Authorize, "redirect.query.code").is_ok());
        let wrong = |verb, path| resolve(verb, path).expect_err("leads nowhere");
        assert_eq!(wrong(Verb::Authorize, "redirect.qury.code").segment, "qury");
        assert!(matches!(wrong(Verb::Token, "status.code").problem, Problem::NoMembers { fact: "status" }));
        assert!(matches!(wrong(Verb::Token, "headers.Location").problem, Problem::UpperCase));
    }
}
