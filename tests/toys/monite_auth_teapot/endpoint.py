"""The token endpoint, for Monite's browser SDK."""

from collections.abc import Callable, Collection

from monite_auth.adapter import answer_placeholder_request, answer_token_request, parse_origins
from tests.toys.monite_auth_teapot.answers import as_response
from tests.toys.monite_auth_teapot.state import monite
from tests.toys.teapot import Request, Response

__all__ = ["token_view"]


def token_view(*, api: bool = False, allowed_origins: Collection[str] = ()) -> Callable[[Request], Response]:
    """Return the view.

    `api`: Monite's API is served beside it, so that pages get no token. `allowed_origins`: other origins whose pages may have
    the user's token.
    """
    others = parse_origins(allowed_origins)

    def token(request: Request) -> Response:
        if api:
            return as_response(answer_placeholder_request(monite(request), request.method, request.headers))
        return as_response(answer_token_request(monite(request), request.method, request.headers, others))

    return token
