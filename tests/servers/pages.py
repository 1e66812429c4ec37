"""Apps that serve Monite's API to their pages, one for each adapter. `SERVED` chooses the one that a server finds as `app`.

The header `x-user` says who is logged in.
"""

import os
from collections.abc import Callable
from typing import Any

from monite_auth import Principal, Settings, TokenBroker
from tests.servers.people import PEOPLE


def person(user: str | None) -> Principal | None:
    return Principal(user, session_id="1") if user else None


def starlette_app() -> Any:
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Mount

    from monite_auth_starlette import MoniteAuthMiddleware, monite_app

    return Starlette(
        routes=[Mount("/monite", monite_app(api=True))],
        middleware=[
            Middleware(
                MoniteAuthMiddleware,
                broker=TokenBroker(Settings.from_env(), PEOPLE),
                identify=lambda connection: person(connection.headers.get("x-user")),
            )
        ],
    )


def litestar_app() -> Any:
    from litestar import Litestar, asgi
    from litestar.middleware import DefineMiddleware

    from monite_auth_asgi import MoniteAuthMiddleware, api_app

    broker = TokenBroker(Settings.from_env(), PEOPLE)

    def by_header(scope: Any) -> Principal | None:
        return person(dict(scope["headers"]).get(b"x-user", b"").decode())

    return Litestar(
        [asgi("/monite/api", is_mount=True, copy_scope=True)(api_app())],
        middleware=[DefineMiddleware(MoniteAuthMiddleware, broker=broker, identify=by_header)],  # type: ignore[arg-type]  # its own types of ASGI
        logging_config=None,
    )


def flask_app() -> Any:
    from flask import Flask, request

    from monite_auth_flask import MoniteAuth, monite_blueprint

    app = Flask(__name__)
    app.secret_key = "s"
    app.config["MAX_CONTENT_LENGTH"] = 1000  # is about forms
    MoniteAuth(app, directory=PEOPLE, identify=lambda: person(request.headers.get("x-user")))
    app.register_blueprint(monite_blueprint(api=True), url_prefix="/monite")
    return app


def by_django_header(request: Any) -> Principal | None:
    return person(request.headers.get("x-user"))


def set_django_up() -> None:
    import django
    from django.conf import settings
    from django.urls import include, path

    settings.configure(
        SECRET_KEY="for tests only, and as long as HMAC wants a key to be",
        ALLOWED_HOSTS=["127.0.0.1"],
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "monite_auth_django"],
        # What changes answers, in the order of Django's documentation.
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.gzip.GZipMiddleware",
            "django.middleware.http.ConditionalGetMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "monite_auth_django.middleware.MoniteAuthMiddleware",
        ],
        ROOT_URLCONF=type("urls", (), {"urlpatterns": [path("monite/", include("monite_auth_django.urls"))]}),
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        MONITE_AUTH={"API": True, "DIRECTORY": "tests.servers.people.PEOPLE", "IDENTIFY": by_django_header},
    )
    django.setup()


def django_under_wsgi() -> Any:
    from django.core.wsgi import get_wsgi_application

    set_django_up()
    return get_wsgi_application()


def django_under_asgi() -> Any:
    from django.core.asgi import get_asgi_application

    set_django_up()
    return get_asgi_application()


APPS: dict[str, Callable[[], Any]] = {
    "Starlette": starlette_app,
    "Litestar": litestar_app,
    "Flask": flask_app,
    "Django under WSGI": django_under_wsgi,
    "Django under ASGI": django_under_asgi,
}

if "SERVED" in os.environ:
    app = APPS[os.environ["SERVED"]]()
