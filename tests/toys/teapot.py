"""Teapot: an imaginary web framework, with what each of them has: routes, hooks, sessions, and a test client."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

__all__ = ["Request", "Response", "Teapot", "Visitor"]


@dataclass
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names are in lower case."""
    session: dict[str, Any]
    state: dict[str, Any] = field(default_factory=dict)
    """For extensions."""
    body: bytes = b""
    query_string: str = ""
    """The query as it was sent."""


@dataclass
class Response:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Any) -> "Response":
        if isinstance(content, cls):
            return content
        text = content if isinstance(content, str) else json.dumps(content)
        return cls(text.encode(), headers={"Content-Length": str(len(text.encode()))})


View = Callable[[Request], Any]


class Teapot:
    """Calls `before` hooks, a view, and `after` hooks. An `on_error` hook may return the response for an exception."""

    def __init__(self) -> None:
        self.before: list[Callable[[Request], None]] = []
        self.after: list[Callable[[Request, Response], None]] = []
        self.on_error: list[Callable[[Request, Exception], Response | None]] = []
        self.sessions: dict[str, dict[str, Any]] = {}
        self._routes: dict[str, View] = {}

    def route(self, path: str, view: View) -> None:
        """Have a view answer for a path, or for all that begin with it where it ends with a slash."""
        self._routes[path] = view

    def handle(self, request: Request) -> Response:
        try:
            for arrives in self.before:
                arrives(request)
            response = Response.of(self._view(request.path)(request))
        except Exception as error:  # noqa: BLE001 - as frameworks do
            answers = [hook(request, error) for hook in self.on_error]
            response = next((each for each in answers if each is not None), None) or Response(b"Oh.", 500)
        for leaves in self.after:
            leaves(request, response)
        return response

    def _view(self, path: str) -> View:
        found = [each for each in self._routes if path == each or (each[-1] == "/" and path.startswith(each))]
        return self._routes[max(found, key=len)]


class Visitor:
    """A browser: it keeps its session's cookie. The framework gives a session another key whenever it has changed."""

    def __init__(self, app: Teapot) -> None:
        self._app = app
        self.cookie: str | None = None

    def send(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[Response, bool]:
        """Return the response, and whether it has set a cookie."""
        before = self._app.sessions.get(self.cookie or "", {})
        session = dict(before)
        named = {name.lower(): value for name, value in headers.items()}
        path, _, query_string = path.partition("?")
        request = Request(method, unquote(path), query, named, session, body=body, query_string=query_string)
        response = self._app.handle(request)
        if session != before:
            self.cookie = secrets.token_hex(8)
            self._app.sessions[self.cookie] = session
        return response, session != before
