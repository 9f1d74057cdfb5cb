"""origo (PyPI) before an MCP server of the Python SDK, as its quick-start shows: its OAuth application at the root, its middleware before the
MCP endpoint, dynamic registration on, everything else by default but for the store, which is in memory."""
import sys
from contextlib import asynccontextmanager

import uvicorn
from mcp.server import MCPServer
from origo import OAuthMiddleware, OAuthProvider
from starlette.applications import Starlette
from starlette.routing import Mount, Route

PORT = int(sys.argv[1])
BASE = f"http://127.0.0.1:{PORT}"
auth = OAuthProvider(base_url=BASE, public_registration=True, storage_path=None, scopes_supported=["notes:read", "notes:write", "openid"])
mcp = MCPServer("origo")


@mcp.tool()
def list_notes() -> list[str]:
    """All notes."""
    return []


served = mcp.streamable_http_app()
served.add_middleware(OAuthMiddleware, provider=auth)


@asynccontextmanager
async def lifespan(_):
    async with mcp.session_manager.run():
        yield


app = Starlette(routes=[Route("/mcp", served), Mount("/", app=auth.asgi_app())], lifespan=lifespan)


class Announcing(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        print(f"READY {BASE}/mcp", flush=True)


Announcing(uvicorn.Config(app, host="127.0.0.1", port=PORT, log_level="warning", timeout_graceful_shutdown=2)).run()
