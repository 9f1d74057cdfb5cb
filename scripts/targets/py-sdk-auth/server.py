"""The MCP Python SDK as authorization server and MCP server in one: MCPServer with an OAuthAuthorizationServerProvider that keeps all it
knows in memory, and a page on which people log in and approve. Everything else (register, authorize, token, revoke, metadata) is the SDK's.
With TRUSTED_ISSUER it takes identity assertions of that issuer as well; the checks are those that the SDK leaves to the provider."""
import html
import os
import secrets
import sys
import time
from urllib.parse import urlsplit

import anyio.to_thread
import jwt
import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, AuthorizationCode, AuthorizeError, RefreshToken, TokenError, construct_redirect_uri
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import JWT_BEARER_GRANT_TYPE, OAuthClientInformationFull, OAuthToken
from starlette.responses import HTMLResponse, RedirectResponse

PORT = int(sys.argv[1])
BASE = f"http://127.0.0.1:{PORT}"
RESOURCE = BASE + "/mcp"
SCOPES = ["notes:read", "notes:write"]
PASSWORDS = {"alice": "password", "mallory": "password"}
HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
           "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
COOKIE = "login"
TRUSTED = os.environ.get("TRUSTED_ISSUER")
EMPLOYEES = {"user-alice": "alice"}  # who the trusted issuer calls what
KEYS = jwt.PyJWKClient(TRUSTED + "/jwks", lifespan=1) if TRUSTED else None


def is_ours(resource):
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}" == RESOURCE and not parts.query and not parts.fragment


class Provider:
    def __init__(self):
        self.clients, self.pending, self.codes, self.access, self.refresh = {}, {}, {}, {}, {}
        self.spent = {}  # refresh tokens that were used, and the login that they came from
        self.ended = {"nobody's"}
        self.presented = set()  # identity assertions that were used
        for name in ("gateway", "other") if TRUSTED else ():
            self.clients[name] = OAuthClientInformationFull(
                client_id=name, client_secret=f"{name}-secret-for-tests-only", token_endpoint_auth_method="client_secret_post",
                grant_types=["authorization_code", "refresh_token", JWT_BEARER_GRANT_TYPE], redirect_uris=["http://127.0.0.1:33418/callback"],
                scope=" ".join(SCOPES), client_name=name)

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client):
        self.clients[client.client_id] = client

    async def authorize(self, client, params):
        if params.resource is not None and not is_ours(params.resource):
            raise AuthorizeError("invalid_target", "no such resource here")
        ticket = secrets.token_urlsafe(32)
        self.pending[ticket] = (client, params, time.time() + 600)
        return f"{BASE}/login?ticket={ticket}"

    def approve(self, ticket, user):
        client, params, _ = self.pending.pop(ticket)
        code = AuthorizationCode(
            code=secrets.token_urlsafe(32), scopes=params.scopes or ["notes:read"], expires_at=time.time() + 60, client_id=client.client_id,
            code_challenge=params.code_challenge, redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly, resource=RESOURCE, subject=user)
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    def deny(self, ticket):
        _, params, _ = self.pending.pop(ticket)
        return construct_redirect_uri(str(params.redirect_uri), error="access_denied", state=params.state)

    async def load_authorization_code(self, client, code):
        return self.codes.get(code)

    async def exchange_authorization_code(self, client, code):
        del self.codes[code.code]
        return self.issue(client, secrets.token_urlsafe(8), code.scopes, code.resource, code.subject)

    async def exchange_identity_assertion(self, client, params):
        try:
            if jwt.get_unverified_header(params.assertion).get("typ") != "oauth-id-jag+jwt":
                raise jwt.InvalidTokenError("no identity assertion")
            key = await anyio.to_thread.run_sync(KEYS.get_signing_key_from_jwt, params.assertion)
            claims = jwt.decode(params.assertion, key, algorithms=["RS256"], issuer=TRUSTED, audience=BASE,
                                options={"require": ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]})
            if claims["aud"] not in (BASE, [BASE]) or claims["client_id"] != client.client_id or claims["sub"] not in EMPLOYEES:
                raise jwt.InvalidTokenError("for another server or client, or about somebody unknown")
            if claims["exp"] - claims["iat"] > 300:
                raise jwt.InvalidTokenError("lives too long")
            if not isinstance(claims.get("resource"), str) or not is_ours(claims["resource"]):
                raise jwt.InvalidTokenError("for another resource")
            if claims["jti"] in self.presented:
                raise jwt.InvalidTokenError("used before")
            self.presented.add(claims["jti"])
        except (jwt.PyJWTError, TypeError, ValueError) as refused:
            raise TokenError("invalid_grant", str(refused)) from None
        if params.resource is not None and not is_ours(params.resource):
            raise TokenError("invalid_target", "no such resource here")
        granted = [scope for scope in claims.get("scope", "").split() if scope in SCOPES]
        scopes = [scope for scope in granted if not params.scopes or scope in params.scopes]
        if not scopes:
            raise TokenError("invalid_scope", "the assertion allows none of these")
        token = self.issue(client, secrets.token_urlsafe(8), scopes, RESOURCE, EMPLOYEES[claims["sub"]])
        self.refresh.pop(token.refresh_token, None)
        token.refresh_token = None
        return token

    def issue(self, client, login, scopes, resource, subject):
        now = int(time.time())
        common = {"client_id": client.client_id, "scopes": scopes, "resource": resource, "subject": subject}
        access = AccessToken(token=secrets.token_urlsafe(32), expires_at=now + 3600, **common)
        self.access[access.token] = access, login
        token = OAuthToken(access_token=access.token, expires_in=3600, scope=" ".join(scopes))
        if "refresh_token" in client.grant_types:
            refresh = RefreshToken(token=secrets.token_urlsafe(32), expires_at=now + 86400, **common)
            self.refresh[refresh.token] = refresh, login
            token.refresh_token = refresh.token
        return token

    def alive(self, tokens, token):
        known, login = tokens.get(token, (None, None))
        return None if login in self.ended else known

    async def load_refresh_token(self, client, token):
        known = self.alive(self.refresh, token)
        if known is None:
            self.ended.add(self.spent.get(token, "nobody's"))  # a replay ends what it bought (OAuth 2.1 section 4.3.1)
        return known

    async def exchange_refresh_token(self, client, refresh, scopes):
        _, login = self.refresh.pop(refresh.token)
        self.spent[refresh.token] = login
        return self.issue(client, login, scopes, refresh.resource, refresh.subject)

    async def load_access_token(self, token):
        return self.alive(self.access, token)

    async def revoke_token(self, token):
        _, login = self.refresh.get(token.token) or self.access.get(token.token) or (None, "nobody's")
        self.ended.add(login)


