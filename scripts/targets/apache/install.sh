#!/usr/bin/env bash
# Unpacks Apache of Debian 12 with mod_auth_openidc and mod_oauth2, and installs the MCP server that it stands in front of.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/../debian" "$here" apache2-bin=2.4.71-1~deb12u1 libapache2-mod-auth-openidc=2.4.12.3-2+deb12u5 libapache2-mod-oauth2=3.3.1-1
exec "$here/../venv" "$here" 11 mcp==2.3.0
