#!/usr/bin/env bash
# start.sh PORT   foreground, prints `READY <mcp-url>`, ends on SIGTERM. The issuer is in UPSTREAM_ISSUER.
# MODULE: auth_openidc (default; it wants an issuer over https, with CA_FILE) or oauth2. HOW: keys (default: JWTs by the key set of the issuer),
# introspection, or for oauth2 dpop: JWTs that are bound to a key, with its proof.
set -euo pipefail
port=${1:?usage: start.sh PORT}
here=$(cd "$(dirname "$0")" && pwd)
dir=${TARGETS_CACHE:-$HOME/.cache/authspec-targets}/apache
issuer=${UPSTREAM_ISSUER:?the issuer whose tokens it takes} module=${MODULE:-auth_openidc} how=${HOW:-keys}
base=http://127.0.0.1:$port
state=$(mktemp -d)
stop() { kill ${pid:-} ${behind:-} 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$state"; exit 0; }
trap stop TERM INT
for folder in "$dir"/root/usr/lib/*-linux-gnu; do export LD_LIBRARY_PATH=$folder; done
for _ in $(seq 1 150); do
  found=$(curl -sf ${CA_FILE:+--cacert "$CA_FILE"} --max-time 1 "$issuer/.well-known/openid-configuration") && break
  sleep 0.1
done
endpoint() { printf '%s' "$found" | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
keys=$(endpoint jwks_uri) introspection=$(endpoint introspection_endpoint)
client=${UPSTREAM_CLIENT_ID:-mcp-server} secret=${UPSTREAM_CLIENT_SECRET:-mcp-server-secret}
case $module-$how in
  auth_openidc-keys) verify="OIDCOAuthVerifyJwksUri $keys" ;;
  auth_openidc-introspection)
    verify="OIDCOAuthIntrospectionEndpoint $introspection
OIDCOAuthClientID $client
OIDCOAuthClientSecret $secret" ;;
  oauth2-keys) verify="OAuth2TokenVerify jwks_uri $keys verify.exp=required" ;;
  oauth2-dpop)
    verify="OAuth2TokenVerify jwks_uri $keys verify.exp=required&type=dpop
OAuth2AcceptTokenIn header name=Authorization&type=DPoP" ;;
  oauth2-introspection)
    verify="OAuth2TokenVerify introspect $introspection introspect.auth=client_secret_basic&client_id=$client&client_secret=$secret" ;;
  *) echo "MODULE=$module HOW=$how: not known" >&2; exit 2 ;;
esac
case $module in
  auth_openidc)
    type=oauth20 claim=claim verify="${CA_FILE:+OIDCCABundlePath $CA_FILE
}OIDCCryptoPassphrase $(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
$verify" ;;
  oauth2) type=oauth2 claim=oauth2_claim ;;
esac
proofs=""
[ "$how" != dpop ] || proofs=',"dpop_bound_access_tokens_required":true,"dpop_signing_alg_values_supported":["ES256","RS256"]'
mkdir -p "$state/www"
cat >"$state/www/resource.json" <<JSON
{"resource":"$base/mcp","authorization_servers":["$issuer"],"bearer_methods_supported":["header"]$proofs}
JSON
cat >"$state/apache.conf" <<CONF
ServerRoot $state
PidFile $state/apache.pid
DefaultRuntimeDir $state
Mutex file:$state
Listen 127.0.0.1:$port
ServerName 127.0.0.1:$port
ErrorLog /dev/stderr
LogLevel ${LOG_LEVEL:-error}
$(for name in mpm_event authn_core authz_core authz_user alias headers proxy proxy_http "$module"; do
  echo "LoadModule ${name}_module $dir/root/usr/lib/apache2/modules/mod_$name.so"
done)
$verify
<Directory "$state/www">
  Require all granted
</Directory>
# The resource metadata (RFC 9728) is a file; neither module makes it.
Alias /.well-known/oauth-protected-resource/mcp $state/www/resource.json
<Location /.well-known/oauth-protected-resource/mcp>
  ForceType application/json
</Location>
<Location /mcp>
  AuthType $type
  <RequireAll>
    Require $claim iss:$issuer
    Require $claim aud:$base/mcp
  </RequireAll>
</Location>
ProxyPass /mcp http://127.0.0.1:$((port + 1))/mcp
CONF
"$dir/venv/bin/python" "$here/server.py" "$((port + 1))" >&2 & behind=$!
if [ "$(id -u)" = 0 ]; then # it gives up root, and has to read its folder all the same
  printf 'User www-data\nGroup www-data\n' >>"$state/apache.conf"
  chmod -R a+rX "$state"
fi
"$dir/root/usr/sbin/apache2" -f "$state/apache.conf" -DFOREGROUND >&2 & pid=$!
for _ in $(seq 1 600); do
  kill -0 "$pid" 2>/dev/null && kill -0 "$behind" 2>/dev/null || { echo "target exited early" >&2; stop; }
  if curl -sf -o /dev/null --max-time 1 "$base/.well-known/oauth-protected-resource/mcp" &&
    [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 1 "http://127.0.0.1:$((port + 1))/mcp")" != 000 ]; then
    echo "READY $base/mcp"; break
  fi
  sleep 0.1
done
wait "$pid"; stop
