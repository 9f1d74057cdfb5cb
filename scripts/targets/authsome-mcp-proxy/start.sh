#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. The issuer is in UPSTREAM_ISSUER. The MCP server behind takes PORT+1.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
venv=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/authsome-mcp-proxy/venv
export UPSTREAM_ISSUER=${UPSTREAM_ISSUER:?the issuer of the identity provider} AUDIENCE=${AUDIENCE:-http://127.0.0.1:$port/mcp}
state=$(mktemp -d)
stop() { kill ${pid:-} ${behind:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$state"; exit 0; }
trap stop TERM INT
export HOME=$state FASTMCP_HOME=$state/fastmcp FASTMCP_CHECK_FOR_UPDATES=off
"$venv/bin/python" "$here/backend.py" "$((port + 1))" >&2 & behind=$!
"$venv/bin/authsome-mcp-proxy" --transport http --host 127.0.0.1 --port "$port" --proxy-base-url "http://127.0.0.1:$port" \
  --inbound-auth-provider oidc --oidc-issuer-url "$UPSTREAM_ISSUER" --oidc-client-id "${UPSTREAM_CLIENT_ID:-fastmcp-upstream-client}" \
  --oidc-client-secret "${UPSTREAM_CLIENT_SECRET:-fastmcp-upstream-secret}" --oidc-scopes openid --audience "$AUDIENCE" \
  "http://127.0.0.1:$((port + 1))/mcp" >&2 & pid=$!
for _ in $(seq 1 400); do
  kill -0 "$pid" 2>/dev/null || { echo "target exited early" >&2; stop; }
  if curl -sf -o /dev/null --max-time 1 "http://127.0.0.1:$port/.well-known/oauth-protected-resource/mcp" &&
     curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$((port + 1))/mcp"; then
    echo "READY http://127.0.0.1:$port/mcp"; break
  fi
  sleep 0.1
done
wait "$pid"; stop
