"""The MCP server behind the gateway, of the Python SDK: one tool, no authorization."""
import sys

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("notes", host="127.0.0.1", port=int(sys.argv[1]), stateless_http=True, json_response=True, log_level="WARNING")


@mcp.tool()
def list_notes() -> str:
    """The notes."""
    return "one note"


mcp.run(transport="streamable-http")
