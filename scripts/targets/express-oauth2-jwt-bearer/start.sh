#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. The issuer is in UPSTREAM_ISSUER. DPOP=1: bound tokens only.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/express-oauth2-jwt-bearer
cp "$here/server.mjs" "$dir"/
cd "$dir"
PORT=$port exec node server.mjs
