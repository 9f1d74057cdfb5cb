"""FastMCP with the authentication provider named in PROVIDER (start.sh), as its documentation shows each."""
import os
import sys

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import IdentityAssertion, RemoteAuthProvider
from fastmcp.server.auth.oidc_proxy import OIDCProxy
from fastmcp.server.auth.providers.auth0 import Auth0MCPProvider, Auth0Provider
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from fastmcp.server.dependencies import get_access_token
from pydantic import AnyHttpUrl

PORT = int(sys.argv[1])
BASE = f"http://127.0.0.1:{PORT}"
ISSUER = os.environ.get("UPSTREAM_ISSUER", "")
CONFIG = ISSUER.rstrip("/") + "/.well-known/openid-configuration"
CLIENT = {"client_id": os.environ.get("UPSTREAM_CLIENT_ID", "fastmcp-upstream-client"),
          "client_secret": os.environ.get("UPSTREAM_CLIENT_SECRET", "fastmcp-upstream-secret")}


def remote():
    server = f"http://127.0.0.1:{PORT + 1}"
    name, secret = os.environ["RESOURCE_SERVER"].split(":")
    verifier = IntrospectionTokenVerifier(
        introspection_url=server + "/introspect/", client_id=name, client_secret=secret, audience=BASE + "/mcp", required_scopes=["notes:read"])
    return RemoteAuthProvider(token_verifier=verifier, authorization_servers=[AnyHttpUrl(server)], base_url=BASE)


def auth0():
    return Auth0Provider(config_url=CONFIG, base_url=BASE, audience="api://notes", **CLIENT)


def auth0_mcp():
    return Auth0MCPProvider(config_url=CONFIG, base_url=BASE)


def id_jag():
    return OIDCProxy(config_url=CONFIG, base_url=BASE, identity_assertion=IdentityAssertion(trusted_issuers=[ISSUER]), **CLIENT)


mcp = FastMCP("py-fastmcp-providers", auth={"remote": remote, "auth0": auth0, "auth0-mcp": auth0_mcp, "id-jag": id_jag}[os.environ["PROVIDER"]]())
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
