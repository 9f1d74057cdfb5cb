#!/usr/bin/env bash
# Installs Django OAuth Toolkit, Django, and a server to run it in.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 12 django==6.1.3 django-oauth-toolkit==3.4.1 waitress==3.0.2
