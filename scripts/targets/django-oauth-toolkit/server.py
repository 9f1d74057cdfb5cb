"""Django OAuth Toolkit in a Django project of one file, mounted at the root, with dynamic registration open; everything else as the
library has it. Ours: the login page, which it wants from its user, and two people. STRICT=1 switches on what it offers of RFC 9700,
and client metadata documents."""
import os
import sys
from pathlib import Path

import django
from django.conf import settings

PORT = int(sys.argv[1])
STATE = Path(os.environ["TARGET_STATE"])
STRICT = os.environ.get("STRICT") == "1"
GATES = ["IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD", "ACCESS_TOKEN_TRANSPORT", "AUTHZ_RESPONSE_ISS", "TOKEN_STORAGE", "REFRESH_TOKEN"]
LOGIN = """<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1>
<form method="post">{% csrf_token %}{{ form.as_p }}<button>Sign in</button></form></html>"""

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": STATE / "db.sqlite3", "OPTIONS": {
        "timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF"}}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
                    "django.contrib.staticfiles", "oauth2_provider"],
    LOGIN_URL="/login/",
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware",
                "django.middleware.clickjacking.XFrameOptionsMiddleware"],
    OAUTH2_PROVIDER={
        "DCR_ENABLED": True,
        "DCR_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.dcr.AllowAllDCRPermission",),
        "SCOPES": {"notes:read": "Read your notes", "notes:write": "Write your notes"},
        **({"CIMD_ENABLED": True, "REFRESH_TOKEN_REUSE_PROTECTION": True} | {f"COMPLIANT_BCP_RFC9700_{gate}": True for gate in GATES} if STRICT else {}),
    },
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # as Django advises for tests: the others take half a second each
    ROOT_URLCONF=__name__,
    SECRET_KEY="a-secret-of-the-target-for-tests-only-0123456789",
    STATIC_URL="/static/",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "DIRS": [STATE], "OPTIONS": {
        "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]}}],
    USE_TZ=True,
)
(STATE / "registration").mkdir(exist_ok=True)
(STATE / "registration" / "login.html").write_text(LOGIN)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402
from waitress import create_server  # noqa: E402

urlpatterns = [path("login/", LoginView.as_view()), path("", include("oauth2_provider.urls", namespace="oauth2_provider"))]

call_command("migrate", verbosity=0)
for name in ("alice", "mallory"):
    User.objects.create_user(name, f"{name}@example.com", f"{name}-password")
if os.environ.get("RESOURCE_SERVER"):
    name, secret = os.environ["RESOURCE_SERVER"].split(":")
    Application.objects.create(client_id=name, client_secret=secret, client_type="confidential", authorization_grant_type="client-credentials")
server = create_server(get_wsgi_application(), host="127.0.0.1", port=PORT, threads=8)
print(f"READY http://127.0.0.1:{PORT}", flush=True)
server.run()
