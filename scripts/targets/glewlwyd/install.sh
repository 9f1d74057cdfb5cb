#!/usr/bin/env bash
# Unpacks glewlwyd of Debian 12.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../debian" "$here" glewlwyd=2.7.5-3+deb12u1 glewlwyd-common=2.7.5-3+deb12u1 rnbyc=1.1.11-1 dbconfig-no-thanks libjs-jquery libjs-popper.js libjs-bootstrap4
