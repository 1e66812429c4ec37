"""Monite's API for the project's own pages: the browser has the session's cookie and no token."""

from collections.abc import AsyncIterator, Iterator

from django.contrib.auth.decorators import login_not_required
from django.core.handlers.wsgi import WSGIRequest
from django.db.transaction import non_atomic_requests
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from monite_auth.adapter import ApiRequest, BrowserApi, read_body
from monite_auth_django.conf import conf
from monite_auth_django.current import broker
from monite_auth_django.responses import streamed
from monite_auth_django.views import headers_of

__all__ = ["aapi", "api"]

_browser_api = BrowserApi()


# Django's CSRF check would read the body of a form. BrowserApi has a check of its own, for every method.
# A transaction would be open for as long as a file takes.
@csrf_exempt
@login_not_required
@non_atomic_requests
def api(request: HttpRequest, path: str) -> HttpResponseBase:
    """Pass a call on to Monite's API as whoever is logged in, under WSGI."""
    asked = _api_request(request, path)
    return streamed(_browser_api.call(broker(), asked, _body(request, asked), lambda: request.monite))


@csrf_exempt
@login_not_required
@non_atomic_requests
async def aapi(request: HttpRequest, path: str) -> HttpResponseBase:
    """Pass a call on to Monite's API as whoever is logged in, under ASGI."""
    asked = _api_request(request, path)
    body = _body(request, asked)
    chunks = None if body is None else _on_event_loop(body)
    return streamed(await _browser_api.acall(broker(), asked, chunks, request.amonite))


def _api_request(request: HttpRequest, path: str) -> ApiRequest:
    if not conf.API:
        raise Http404
    headers = headers_of(request)
    if not headers.get("content-length"):
        headers.pop("content-length", None)  # some servers have it empty, and not missing
    query = request.META.get("QUERY_STRING", "")
    # Under ASGI, Django has read all of the body before.
    shows_end = not isinstance(request, WSGIRequest) or bool(request.environ.get("wsgi.input_terminated"))
    return ApiRequest(str(request.method), path, query, headers, shows_end=shows_end)


def _body(request: HttpRequest, asked: ApiRequest) -> Iterator[bytes] | None:
    # Django reads no more than Content-Length says, and so nothing of a body in chunks.
    is_unlimited = isinstance(request, WSGIRequest) and asked.is_chunked
    return read_body(asked, request.environ["wsgi.input"].read if is_unlimited else request.read)


async def _on_event_loop(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the body, which Django keeps in memory or in a file of this host."""
    for chunk in chunks:
        yield chunk
