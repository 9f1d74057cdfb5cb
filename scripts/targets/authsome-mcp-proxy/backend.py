"""The MCP server behind the proxy: takes tokens of the issuer in UPSTREAM_ISSUER for the audience in AUDIENCE, and nothing else."""
import os
import sys

from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import JWTVerifier

issuer = os.environ["UPSTREAM_ISSUER"]
mcp = FastMCP("behind", auth=JWTVerifier(jwks_uri=issuer.rstrip("/") + "/jwks", issuer=issuer, audience=os.environ["AUDIENCE"]))


@mcp.tool
def echo(text: str) -> str:
    """Gives the text back."""
    return text


mcp.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), path="/mcp", show_banner=False, log_level="warning")
