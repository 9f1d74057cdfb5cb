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
    word("authorization-code", "issues tokens for authorization codes"),
    word("call", "serves an MCP request with an honest token"),
    word("client-credentials", "issues tokens to a client for itself"),
    word("client-revocation", "lets the client of a case revoke its tokens (RFC 7009)"),
    word("code-flow", "offers the authorization code grant in its metadata"),
    word("confidential-client", "a client with a secret can be had"),
    word("consent-page", "shows a consent page that the harness can answer"),
    word("cors", "answers preflight requests of browsers"),
    word("cors-mcp", "has CORS headers at its MCP endpoint"),
    word("csrf-token", "its consent form carries a field against cross-site requests"),
    word("document-host", "fetches client metadata documents from the harness's own host"),
    word("dpop", "binds tokens to keys (RFC 9449)"),
    word("dynamic-registration", "registers clients by itself (RFC 7591)"),
    word("guessing", "may be attacked by guessing secrets (stated in the profile: it burdens the target)"),
    word("https", "is driven over https"),
    word(
        "id-jag",
        "gives a token for an identity assertion of our identity provider (enterprise-managed authorization)",
    ),
    word("id-jag-announced", "says that it takes identity assertions (authorization_grant_profiles_supported)"),
    word("id-jag-only", "takes a JWT of our identity provider about a person as an identity assertion or not at all"),
    word("introspection", "has an introspection endpoint (RFC 7662)"),
    word("iss-parameter", "says that its authorization answers carry `iss` (RFC 9207)"),
    word("iss-sent", "its authorization answers carry `iss` (RFC 9207), announced or not"),
    word("jwt-access-token", "its access tokens are JWTs"),
    word("jwt-bearer", "says that it takes assertions as grants (RFC 7523 section 2.1)"),
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
    word("machine-served", "its MCP server serves the tokens of a machine client"),
    word("many-scopes", "more than two scopes of the resource are known"),
    word("mcp-2025-11-25", "speaks MCP 2025-11-25 or newer"),
    word("mcp-2026", "speaks MCP 2026-07-28: no initialize, no sessions"),
    word("metadata-challenge", "its challenge names the URL of the resource metadata"),
    word("metadata-document", "says that it takes the URL of a client metadata document as client_id"),
    word("no-server-metadata", "publishes no authorization server metadata"),
    word("oidc-metadata", "publishes OpenID Connect discovery metadata"),
    word("opaque-access-token", "its access tokens are not JWTs"),
    word("openid", "issues ID tokens"),
    word("par", "takes pushed authorization requests (RFC 9126)"),
    word("path-issuer", "its issuer has a path"),
    word("preset", "a client is registered beforehand"),
    word("private-key-jwt", "lets clients authenticate with a signed assertion (RFC 7523)"),
    word("protected-resource-metadata", "publishes protected resource metadata (RFC 9728)"),
    word("proxy", "logs users in at an upstream identity provider that is ours"),
    word("public-client", "the client of a case has no credentials of its own"),
    word("refresh", "issues refresh tokens"),
    word("refresh-rotation", "issues a new refresh token with each use"),
    word("registration-endpoint", "names a registration endpoint in its metadata, whether or not it works"),
    word("registration-management", "lets a client read, change and delete its registration (RFC 7592)"),
    word("resource-indicators", "lets a client choose the resource of a token (RFC 8707)"),
    word("resource-scope", "names a scope of its own, in the challenge or in the resource metadata"),
    word("restricted-tool", "has a tool that only the first user may use (profile section [scopes], tool-restricted)"),
    word("revocation", "has a revocation endpoint (RFC 7009)"),
    word("rfc8414-metadata", "publishes authorization server metadata (RFC 8414)"),
    word("rsa-key", "its MCP server takes tokens of our identity provider signed by RS256"),
    word("scope-challenge", "its challenge names a scope that a request needs, beyond those of a login"),
    word("scope-hierarchy", "the scope of tool-write implies that of tool-read (stated in the profile)"),
    word("scopes", "more than one scope is known"),
    word("second-resource", "its authorization server serves a second resource"),
    word("secret-basic", "a client with a secret can be had that sends it by HTTP Basic"),
    word("secret-post", "a client with a secret can be had that sends it in the form"),
    word("sessions", "answers with an Mcp-Session-Id"),
    word("step-up", "has a tool that needs more scope than the default token has"),
    word("token-exchange", "exchanges tokens (RFC 8693)"),
    word("token-revocation", "revokes access tokens when asked to (RFC 7009)"),
    word("tool", "has a tool that may be called (profile section [scopes], tool-read)"),
    word("trusted-issuer", "its MCP server trusts tokens of our identity provider"),
    word("two-clients", "two clients can be had"),
    word("two-machines", "two clients can be had that get tokens by client credentials"),
    word("two-users", "two users can log in"),
    word("upstream-discovery", "a proxy that reads the metadata of our identity provider"),
    word("upstream-id-token", "a proxy whose logins rest on the ID token of our identity provider"),
    word("upstream-nonce", "a proxy that sends a nonce to our identity provider"),
    word("upstream-openid", "a proxy that asks our identity provider for an ID token (scope openid)"),
    word("upstream-scope", "asks the upstream identity provider for a scope"),
    word(
        "upstream-tool",
        "has a tool that asks the upstream identity provider about the caller (profile section [scopes], tool-upstream)",
    ),
    word("upstream-userinfo", "a proxy that asks our identity provider for the user's profile before it lets him in"),
    word("userinfo", "has a userinfo endpoint (OpenID Connect)"),
    word("visible-write", "shows by one tool what another has written (profile section [scopes], tool-show)"),
    word("workload-identity", "gives a token for an assertion of our identity provider about a workload"),
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
