#!/usr/bin/env bash
# Installs origo and the MCP SDK for Python.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 12 origo==0.3.0 mcp==2.3.0
