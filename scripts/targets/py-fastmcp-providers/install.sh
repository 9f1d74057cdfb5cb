#!/usr/bin/env bash
# Installs fastmcp, and for the authorization server of PROVIDER=remote the target beside this one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/../django-oauth-toolkit/install.sh"
# 4.1.6 asks for a certifi newer than any that is published: its two wheels alone, and then what they require.
venv=$("$here/../venv" "$here" 10 "--no-deps" fastmcp==4.1.6 fastmcp-slim==4.1.6)
[ ! -f "$venv/.all" ] || exit 0
"$venv/bin/python" - >"$venv/requirements.txt" <<'P'
from importlib.metadata import requires
from pip._vendor.packaging.requirements import Requirement
for text in requires("fastmcp-slim"):
    r = Requirement(text)
    if r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in ("client", "server")):
        print(r.name if r.name == "certifi" else f"{r.name}{'[' + ','.join(sorted(r.extras)) + ']' if r.extras else ''}{r.specifier}")
P
"$venv/bin/python" -m pip install -q --disable-pip-version-check mcp==2.3.0 -r "$venv/requirements.txt"
touch "$venv/.all"
