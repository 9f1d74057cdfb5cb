#!/usr/bin/env bash
# Installs what package.json names.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../npm" "$here"
