#!/usr/bin/env bash
# Installs express-oauth2-jwt-bearer and the MCP SDK for TypeScript.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../npm" "$here"
