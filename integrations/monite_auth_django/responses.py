"""The core's neutral answers, as Django's responses; and what caches are told."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from monite_auth.adapter.answers import PRIVATE, Answer, refuse
from monite_auth.adapter.answers import forward as forwarded
from monite_auth.errors import MoniteAuthError
from monite_auth_django.access import was_used

__all__ = ["error_response", "forward", "keep_private", "response"]


def response(answer: Answer) -> HttpResponse:
    """Return the answer as a response."""
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


def error_response(request: HttpRequest, error: MoniteAuthError) -> HttpResponse:
    """Return the response for an error: JSON, or one sentence for who accepts HTML. What developers need is in the log."""
    return response(refuse(error, accept=request.headers.get("accept", "")))


def forward(answer: Any) -> HttpResponse:
    """Return Monite's answer to a call as the view's own: with its status, its body and what says what the body is.

        return forward(request.monite.client.get("/payables"))

    `answer`: httpx's or httpx2's, read whole. Monite's 401 becomes a 502, since it is not about the user's login here.
    """
    return response(forwarded(answer))


def keep_private(request: HttpRequest, answer: Any) -> Any:
    """Tell caches that an answer is for this user alone, where Monite was used to make it; return it.

    A view that has said something itself is left its word: who said `public` meant it.
    """
    if was_used(request) or (getattr(answer, "streaming", False) and _may_yet_use(request, answer)):
        said = answer.get("Cache-Control", "").lower()
        if not said:
            answer["Cache-Control"] = PRIVATE
        elif "public" not in said:
            patch_cache_control(answer, private=True)
        patch_vary_headers(answer, ("Cookie", "Authorization"))
    return answer


def _may_yet_use(request: HttpRequest, stream: Any) -> bool:
    """Say whether what is still to come of a stream may use a token. A file says which one it is, or how long.

    Whether somebody is logged in is not asked: that would cost streams that are for all a query.
    """
    is_file = any(name in stream for name in ("Content-Length", "ETag", "Last-Modified"))
    return not is_file and (bool(request.COOKIES) or "Authorization" in request.headers)
