"""django-allauth as OpenID provider (allauth.idp.oidc) in a Django project of one file, with dynamic registration open, as its documentation
describes for MCP; everything else as the library has it. Ours: two people, and two scopes. JWT=1: access tokens are JWTs. CIMD=1: client metadata
documents."""
import os
import sys
from pathlib import Path

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

PORT = int(sys.argv[1])
STATE = Path(os.environ["TARGET_STATE"])
KEY = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

settings.configure(
    ACCOUNT_EMAIL_VERIFICATION="none",
    ACCOUNT_LOGIN_METHODS={"username"},
    ACCOUNT_RATE_LIMITS=False,
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend", "allauth.account.auth_backends.AuthenticationBackend"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": STATE / "db.sqlite3", "OPTIONS": {
        "timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF"}}},
    IDP_OIDC_ACCESS_TOKEN_FORMAT="jwt" if os.environ.get("JWT") == "1" else "opaque",
    IDP_OIDC_CIMD_ENABLED=os.environ.get("CIMD") == "1",
    IDP_OIDC_DCR_ENABLED=True,
    IDP_OIDC_DCR_REQUIRES_INITIAL_ACCESS_TOKEN=False,
    IDP_OIDC_INTROSPECTION_ENABLED=True,
    IDP_OIDC_PRIVATE_KEY=KEY.decode(),
    IDP_OIDC_RATE_LIMITS=False,  # three registrations a minute
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
                    "django.contrib.staticfiles", "allauth", "allauth.account", "allauth.idp.oidc"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware",
                "django.middleware.clickjacking.XFrameOptionsMiddleware", "allauth.account.middleware.AccountMiddleware"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # as Django advises for tests: the others take half a second each
    ROOT_URLCONF=__name__,
    SECRET_KEY="a-secret-of-the-target-for-tests-only-0123456789",
    STATIC_URL="/static/",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
        "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                               "django.contrib.messages.context_processors.messages"]}}],
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from waitress import create_server  # noqa: E402

urlpatterns = [path("accounts/", include("allauth.urls")), path("", include("allauth.idp.urls"))]

call_command("migrate", verbosity=0)
for name in ("alice", "mallory"):
    User.objects.create_user(name, f"{name}@example.com", f"{name}-password")
server = create_server(get_wsgi_application(), host="127.0.0.1", port=PORT, threads=8)
print(f"READY http://127.0.0.1:{PORT}", flush=True)
server.run()
