#!/usr/bin/env bash
# Installs nextcloud-mcp-server.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 11 nextcloud-mcp-server==0.202.1
