#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <issuer>`, ends on SIGTERM. A bare authorization server.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/lemonldap-ng/root
state=$(mktemp -d)
stop() { kill ${pid:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$state"; exit 0; }
trap stop TERM INT
PERL5LIB=$dir/usr/share/perl5
for folder in "$dir"/usr/lib/*-linux-gnu; do PERL5LIB=$PERL5LIB:$(echo "$folder"/perl5/5.*); export LD_LIBRARY_PATH=$folder; done
export PERL5LIB LLNG_STATIC=$dir/usr/share/lemonldap-ng/portal/htdocs/static LLNG_DEFAULTCONFFILE=$state/lemonldap-ng.ini
mkdir -p "$state"/{conf,cache,sessions/lock,psessions/lock}
sed -e "s|/var/lib/lemonldap-ng|$state|" -e "s|/usr/share/lemonldap-ng|$dir/usr/share/lemonldap-ng|" "$dir/etc/lemonldap-ng/lemonldap-ng.ini" >"$LLNG_DEFAULTCONFFILE"
python3 "$here/configure.py" "$dir/var/lib/lemonldap-ng/conf/lmConf-1.json" "$state" "$port"
perl "$dir/usr/bin/starman" --workers 1 --disable-keepalive --listen "127.0.0.1:$port" "$here/app.psgi" >&2 & pid=$!
for _ in $(seq 1 300); do
  kill -0 "$pid" 2>/dev/null || { echo "target exited early" >&2; stop; }
  if curl -sf -o /dev/null --max-time 5 "http://127.0.0.1:$port/.well-known/openid-configuration"; then echo "READY http://127.0.0.1:$port/"; break; fi
  sleep 0.1
done
wait "$pid"; stop
