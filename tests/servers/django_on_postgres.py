"""The settings of the Django example, but for its database: PostgreSQL, at the URL in `APP_DATABASE`."""

import os
from urllib.parse import urlsplit

from examples.django_app.settings import *  # noqa: F403 - all but the database

_place = urlsplit(os.environ["APP_DATABASE"])

DATABASES["default"] = {  # noqa: F405 - the example's
    "ENGINE": "django.db.backends.postgresql",
    "HOST": str(_place.hostname),
    "PORT": str(_place.port),
    "USER": str(_place.username),
    "NAME": _place.path.removeprefix("/"),
}
