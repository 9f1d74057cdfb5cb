#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. The issuer is in UPSTREAM_ISSUER. A stand-in for the
# Nextcloud behind it takes PORT+1 and knows whoever is in NEXTCLOUD_USERS. OFFLINE=1: with background operations, which have pages of
# their own to log in at. CLIENTS: ALLOWED_MCP_CLIENTS.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/nextcloud-mcp-server
py=$dir/venv/bin/python
issuer=${UPSTREAM_ISSUER:?the issuer of the identity provider}
state=$(mktemp -d)
stop() { kill ${pid:-} ${cloud:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$state"; exit 0; }
trap stop TERM INT
"$py" "$here/nextcloud.py" "$((port + 1))" >&2 & cloud=$!

export MCP_DEPLOYMENT_MODE=login_flow
export OIDC_DISCOVERY_URL=${issuer%/}/.well-known/openid-configuration
export NEXTCLOUD_OIDC_CLIENT_ID=${UPSTREAM_CLIENT_ID:-nextcloud-mcp-server}
export NEXTCLOUD_OIDC_CLIENT_SECRET=${UPSTREAM_CLIENT_SECRET:-nextcloud-mcp-secret}
export NEXTCLOUD_HOST=http://127.0.0.1:$((port + 1))
export NEXTCLOUD_MCP_SERVER_URL=http://127.0.0.1:$port
export TOKEN_STORAGE_DB=$state/tokens.db METRICS_ENABLED=false LOG_LEVEL=${LOG_LEVEL:-WARNING}
TOKEN_ENCRYPTION_KEY=$("$py" -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')
export TOKEN_ENCRYPTION_KEY
[ -z "${CLIENTS:-}" ] || export ALLOWED_MCP_CLIENTS=$CLIENTS
[ -z "${OFFLINE:-}" ] || export ENABLE_BACKGROUND_OPERATIONS=true
cd "$state"
"$dir/venv/bin/nextcloud-mcp-server" run --oauth --transport streamable-http --host 127.0.0.1 --port "$port" \
  --mcp-server-url "$NEXTCLOUD_MCP_SERVER_URL" --enable-app notes --log-level warning >&2 & pid=$!
for _ in $(seq 1 400); do
  kill -0 "$pid" 2>/dev/null || { echo "target exited early" >&2; stop; }
  if curl -sf -o /dev/null --max-time 1 "http://127.0.0.1:$port/health/live"; then
    # As its Nextcloud app would: each user's app password, so that tools reach the Nextcloud.
    for user in ${NEXTCLOUD_USERS:-user-alice user-mallory}; do
      curl -sf -o /dev/null -u "$user:stand-in-app-password" -X POST "http://127.0.0.1:$port/api/v1/users/$user/app-password" ||
        echo "no app password for $user" >&2
    done
    echo "READY http://127.0.0.1:$port/mcp"; break
  fi
  sleep 0.1
done
wait "$pid"; stop
