#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <issuer>`, ends on SIGTERM. A bare authorization server, issuer http://127.0.0.1:PORT/api/oidc.
# DPOP_NONCE=1: nonces are demanded of DPoP. PAR=1: requests must be pushed.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/glewlwyd/root
state=$(mktemp -d)
stop() { kill ${pid:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$state"; exit 0; }
trap stop TERM INT
for folder in "$dir"/usr/lib/*-linux-gnu; do export LD_LIBRARY_PATH=$folder; done
zcat "$dir/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz" | sqlite3 "$state/glewlwyd.db"
cp -rL "$dir/usr/share/glewlwyd/webapp" "$state/webapp" 2>/dev/null || true
cp "$dir/usr/share/glewlwyd/templates/config.json" "$state/webapp/config.json"
# The sample configuration of the package, with its places and addresses, SQLite, and cookies over plain http.
zcat "$dir/usr/share/doc/glewlwyd/glewlwyd.conf.sample.gz" | sed \
  -e "s|^port=.*|port=$port|" -e 's|^#bind_address=|bind_address=|' -e "s|^external_url=.*|external_url=\"http://127.0.0.1:$port\"|" \
  -e "s|^static_files_path=.*|static_files_path=\"$state/webapp/\"|" -e "s|/usr/lib/glewlwyd|$dir/usr/lib/glewlwyd|" \
  -e 's|^cookie_domain=.*|cookie_domain="127.0.0.1"|' -e 's|^cookie_secure=.*|cookie_secure=0|' \
  -e "s|/var/cache/glewlwyd/glewlwyd.db|$state/glewlwyd.db|" -e 's|^log_level=.*|log_level="WARNING"|' >"$state/glewlwyd.conf"
"$dir/usr/bin/rnbyc" -j -g rsa2048 -k key-1 -a RS256 -o "$state/keys.json" -p /dev/null >/dev/null
"$dir/usr/bin/glewlwyd" --config-file="$state/glewlwyd.conf" >&2 & pid=$!
for _ in $(seq 1 600); do
  kill -0 "$pid" 2>/dev/null || { echo "target exited early" >&2; stop; }
  if curl -sf -o /dev/null --max-time 1 "http://127.0.0.1:$port/config"; then
    python3 "$here/configure.py" "http://127.0.0.1:$port" "$state/keys.json" >&2 || { echo "it could not be configured" >&2; kill "$pid"; stop; }
    echo "READY http://127.0.0.1:$port/api/oidc"; break
  fi
  sleep 0.1
done
wait "$pid"; stop
