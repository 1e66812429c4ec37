"""The test project."""

import json
import os

SECRET_KEY = "for tests only, and as long as HMAC wants a key to be"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
ROOT_URLCONF = "tests.django.project.urls"
LOGIN_URL = "/login"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "rest_framework.authtoken",
    "hijack",
    "impersonate",
    "tests.django.people",
    "monite_auth_django",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "monite_auth_django.middleware.MoniteAuthMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = json.loads(os.environ.get("TEST_DATABASES", "null")) or {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_USER_MODEL = os.environ.get("TEST_USER_MODEL", "auth.User")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The proxy model needs migrations. A user model that a test swaps in has none.
MIGRATION_MODULES = {} if AUTH_USER_MODEL == "auth.User" else {"people": None}
