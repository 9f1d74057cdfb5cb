#!/usr/bin/env bash
# start.sh PORT   foreground.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd); name=$(basename "$here")
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/$name
cp "$here/server.mjs" "$dir"/
cd "$dir"
PORT=$port exec node_modules/.bin/node server.mjs
