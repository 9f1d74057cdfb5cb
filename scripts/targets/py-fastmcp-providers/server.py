"""FastMCP with the authentication provider named in PROVIDER (start.sh), as its documentation shows each."""
import os
import sys
from importlib import import_module
from urllib.parse import urlsplit

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import IdentityAssertion, RemoteAuthProvider
from fastmcp.server.auth.oidc_proxy import OIDCProxy
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from fastmcp.server.dependencies import get_access_token
from pydantic import AnyHttpUrl

PORT = int(sys.argv[1])
BASE = f"http://127.0.0.1:{PORT}"
ISSUER = os.environ.get("UPSTREAM_ISSUER", "")
CONFIG = ISSUER.rstrip("/") + "/.well-known/openid-configuration"
ORIGIN = "{0.scheme}://{0.netloc}".format(urlsplit(ISSUER))
CLIENT = {"client_id": os.environ.get("UPSTREAM_CLIENT_ID", "fastmcp-upstream-client"),
          "client_secret": os.environ.get("UPSTREAM_CLIENT_SECRET", "fastmcp-upstream-secret")}


def remote():
    server = f"http://127.0.0.1:{PORT + 1}"
    name, secret = os.environ["RESOURCE_SERVER"].split(":")
    verifier = IntrospectionTokenVerifier(
        introspection_url=server + "/introspect/", client_id=name, client_secret=secret, audience=BASE + "/mcp", required_scopes=["notes:read"])
    return RemoteAuthProvider(token_verifier=verifier, authorization_servers=[AnyHttpUrl(server)], base_url=BASE)


def id_jag():
    return OIDCProxy(config_url=CONFIG, base_url=BASE, identity_assertion=IdentityAssertion(trusted_issuers=[ISSUER]), **CLIENT)


def product(module, name, **options):
    """A provider for one product, which is told where that is by an issuer, an origin or a host."""
    return lambda: getattr(import_module(f"fastmcp.server.auth.providers.{module}"), name)(base_url=BASE, **options)


def azure_remote():
    from fastmcp.server.auth.providers.azure import AzureJWTVerifier
    verifier = AzureJWTVerifier(client_id=CLIENT["client_id"], tenant_id=TENANT, required_scopes=["read"], base_authority=urlsplit(ISSUER).netloc)
    return RemoteAuthProvider(token_verifier=verifier, authorization_servers=[AnyHttpUrl(ISSUER)], base_url=BASE)


TENANT = urlsplit(ISSUER).path.strip("/").split("/")[0]
PROVIDERS = {
    "remote": remote,
    "id-jag": id_jag,
    "auth0": product("auth0", "Auth0Provider", config_url=CONFIG, audience="api://notes", **CLIENT),
    "auth0-mcp": product("auth0", "Auth0MCPProvider", config_url=CONFIG),
    "authkit": product("workos", "AuthKitProvider", authkit_domain=ORIGIN),
    "azure": product("azure", "AzureProvider", tenant_id=TENANT, required_scopes=["read"], base_authority=urlsplit(ISSUER).netloc, **CLIENT),
    "azure-remote": azure_remote,
    "clerk": product("clerk", "ClerkProvider", domain=urlsplit(ISSUER).netloc, forward_resource=False, **CLIENT),
    "descope": product("descope", "DescopeProvider", config_url=CONFIG),
    "keycloak": product("keycloak", "KeycloakAuthProvider", realm_url=ISSUER, audience=BASE + "/mcp"),
    "oci": product("oci", "OCIProvider", config_url=CONFIG, **CLIENT),
    "propelauth": product("propelauth", "PropelAuthProvider", auth_url=ORIGIN, resource=BASE + "/mcp",
                          introspection_client_id=CLIENT["client_id"], introspection_client_secret=CLIENT["client_secret"]),
    "scalekit": product("scalekit", "ScalekitProvider", environment_url=ORIGIN, resource_id=ISSUER.rsplit("/", 1)[-1]),
    "supabase": product("supabase", "SupabaseProvider", project_url=ORIGIN, algorithm="RS256"),
    "workos": product("workos", "WorkOSProvider", authkit_domain=ORIGIN, **CLIENT),
}
mcp = FastMCP("py-fastmcp-providers", auth=PROVIDERS[os.environ["PROVIDER"]]())
NOTES = []


@mcp.tool
def list_notes() -> list[str]:
    """All notes."""
    return NOTES[-20:]


@mcp.tool
def whoami() -> dict:
    """Who is logged in."""
    token = get_access_token()
    return {"client": token.client_id, "subject": token.subject} if token else {}


class Announcing(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        print(f"READY {BASE}/mcp", flush=True)


Announcing(uvicorn.Config(mcp.http_app(), host="127.0.0.1", port=PORT, log_level="warning", timeout_graceful_shutdown=2)).run()
