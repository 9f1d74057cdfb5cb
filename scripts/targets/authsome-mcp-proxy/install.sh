#!/usr/bin/env bash
# Installs authsome-mcp-proxy.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 11 authsome-mcp-proxy==0.8.0 fastmcp==4.1.2
