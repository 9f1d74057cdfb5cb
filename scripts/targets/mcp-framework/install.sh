#!/usr/bin/env bash
# Installs mcp-framework and the MCP SDK that it wants beside it.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../npm" "$here"
