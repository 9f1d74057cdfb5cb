#!/usr/bin/env bash
# Installs MCP Auth and the MCP SDK for Python.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 10 mcpauth==0.1.1 mcp==2.3.0
