"""Configures a fresh glewlwyd by its administration API, as docs/OIDC.md of the package describes the plugin: users, scopes, the plugin."""
import http.cookiejar, json, os, sys, urllib.error, urllib.request

base, keys = sys.argv[1], open(sys.argv[2]).read()
resource = f"{base}/mcp"
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + "/api" + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        text = browser.open(request).read()
        return json.loads(text) if text else None
    except urllib.error.HTTPError as answer:
        sys.exit(f"{method} {path}: {answer.code} {answer.read().decode()}")


call("POST", "/auth/", {"username": "admin", "password": "password"})
scopes = {"notes:read": "Read notes", "notes:write": "Write notes"}
for name, title in scopes.items():
    call("POST", "/scope/", {"name": name, "display_name": title, "description": title, "password_required": True, "password_max_age": 0, "scheme": {}})
for name in ("alice", "mallory"):
    call("POST", "/user/", {"username": name, "name": name.title(), "password": f"{name}-password", "email": f"{name}@example.com",
                            "enabled": True, "scope": ["g_profile", "openid", *scopes]})
# Clients keep the properties that their store knows, and nothing else.
store = call("GET", "/mod/client/database")
store["parameters"]["data-format"]["dpop_bound_access_tokens"] = {"multiple": False, "read": True, "write": True}
call("PUT", "/mod/client/database", store)
call("PUT", "/mod/client/database/reset/")
# What the administration page fills in, and then what is switched on.
parameters = {
    "iss": f"{base}/api/oidc", "jwks-private": keys, "default-kid": "key-1", "jwks-show": True, "jwt-type": "rsa", "jwt-key-size": "256",
    "secret-type": "pairwise", "subject-type": "public", "allowed-scope": ["openid", *scopes],
    "access-token-duration": 3600, "refresh-token-duration": 1209600, "code-duration": 600,
    "allow-non-oidc": True, "auth-type-code-enabled": True, "auth-type-code-revoke-replayed": True,
    "auth-type-token-enabled": False, "auth-type-id-token-enabled": True, "auth-type-none-enabled": False, "auth-type-password-enabled": False,
    "auth-type-client-enabled": True, "auth-type-device-enabled": False, "auth-type-refresh-enabled": True,
    "refresh-token-rolling": True, "refresh-token-one-use": "always",
    "pkce-allowed": True, "pkce-method-plain-allowed": False, "pkce-required": True,
    "introspection-revocation-allowed": True, "introspection-revocation-allow-target-client": True, "introspection-revocation-auth-scope": [],
    "register-client-allowed": True, "register-client-management-allowed": True, "register-client-auth-scope": [], "register-client-credentials-scope": list(scopes),
    "register-client-management-allowed": True, "register-resource-specify-allowed": False, "register-resource-default": [],
    # It checks an assertion by a property of its own name, which registrations do not set.
    "register-default-properties": {"token_endpoint_signing_alg": {"label": "Algorithm of assertions", "value": "ES256"}},
    "client-pubkey-parameter": "pubkey", "client-jwks-parameter": "jwks", "client-jwks_uri-parameter": "jwks_uri",
    "request-parameter-allow": True, "request-parameter-allow-encrypted": True, "request-parameter-ietf-strict": True, "request-maximum-exp": 3600,
    "request-uri-allow-https-non-secure": False, "oauth-as-iss-id": True,
    "oauth-dpop-allowed": True, "oauth-dpop-iat-duration": 10, "oauth-dpop-iat-gap-duration": 0,
    "oauth-dpop-dpop_bound_access_tokens-property": "dpop_bound_access_tokens",
    "oauth-dpop-nonce-mandatory": bool(os.environ.get("DPOP_NONCE")), "oauth-dpop-nonce-counter": 10,
    "resource-allowed": True, "resource-scope": {name: [resource, base + "/other"] for name in scopes}, "resource-client-property": "",
    "resource-scope-and-client-property": False,
    "oauth-par-allowed": True, "oauth-par-required": bool(os.environ.get("PAR")), "oauth-par-duration": 90,
    "oauth-par-request_uri-prefix": "urn:ietf:params:oauth:request_uri:",
    "session-management-allowed": False,
}
call("POST", "/mod/plugin/", {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "parameters": parameters})
# Two public clients: one that registers itself without a secret is stored as confidential, and served nothing (TARGET.md).
for name in ("authspec", "other"):
    call("POST", "/client/", {"client_id": name, "name": name, "enabled": True, "confidential": False, "token_endpoint_auth_method": ["none"],
                              "authorization_type": ["code", "refresh_token"], "redirect_uri": ["http://127.0.0.1:33418/callback"], "scope": list(scopes)})
