#!/usr/bin/env bash
# start.sh PORT   foreground. EXCHANGE=1 and UPSTREAM_ISSUER=<url> are optional (TARGET.md).
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd); name=$(basename "$here")
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/$name
stop() { kill ${pid:-} 2>/dev/null || true; wait 2>/dev/null || true; exit 0; }
trap stop TERM INT
cp "$here"/run.mjs "$here"/worker.js "$dir"/
cd "$dir"
PORT=$port node_modules/.bin/node run.mjs & pid=$!
wait "$pid"; stop
