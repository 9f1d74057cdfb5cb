#!/usr/bin/env bash
# Installs django-allauth with what its OpenID provider wants, Django, and a server to run it in.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../venv" "$here" 12 'django-allauth[idp-oidc]==65.21.1' django==6.1.3 oauthlib==4.0.1 requests==2.34.2 waitress==3.0.2
