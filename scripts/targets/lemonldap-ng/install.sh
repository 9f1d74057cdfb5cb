#!/usr/bin/env bash
# Unpacks LemonLDAP::NG of Debian 12 and a Perl web server for it.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../debian" "$here" liblemonldap-ng-portal-perl=2.16.1+ds-deb12u10 libcrypt-openssl-rsa-perl=0.33-3+b1 libstring-random-perl libio-string-perl starman=0.4016-1
