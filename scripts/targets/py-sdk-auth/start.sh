#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. TRUSTED_ISSUER: whose identity assertions are taken; none by default.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec "${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/py-sdk-auth/venv/bin/python" -W ignore "$here/server.py" "${1:?usage: start.sh PORT}"
