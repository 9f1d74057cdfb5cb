"""An MCP server of the MCP SDK for Python that knows nothing of tokens: Apache in front of it does, and hands the claims on as headers."""
import sys

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

PORT = int(sys.argv[1])
mcp = MCPServer("behind-apache")


@mcp.tool()
def whoami(ctx: Context) -> str:
    """Who is logged in."""
    headers = ctx.request_context.request.headers
    return headers.get("oidc_claim_sub") or headers.get("oauth2_claim_sub") or "nobody"


uvicorn.run(mcp.streamable_http_app(), host="127.0.0.1", port=PORT, log_level="warning", timeout_graceful_shutdown=2)
