"""The settings of the example. An arrow marks the lines that monite-auth adds to a usual Django project."""

import os
from pathlib import Path

SECRET_KEY = os.environ["APP_SECRET"]
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "examples.django_app.urls"
LOGIN_URL = "/login"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "monite_auth_django",  # <-
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "monite_auth_django.middleware.MoniteAuthMiddleware",  # <-
    "examples.django_app.sorry.SorryMiddleware",  # after ours, so that it sees errors first
]
MONITE_AUTH = {  # <- the rest comes from the environment: MONITE_CLIENT_ID, MONITE_CLIENT_SECRET, …
    "IDENTIFY": "examples.django_app.who.who",
    "API": True,  # pages call Monite's API through this app, and have no token
}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "OPTIONS": {"environment": "examples.django_app.environment.environment"},
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("APP_DATABASE", Path(__file__).parent / "db.sqlite3"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"django.server": {"level": "ERROR"}},  # a line for each request would hide other messages
}
