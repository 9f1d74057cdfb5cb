#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <issuer>`, ends on SIGTERM. JWT=1: access tokens are JWTs. CIMD=1: client metadata documents.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}
export TARGET_STATE=$cache/state/django-allauth-${1:?usage: start.sh PORT}
rm -rf "$TARGET_STATE"; mkdir -p "$TARGET_STATE"
exec "$cache/django-allauth/venv/bin/python" -W ignore "$here/server.py" "$1"
