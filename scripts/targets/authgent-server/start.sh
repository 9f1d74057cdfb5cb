#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <issuer>`, ends on SIGTERM. A bare authorization server: consent by its page, users of its own.
set -euo pipefail
port=${1:?usage: start.sh PORT}
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/authgent-server
state=$(mktemp -d)
stop() { kill ${pid:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$state"; exit 0; }
trap stop TERM INT
cd "$state"
AUTHGENT_SECRET_KEY=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
export AUTHGENT_SECRET_KEY AUTHGENT_SERVER_URL=http://127.0.0.1:$port AUTHGENT_CONSENT_MODE=ui AUTHGENT_PORT=$port AUTHGENT_HOST=127.0.0.1
export AUTHGENT_SCOPES_SUPPORTED='["notes:read","notes:write"]' AUTHGENT_DATABASE_URL=sqlite+aiosqlite:///$state/authgent.db
# Ten registrations and a hundred token requests a minute for each address are its default.
[ -z "${UNLIMITED:-}" ] || export AUTHGENT_REGISTER_RATE_LIMIT=100000 AUTHGENT_TOKEN_RATE_LIMIT=100000
"$dir/venv/bin/authgent-server" init >&2 || true
for user in alice mallory; do "$dir/venv/bin/authgent-server" create-user --username "$user" --password "password-of-$user" >&2; done
"$dir/venv/bin/authgent-server" run --host 127.0.0.1 --port "$port" >&2 & pid=$!
for _ in $(seq 1 300); do
  kill -0 "$pid" 2>/dev/null || { echo "target exited early" >&2; stop; }
  if curl -sf -o /dev/null --max-time 1 "http://127.0.0.1:$port/.well-known/oauth-authorization-server"; then
    echo "READY http://127.0.0.1:$port"; break
  fi
  sleep 0.1
done
wait "$pid"; stop
