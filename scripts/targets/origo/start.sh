#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec "${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/origo/venv/bin/python" "$here/server.py" "${1:?usage: start.sh PORT}"
