"""Wraps the unchanged example apps for the tests, so that a test can choose and see the worker that serves a request.

Every answer names its worker in `X-Worker`. A request can name one in `X-For-Worker`. Every other worker refuses that
request with 421 before the app sees it. Only servers import this module; each function imports only what it needs.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

EXAMPLES = {
    "fastapi_app": "fastapi_app",
    "flask_app": "flask_app()",
    "django_app under WSGI": "django_under_wsgi()",
    "django_app under ASGI": "django_under_asgi",
}


def flask_app() -> Any:
    from examples.flask_app.app import create_app

    return wsgi_door(create_app())


def django_under_wsgi() -> Any:
    from django.core.wsgi import get_wsgi_application

    return wsgi_door(get_wsgi_application())


def django_under_asgi() -> Any:
    from django.core.asgi import get_asgi_application

    return asgi_door(get_asgi_application())


def fastapi_app() -> Any:
    from examples.fastapi_app.app import app

    return asgi_door(app)


def wsgi_door(app: Any) -> Any:
    def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        worker = str(os.getpid())
        if environ.get("HTTP_X_FOR_WORKER", worker) != worker:
            environ["wsgi.input"].read()
            start_response("421 Misdirected Request", [("X-Worker", worker), ("Content-Length", "0")])
            return []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("X-Worker", worker)], *rest)

        answer: Iterable[bytes] = app(environ, start)
        return answer

    return served


def asgi_door(app: Any) -> Any:
    async def served(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        worker = str(os.getpid()).encode()
        if dict(scope["headers"]).get(b"x-for-worker", worker) != worker:
            while (await receive()).get("more_body"):
                pass
            headers = [(b"x-worker", worker), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 421, "headers": headers})
            await send({"type": "http.response.body"})
            return

        async def say(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-worker", worker)]}
            await send(message)

        await app(scope, receive, say)

    return served
