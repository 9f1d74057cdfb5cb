#!/usr/bin/env bash
# start.sh PORT   foreground; PORT+1 is its directory of identities.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd); name=$(basename "$here")
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/$name
cp "$here/server.mjs" "$dir"/
cd "$dir"
PORT=$port exec node/node_modules/.bin/node server.mjs
