"""Monite's API for the app's own pages: the browser has the session's cookie and no token."""

from collections.abc import Callable
from io import BytesIO

from monite_auth.adapter import Answer, ApiRequest, BrowserApi, read_body
from tests.toys.monite_auth_teapot.answers import as_response
from tests.toys.monite_auth_teapot.state import monite
from tests.toys.teapot import Request, Response

__all__ = ["api_view"]


def api_view(prefix: str) -> Callable[[Request], Response]:
    """Return the view of all paths that begin with `prefix`. Teapot knows no streams, so answers are read whole."""
    browser_api = BrowserApi()

    def call(request: Request) -> Response:
        path = request.path.removeprefix(prefix)
        asked = ApiRequest(request.method, path, request.query_string, request.headers)
        body = read_body(asked, BytesIO(request.body).read)
        answer = browser_api.call(monite(request).broker, asked, body, lambda: monite(request))
        if isinstance(answer, Answer):
            return as_response(answer)
        return Response(b"".join(answer.body), answer.status, dict(answer.headers))

    return call
