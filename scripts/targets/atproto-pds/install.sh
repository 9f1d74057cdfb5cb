#!/usr/bin/env bash
# Installs this target from the npm registry into $TARGETS_CACHE/<name>: exact versions, in package.json; first a Node of its own, because its
# SQLite is compiled for the Node that installs it (some minutes).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); name=$(basename "$here")
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/$name
version=22.23.3
mkdir -p "$dir/node"
stamp=$( (cat "$here/package.json"; echo "$version") | sha256sum | cut -d' ' -f1)
if [ "$(cat "$dir/.installed" 2>/dev/null || true)" = "$stamp" ]; then echo "already installed: $dir"; exit 0; fi
cd "$dir/node"
echo '{ "private": true }' > package.json
npm install --no-audit --no-fund --loglevel=error "node@$version"
headers=$(find "$dir/node" -type d -path '*node-linux*/include/node' -print -quit)
cp "$here/package.json" "$dir/"
cd "$dir"
PATH=$dir/node/node_modules/.bin:$PATH npm_config_nodedir=${headers%/include/node} npm install --omit=dev --no-audit --no-fund --loglevel=error
echo "$stamp" > .installed
