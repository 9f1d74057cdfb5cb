#!/usr/bin/env bash
# Installs PyPI mcp 2.3.0, the MCP SDK, into $TARGETS_CACHE/py-sdk-auth (a venv). Safe to run again.
set -euo pipefail
VERSION=2.3.0
VENV=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/py-sdk-auth/venv
[ "$(cat "$VENV/.ok" 2>/dev/null || true)" = "$VERSION" ] && { echo "$VENV"; exit 0; }
PY=${PYTHON:-}
if [ -z "$PY" ]; then
  for c in "$HOME"/.pyenv/versions/3.1[1-4]*/bin/python3 python3.13 python3.12 python3.11 python3; do
    if command -v "$c" >/dev/null 2>&1 && "$c" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then PY=$c; fi
  done
fi
mkdir -p "$(dirname "$VENV")"
rm -rf "$VENV"
"$PY" -m venv "$VENV"
"$VENV/bin/python" -m pip install -q --disable-pip-version-check "mcp==$VERSION" python-multipart
echo "$VERSION" > "$VENV/.ok"
echo "$VENV"
