#!/usr/bin/env bash
# Installs PyPI nextcloud-mcp-server 0.202.1 into $TARGETS_CACHE/nextcloud-mcp-server (a venv). Safe to run again.
set -euo pipefail
VERSION=0.202.1
VENV=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/nextcloud-mcp-server/venv
[ "$(cat "$VENV/.ok" 2>/dev/null || true)" = "$VERSION" ] && { echo "$VENV"; exit 0; }
PY=${PYTHON:-}
if [ -z "$PY" ]; then
  for c in "$HOME"/.pyenv/versions/3.1[1-4]*/bin/python3 python3.13 python3.12 python3.11 python3; do
    if command -v "$c" >/dev/null 2>&1 && "$c" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then PY=$c; fi
  done
fi
mkdir -p "$(dirname "$VENV")"
rm -rf "$VENV"
"$PY" -m venv "$VENV"
"$VENV/bin/python" -m pip install -q --disable-pip-version-check "nextcloud-mcp-server==$VERSION"
echo "$VERSION" > "$VENV/.ok"
echo "$VENV"