provider = Provider()
mcp = MCPServer(
    "py-sdk-auth",
    auth_server_provider=provider,
    auth=AuthSettings(
        issuer_url=BASE, identity_assertion_enabled=bool(TRUSTED), resource_server_url=RESOURCE, validate_token_resource=True, required_scopes=["notes:read"],
        client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES),
        revocation_options=RevocationOptions(enabled=True),
    ),
)
NOTES = []


@mcp.tool()
def list_notes() -> list[str]:
    """All notes."""
    return NOTES[-20:]


@mcp.tool()
def whoami() -> str:
    """Who is logged in."""
    return get_access_token().subject


@mcp.custom_route("/login", methods=["GET", "POST"])
async def login(request):
    ticket = request.query_params.get("ticket", "")
    client, params, ends = provider.pending.get(ticket, (None, None, 0))
    if ends < time.time():
        return HTMLResponse("<p>This login has ended. Go back to your application.</p>", 400, HEADERS)
    wrong = ""
    if request.method == "POST":
        form = await request.form()
        mine = request.cookies.get(COOKIE)
        if not mine or not secrets.compare_digest(mine, str(form.get("csrf"))):
            return HTMLResponse("<p>This page was opened in another browser.</p>", 403, HEADERS)
        if form.get("answer") == "deny":
            return RedirectResponse(provider.deny(ticket), 303, HEADERS)
        user, password = str(form.get("username")), str(form.get("password"))
        if PASSWORDS.get(user) == password:
            return RedirectResponse(provider.approve(ticket, user), 303, HEADERS)
        wrong = "<p>Wrong name or password.</p>"
    csrf = request.cookies.get(COOKIE) or secrets.token_urlsafe(32)
    show = lambda value: html.escape(str(value), quote=True)
    scopes = "".join(f"<li>{show(scope)}</li>" for scope in params.scopes or ["notes:read"])
    page = f"""<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1>{wrong}
<p>The application <b>{show(client.client_name or client.client_id)}</b> wants to use your notes and answers to <b>{show(params.redirect_uri)}</b>:</p>
<ul>{scopes}</ul>
<form method="post"><input type="hidden" name="csrf" value="{show(csrf)}">
<label>Name <input name="username" autocomplete="username"></label> <label>Password <input type="password" name="password"></label>
<button name="answer" value="approve">Approve</button> <button name="answer" value="deny">Deny</button></form>"""
    answer = HTMLResponse(page, 200, HEADERS)
    answer.set_cookie(COOKIE, csrf, httponly=True, samesite="lax", path="/login")
    return answer


class Announcing(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        print(f"READY {RESOURCE}", flush=True)


Announcing(uvicorn.Config(mcp.streamable_http_app(), host="127.0.0.1", port=PORT, log_level="warning", timeout_graceful_shutdown=2)).run()
