#!/usr/bin/env bash
# Installs this target from the npm registry into $TARGETS_CACHE/<name>: exact versions, in package.json.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); name=$(basename "$here")
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/$name
mkdir -p "$dir"
stamp=$(sha256sum <"$here/package.json" | cut -d' ' -f1)
if [ "$(cat "$dir/.installed" 2>/dev/null || true)" = "$stamp" ]; then echo "already installed: $dir"; exit 0; fi
cp "$here/package.json" "$dir/"
cd "$dir"
npm install --omit=dev --no-audit --no-fund --loglevel=error
echo "$stamp" > .installed
