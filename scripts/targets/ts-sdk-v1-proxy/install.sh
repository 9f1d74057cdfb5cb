#!/usr/bin/env bash
# Installs the MCP SDK and express.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../npm" "$here"
