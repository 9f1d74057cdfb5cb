#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. PROVIDER is one of
#   remote      RemoteAuthProvider; the authorization server is Django OAuth Toolkit on PORT+1, with STRICT=1
#   auth0       Auth0Provider before the issuer in UPSTREAM_ISSUER, for the client UPSTREAM_CLIENT_ID with UPSTREAM_CLIENT_SECRET
#   auth0-mcp   Auth0MCPProvider, which takes tokens of UPSTREAM_ISSUER
#   id-jag      OIDCProxy before UPSTREAM_ISSUER, which it trusts for identity assertions as well
#   authkit, azure, azure-remote, clerk, descope, keycloak, oci, propelauth, scalekit, supabase, workos
#               the provider for that product, with UPSTREAM_ISSUER in the place of the product
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}
port=${1:?usage: start.sh PORT} other=
export TARGET_STATE=$cache/state/py-fastmcp-providers-$port FASTMCP_LOG_LEVEL=${FASTMCP_LOG_LEVEL:-WARNING} FASTMCP_CHECK_FOR_UPDATES=off
rm -rf "$TARGET_STATE"; mkdir -p "$TARGET_STATE"
export FASTMCP_HOME=$TARGET_STATE/home
stop() { kill ${pid:-} ${other:-} 2>/dev/null || true; wait 2>/dev/null || true; exit 0; }
trap stop TERM INT
if [ "${PROVIDER:?}" = remote ]; then
  export RESOURCE_SERVER=mcp-server:mcp-server-secret-for-tests-only STRICT=1
  "$here/../django-oauth-toolkit/start.sh" $((port + 1)) >/dev/null & other=$!
  for _ in $(seq 1 1200); do curl -sf -o /dev/null --max-time 2 "http://127.0.0.1:$((port + 1))/.well-known/oauth-authorization-server" && break; sleep 0.1; done
fi
"$cache/py-fastmcp-providers/venv/bin/python" -W ignore "$here/server.py" "$port" & pid=$!
wait "$pid"; stop
