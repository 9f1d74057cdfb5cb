#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. The issuer is in UPSTREAM_ISSUER.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/mcp-framework
mkdir -p "$dir/dist"
cp -r "$here/tools" "$dir/dist/"
cp "$here/server.mjs" "$dir"/
cd "$dir"
PORT=$port exec node server.mjs
