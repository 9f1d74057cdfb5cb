#!/usr/bin/env bash
# Installs the MCP SDK for Python.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 10 mcp==2.3.0 python-multipart==0.0.34
