#!/usr/bin/env bash
# Installs authgent-server.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 11 authgent-server==0.3.4
