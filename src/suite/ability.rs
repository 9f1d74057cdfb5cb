//! What a target can offer, and how a case can burden it: the words of `needs` and `tags`.

/// A word of the case language with its meaning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Word {
    /// The word.
    pub name: &'static str,
    /// Its meaning, in one line.
    pub doc: &'static str,
}

/// Whether `name` is an ability.
pub fn is_ability(name: &str) -> bool {
    ABILITIES.iter().any(|ability| ability.name == name)
}

/// Every ability, in order of name.
pub const ABILITIES: &[Word] = &[
    word("asks-consent", "asks at least once whether the user consents"),
    word("audience-path", "the audience of its tokens has letters that are neither scheme nor host"),
    word(
        "auth-method-enforced",
        "takes the credentials of a client only in the way that was registered (to be claimed)",
    ),
    word("authorization-code", "issues tokens for authorization codes"),
    word("basic-client", "registers clients for HTTP Basic, or the preset one is of that kind"),
    word("basic-client-secret", "gives a client that registers for HTTP Basic a secret"),
    word("basic-offered", "says that a client with a secret may send it by HTTP Basic"),
    word("browser-login", "logs users in for pages of its own (profile section [provisioning], login and page)"),
    word("call", "serves an MCP request with an honest token"),
    word("client", "is an MCP client that comes to a tool of an honest server (role client)"),
    word("client-calls-tools", "is a client that calls the tools it finds"),
    word("client-credentials", "issues tokens to a client for itself"),
    word("client-opens-urls", "is a client that opens its authorization URL with a browser of ours"),
    word("client-registers", "is a client that registers by itself (RFC 7591)"),
    word("client-revocation", "lets the client of a case revoke its tokens (RFC 7009)"),
    word("client-sends-state", "is a client whose authorization requests have a state"),
    word("client-wants-refresh", "is a client that did not register without the grant refresh_token"),
    word("code-flow", "offers the authorization code grant in its metadata"),
    word("confidential-client", "a client with a secret can be had"),
    word("consent-asked-again", "asks again for consent that a user has given in another browser"),
    word("consent-page", "shows a consent page that the harness can answer"),
    word("cors", "answers preflight requests of browsers"),
    word("cors-mcp", "has CORS headers at its MCP endpoint"),
    word("csrf-token", "its consent form carries a field against cross-site requests"),
    word(
        "document-after-login",
        "fetches metadata documents only for users who have logged in (stated in the profile)",
    ),
    word(
        "document-cache-obeyed",
        "keeps metadata documents no longer than their headers say, without a lower bound of its own (stated in the profile)",
    ),
    word("document-host", "fetches client metadata documents from the harness's own host"),
    word("downstream-any-user", "calls that API for every user of the issuer, also for those whom it has not seen yet"),
    word(
        "downstream-api",
        "has a tool that calls the API of our identity provider (profile section [scopes], tool-downstream)",
    ),
    word("downstream-exchange", "gets its token for that API by token exchange (RFC 8693)"),
    word("downstream-write", "has a tool that writes to that API (profile section [scopes], tool-downstream-write)"),
    word("dpop", "its authorization server binds tokens to keys (RFC 9449)"),
    word("dpop-bound-clients", "registers clients that want bound tokens only (dpop_bound_access_tokens)"),
    word("dpop-nonce", "its authorization server gives nonces for DPoP proofs"),
    word("dpop-resource", "its MCP server serves bound tokens with an honest DPoP proof"),
    word("dpop-resource-nonce", "its MCP server gives nonces for DPoP proofs"),
    word("dynamic-client", "gives tokens to a client that registers by itself and has no secret"),
    word("dynamic-registration", "registers clients by itself (RFC 7591)"),
    word("exchange-access-token", "exchanges access tokens under that type (exchange, subject-token-type)"),
    word("exchange-actor", "exchanges with an actor token that the harness can get"),
    word(
        "exchange-answers-checked",
        "checks audience and scope of the tokens that it gets by exchange (stated in the profile)",
    ),
    word("exchange-audience", "exchanges for a target by its logical name (profile section [exchange], audience)"),
    word("exchange-audiences", "exchanges for two targets (profile section [exchange], other-audience)"),
    word("exchange-authenticated", "lets clients exchange that authenticate, and no others (stated in the profile)"),
    word("exchange-chain", "exchanges for a second actor what it gave for a first"),
    word(
        "exchange-delegates",
        "exchanges with an actor token for a token that names the actor (stated in the profile)",
    ),
    word("exchange-dpop", "binds what it exchanges to the key of a DPoP proof"),
    word("exchange-issuer", "takes subject tokens of our identity provider"),
    word("exchange-jwt", "gives JWTs for an exchange"),
    word("exchange-jwt-subject", "takes JWTs for an exchange"),
    word("exchange-lifetime", "lets no exchanged token outlive its subject token (stated in the profile)"),
    word("exchange-listed", "lists token exchange among its grants"),
    word("exchange-login", "the client that exchanges logs the user in itself"),
    word("exchange-may-act", "holds who exchanges to may_act of the subject token (stated in the profile)"),
    word("exchange-no-refresh", "gives no refresh token for an exchange (stated in the profile)"),
    word(
        "exchange-own-subjects",
        "lets a client exchange only tokens that were given to it or name it as audience (stated in the profile)",
    ),
    word("exchange-resource", "exchanges for a target by its URI (profile section [exchange], resource)"),
    word("exchange-secret", "the client that exchanges has a secret"),
    word(
        "exchange-unknown-audience",
        "has targets that the client may have no tokens for (profile section [exchange], unknown-audience)",
    ),
    word(
        "exchange-wider-scope",
        "knows a scope that the subject token has not (profile section [exchange], wider-scope)",
    ),
    word("fragment-mode", "says that authorization responses can come in the fragment (response_modes_supported)"),
    word("guessing", "may be attacked by guessing secrets (stated in the profile: it burdens the target)"),
    word("https", "is driven over https"),
    word(
        "id-jag",
        "gives a token for an identity assertion of our identity provider (enterprise-managed authorization)",
    ),
    word("id-jag-announced", "says that it takes identity assertions (authorization_grant_profiles_supported)"),
    word("id-jag-authenticated", "takes identity assertions from clients with a secret or a key"),
    word("id-jag-bound", "takes an identity assertion that is bound to a key, with a proof by it"),
    word("id-jag-for-itself", "issues identity assertions for itself as well"),
    word("id-jag-id-token", "issues identity assertions for the ID token of a login"),
    word("id-jag-issuer", "issues identity assertions by token exchange (profile section [exchange.id-jag])"),
    word("id-jag-only", "takes a JWT of our identity provider about a person as an identity assertion or not at all"),
    word(
        "id-jag-other-resource",
        "knows an MCP server behind another authorization server (exchange.id-jag, other-resource)",
    ),
    word("id-jag-readable", "the identity assertions that it issues are not encrypted"),
    word("id-jag-refresh", "issues identity assertions for the refresh token of a login"),
    word("id-jag-resource", "issues identity assertions for an MCP server by its URI (exchange.id-jag, resource)"),
    word("id-jag-scope", "issues identity assertions with a scope that may be asked for (exchange.id-jag, scope)"),
    word("id-jag-wider-scope", "knows a scope that the first user may not have there (exchange.id-jag, wider-scope)"),
    word("id-token-short-lived", "ID tokens that it takes for an identity assertion end within a hundred seconds"),
    word("introspected-token", "takes opaque tokens that our identity provider introspects"),
    word("introspection", "has an introspection endpoint (RFC 7662)"),
    word(
        "introspection-audience",
        "compares the audience that an introspection names by itself (stated in the profile)",
    ),
    word(
        "introspection-fresh",
        "asks within two seconds again whether an opaque token is active (stated in the profile)",
    ),
    word("introspection-of-access", "tells a client with a secret about its own access tokens by introspection"),
    word("introspection-told", "tells a client with a secret about its own tokens by introspection"),
    word("iss-parameter", "says that its authorization answers carry `iss` (RFC 9207)"),
    word("iss-sent", "its authorization answers carry `iss` (RFC 9207), announced or not"),
    word("issuer-tls", "reaches the issuer that it trusts, ours, over https (profile section [upstream], ca-file)"),
    word("jwt-access-token", "its access tokens are JWTs"),
    word("jwt-bearer", "says that it takes assertions as grants (RFC 7523 section 2.1)"),
    word("jwt-client", "registers clients for signed assertions, or the preset one has a key"),
    word("jwt-offered", "says that a client may authenticate with a signed assertion (RFC 7523)"),
    word(
        "jwt-profile",
        "its access tokens say that they follow RFC 9068 (typ at+jwt), so its MCP server is held to that",
    ),
    word("key-set", "publishes the keys of its tokens (jwks_uri)"),
    word("login-first", "asks who the user is before it asks for consent"),
    word("login-page", "shows a login page that the harness can answer"),
    word("loopback", "runs on this machine over http, where rules about https do not bind"),
    word("machine-client", "a client can be had that gets tokens by client credentials"),
    word("machine-extension", "its MCP server lists the client credentials extension of MCP"),
    word("machine-jwt", "such a client may authenticate with a signed assertion (RFC 7523)"),
    word("machine-served", "its MCP server serves the tokens of a machine client"),
    word("many-scopes", "more than two scopes of the resource are known"),
    word("mcp-2025-11-25", "speaks MCP 2025-11-25 or newer"),
    word("mcp-2026", "speaks MCP 2026-07-28: no initialize, no sessions"),
    word("metadata-challenge", "its challenge names the URL of the resource metadata"),
    word("metadata-document", "says that it takes the URL of a client metadata document as client_id"),
    word("no-server-metadata", "publishes no authorization server metadata"),
    word("oidc-metadata", "publishes OpenID Connect discovery metadata"),
    word(
        "one-upstream-client",
        "a proxy whose clients are all one client at our identity provider, so that only it can ask for each",
    ),
    word("opaque-access-token", "its access tokens are not JWTs"),
    word("openid", "issues ID tokens"),
    word("own-answers", "answers its clients' authorization requests itself, not our identity provider for it"),
    word("own-browser", "its pages are answered in a browser of the harness, not by a command of the profile"),
    word("own-redirect-uri", "has clients with the redirect URI of the harness (the profile names no others)"),
    word("own-tokens", "gives its clients tokens of its own, not those of our identity provider for its MCP server"),
    word("par", "takes pushed authorization requests (RFC 9126)"),
    word(
        "par-required-clients",
        "registers clients that push all their requests (require_pushed_authorization_requests)",
    ),
    word("par-short-lived", "its pushed requests live for two minutes or less"),
    word("path-issuer", "its issuer has a path"),
    word("plain-tokens", "takes tokens that are not bound to a key"),
    word("post-client", "registers clients for a secret in the form, or the preset one is of that kind"),
    word("post-client-secret", "gives a client that registers for a secret in the form one"),
    word("post-offered", "says that a client with a secret may send it in the form"),
    word("preset", "a client is registered beforehand"),
    word("private-key-jwt", "lets clients authenticate with a signed assertion (RFC 7523)"),
    word("protected-resource-metadata", "publishes protected resource metadata (RFC 9728)"),
    word("provisioning", "obtains lasting access for a user by a second login (profile section [provisioning], start)"),
    word("proxy", "logs users in at an upstream identity provider that is ours"),
    word("public-client", "the client of a case has no credentials of its own"),
    word("public-keys", "publishes a key set with a key in it (jwks_uri)"),
    word("query-mode", "says that authorization responses can come in the query (response_modes_supported)"),
    word("refresh", "issues refresh tokens"),
    word("refresh-rotation", "issues refresh tokens that are bound to no key, so that they have to rotate"),
    word("refresh-without-grace", "takes a used refresh token again at no time, not even shortly after its use"),
    word("registration-deletion", "lets a client delete its registration (RFC 7592)"),
    word("registration-endpoint", "names a registration endpoint in its metadata, whether or not it works"),
    word("registration-management", "names an address at which a client manages its registration (RFC 7592)"),
    word("registration-updates", "lets a client change its registration (RFC 7592)"),
    word(
        "resource-ignored",
        "serves tokens that were asked for another resource, made by its own authorization server",
    ),
    word("resource-indicators", "lets a client choose the resource of a token (RFC 8707)"),
    word("resource-scope", "names a scope of its own, in the challenge or in the resource metadata"),
    word("restricted-tool", "has a tool that only the first user may use (profile section [scopes], tool-restricted)"),
    word("revocation", "has a revocation endpoint (RFC 7009)"),
    word("revocation-at-once", "access tokens that it revokes end at once: they are opaque, or the profile says so"),
    word("revocation-basic", "clients may authenticate by HTTP Basic for a revocation"),
    word(
        "revocation-none",
        "says that clients without a secret revoke tokens (revocation_endpoint_auth_methods_supported)",
    ),
    word("rfc8414-metadata", "publishes authorization server metadata (RFC 8414)"),
    word("roles-apart", "does not take the roles of a user for scopes of the client (stated in the profile)"),
    word("rsa-key", "its MCP server takes tokens of our identity provider signed by RS256"),
    word("rsa-key-set", "publishes an RSA key (jwks_uri), to which anybody can encrypt"),
    word("scope-challenge", "its challenge names a scope that a request needs, beyond those of a login"),
    word("scope-hierarchy", "the scope of tool-write implies that of tool-read (stated in the profile)"),
    word("scopes", "more than one scope is known"),
    word("scp-claim", "looks for scopes in the claim scp (profile section [token], scope-claim)"),
    word("scp-list", "takes scopes in a list as well as in a text (stated in the profile)"),
    word("second-resource", "its authorization server serves a second resource"),
    word("secret-basic", "a client with a secret can be had that gets tokens by HTTP Basic"),
    word("secret-post", "a client with a secret can be had that gets tokens with the secret in the form"),
    word("server-metadata", "publishes authorization server metadata, in whatever way"),
    word("sessions", "answers with an Mcp-Session-Id"),
    word("step-up", "has a tool that needs more scope than the default token has"),
    word("tenant-claim", "its honest tokens name a tenant by tid (profile section [token], claims)"),
    word("token-exchange", "exchanges tokens (RFC 8693)"),
    word("token-revocation", "revokes access tokens when asked to (RFC 7009)"),
    word("tool", "has a tool that may be called (profile section [scopes], tool-read)"),
    word("tool-scope", "has a tool whose scopes are known (profile section [scopes], tool-read)"),
    word("trusted-issuer", "its MCP server trusts tokens of our identity provider"),
    word("two-clients", "two clients can be had"),
    word("two-machines", "two clients can be had that get tokens without a user"),
    word("two-users", "two users can log in"),
    word("upstream-callback", "a proxy to which our identity provider sends the browser back, not to the client"),
    word("upstream-discovery", "a proxy that reads the metadata of our identity provider"),
    word("upstream-id-token", "a proxy whose logins rest on the ID token of our identity provider"),
    word("upstream-iss", "a proxy whose identity provider, ours, promises iss in its answers (RFC 9207)"),
    word("upstream-nonce", "a proxy that sends a nonce to our identity provider"),
    word("upstream-openid", "a proxy that asks our identity provider for an ID token (scope openid)"),
    word("upstream-pkce", "a proxy that sends a code_challenge to our identity provider"),
    word("upstream-scope", "asks the upstream identity provider for a scope"),
    word("upstream-tls", "a proxy that reaches our identity provider over https (profile section [upstream], ca-file)"),
    word(
        "upstream-tool",
        "has a tool that asks the upstream identity provider about the caller (profile section [scopes], tool-upstream)",
    ),
    word("upstream-userinfo", "a proxy that asks our identity provider for the user's profile before it lets him in"),
    word("userinfo", "has a userinfo endpoint (OpenID Connect)"),
    word("visible-write", "shows by one tool what another has written (profile section [scopes], tool-show)"),
    word(
        "withdrawn-keys-given-up",
        "gives up a key that our identity provider has withdrawn within the cool-down of the profile (stated there)",
    ),
    word("workload-assertion-once", "takes each assertion about a workload once (stated in the profile)"),
    word("workload-by-subject", "lets workloads in by their `sub`, whatever else is claimed (stated in the profile)"),
    word("workload-identity", "gives a token for an assertion of our identity provider about a workload"),
    word(
        "write-scope",
        "has a tool that needs more scope than a login asks for (profile section [scopes], tool-write)",
    ),
];

/// Every tag, in order of name.
pub const TAGS: &[Word] = &[
    word("alone", "changes what our identity provider does, or looks at all it received: no other case runs meanwhile"),
    word("floods", "sends so many requests, or such large ones, that a shared target would suffer"),
    word("registers", "registers clients that stay behind"),
    word("slow", "waits for seconds"),
];

const fn word(name: &'static str, doc: &'static str) -> Word {
    Word { name, doc }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_unique() {
        for words in [ABILITIES, TAGS] {
            assert!(words.windows(2).all(|pair| pair[0].name < pair[1].name));
        }
    }
}
