#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. The issuer is in UPSTREAM_ISSUER. AUDIENCE=0: no audience is checked.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec "${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/py-mcpauth/venv/bin/python" "$here/server.py" "${1:?usage: start.sh PORT}"
