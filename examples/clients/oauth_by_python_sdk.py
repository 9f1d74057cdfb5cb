"""An MCP client of the Python SDK (2.x) for `authspec run client.toml`: command = ["python", "oauth_by_python_sdk.py", "{url}"]."""

import asyncio
import sys
import webbrowser
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata


class Storage:
    """Keeps tokens and the registration for this run."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


async def main(url: str) -> None:
    answers = asyncio.Queue()

    async def callback(reader, writer):
        line = (await reader.readline()).decode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
        await writer.drain()
        writer.close()
        await answers.put(parse_qs(urlsplit(line.split(" ")[1]).query))

    server = await asyncio.start_server(callback, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def redirect(authorization_url: str) -> None:
        await asyncio.to_thread(webbrowser.open, authorization_url)

    async def answer() -> AuthorizationCodeResult:
        got = await answers.get()
        if "error" in got:
            raise RuntimeError(f"refused: {got['error'][0]}")
        return AuthorizationCodeResult(code=got["code"][0], state=got.get("state", [None])[0], iss=got.get("iss", [None])[0])

    provider = OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(
            client_name="authspec example",
            redirect_uris=[f"http://127.0.0.1:{port}/callback"],
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
        ),
        storage=Storage(),
        redirect_handler=redirect,
        callback_handler=answer,
        client_metadata_url="https://client.invalid/authspec-example.json",  # used with servers that take it
    )
    async with httpx2.AsyncClient(auth=provider, follow_redirects=True) as http:
        async with streamable_http_client(url, http_client=http) as (read, write):
            async with ClientSession(read, write) as session:
                await session.initialize()
                for tool in (await session.list_tools()).tools:
                    await session.call_tool(tool.name, {})


asyncio.run(main(sys.argv[1]))
