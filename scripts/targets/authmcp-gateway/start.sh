#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. Gateway on PORT, the MCP server behind it on PORT+1.
# SINGLE=1: a user has one token at a time, which is the default. ONE=1: the URL of the one server behind it, not of all.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
cache=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}
bin=$cache/authmcp-gateway/venv/bin
state=$cache/state/authmcp-gateway-$port
rm -rf "$state"; mkdir -p "$state"; cd "$state"
pids=()
stop() { kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; exit 0; }
trap stop TERM INT
export AUTH_SQLITE_PATH=$state/auth.db JWT_SECRET_KEY=a-secret-of-the-target-for-tests-only-0123456789
export MCP_PUBLIC_URL=http://127.0.0.1:$port RATE_LIMIT_ENABLED=false
# It looks up the hosts of client metadata documents while everything else waits: names that nobody knows must not take long.
export RES_OPTIONS="timeout:1 attempts:1"
# What its settings page stores; it goes before the environment.
echo "{\"system\": {\"allow_dcr\": true}, \"jwt\": {\"enforce_single_session\": $([ "${SINGLE:-}" = 1 ] && echo true || echo false)}}" >auth_settings.json
"$bin/authmcp-gateway" init-db --db-path "$AUTH_SQLITE_PATH" >&2
"$bin/python" "$here/configure.py" "$AUTH_SQLITE_PATH" "http://127.0.0.1:$((port + 1))/mcp" >&2
"$bin/python" "$here/backend.py" $((port + 1)) >&2 & pids+=($!)
"$bin/authmcp-gateway" start --host 127.0.0.1 --port "$port" --log-level WARNING >&2 & pids+=($!)
for _ in $(seq 1 300); do
  for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || { echo "target exited early" >&2; stop; }; done
  if curl -sf -o /dev/null --max-time 1 "http://127.0.0.1:$port/health" && curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$((port + 1))/mcp"; then
    echo "READY http://127.0.0.1:$port/mcp${ONE:+/notes}"; break
  fi
  sleep 0.1
done
wait -n "${pids[@]}"; stop
