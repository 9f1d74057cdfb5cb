"""MCP Auth for Python (PyPI mcpauth) before an MCP server of the Python SDK, as its documentation shows: its metadata route and its bearer
middleware in mode "jwt", for the issuer in UPSTREAM_ISSUER. AUDIENCE=0 leaves the audience out, which is its default."""
import os
import sys
from contextlib import asynccontextmanager

import uvicorn
from mcp.server import MCPServer
from mcpauth import MCPAuth
from mcpauth.config import AuthServerType
from mcpauth.utils import fetch_server_config
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

PORT = int(sys.argv[1])
RESOURCE = f"http://127.0.0.1:{PORT}/mcp"
auth = MCPAuth(server=fetch_server_config(os.environ["UPSTREAM_ISSUER"], AuthServerType.OIDC))
mcp = MCPServer("py-mcpauth")


@mcp.tool()
def whoami() -> str:
    """Who is logged in."""
    return auth.auth_info.subject if auth.auth_info else "nobody"


bearer = auth.bearer_auth_middleware("jwt", audience=RESOURCE if os.environ.get("AUDIENCE") != "0" else None)
served = mcp.streamable_http_app()


@asynccontextmanager
async def lifespan(_):
    async with mcp.session_manager.run():
        yield


app = Starlette(routes=[auth.metadata_route(), Mount("/", app=served, middleware=[Middleware(bearer)])], lifespan=lifespan)


class Announcing(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        print(f"READY {RESOURCE}", flush=True)


Announcing(uvicorn.Config(app, host="127.0.0.1", port=PORT, log_level="warning", timeout_graceful_shutdown=2)).run()
