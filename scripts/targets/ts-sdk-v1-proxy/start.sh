#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. The issuer is in UPSTREAM_ISSUER.
# REGISTER=1: clients register, and the provider behind is told (registrationUrl); without it two are known.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/ts-sdk-v1-proxy
cp "$here/server.mjs" "$dir"/
cd "$dir"
PORT=$port exec node server.mjs
