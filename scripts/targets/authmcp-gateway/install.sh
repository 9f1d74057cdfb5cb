#!/usr/bin/env bash
# Installs AuthMCP Gateway and the MCP SDK for Python, with which the server behind it is written.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 12 authmcp-gateway==1.2.74 mcp==1.28.1 uvicorn==0.51.0 starlette==1.3.1 pyjwt==2.13.0
