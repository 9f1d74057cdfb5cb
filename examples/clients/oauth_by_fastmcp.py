"""An MCP client of FastMCP for `authspec run client.toml`: command = ["python", "examples/clients/oauth_by_fastmcp.py", "{url}"]."""

import asyncio
import sys

from fastmcp import Client


async def main(url: str) -> None:
    async with Client(url, auth="oauth") as client:
        for tool in await client.list_tools():
            await client.call_tool(tool.name, {})


asyncio.run(main(sys.argv[1]))
