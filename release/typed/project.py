"""The settings of a Django project, for the plugin of django-stubs."""

SECRET_KEY = "of nobody"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "monite_auth_django",
]
USE_TZ = True
