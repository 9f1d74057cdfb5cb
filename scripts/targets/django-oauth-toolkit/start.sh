#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <issuer>`, ends on SIGTERM. STRICT=1: what the library offers of RFC 9700, and client metadata documents.
# RESOURCE_SERVER=<id>:<secret>: a client that may introspect.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}
export TARGET_STATE=$cache/state/django-oauth-toolkit-${1:?usage: start.sh PORT}
rm -rf "$TARGET_STATE"; mkdir -p "$TARGET_STATE"
exec "$cache/django-oauth-toolkit/venv/bin/python" -W ignore "$here/server.py" "$1"
