"""Translates neutral answers into Django's responses, and keeps private answers out of caches."""

from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from monite_auth.adapter import Answer, StreamedAnswer, private_headers, refuse
from monite_auth.adapter import forward as neutral_forward
from monite_auth.errors import MoniteAuthError
from monite_auth_django.access import was_used

__all__ = ["UNANSWERED", "answered", "error_response", "forward", "keep_private", "response", "streamed"]

UNANSWERED = "monite_unanswered_error"
"""The request's attribute for an error of ours that Django was about to answer with a 500."""


def response(answer: Answer) -> HttpResponse:
    """Return the answer as a response."""
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


def streamed(answer: Answer | StreamedAnswer[Any]) -> HttpResponseBase:
    """Return the answer of Monite's API as a response, which closes the stream in any case."""
    if isinstance(answer, Answer):
        return response(answer)
    return StreamingHttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


def error_response(request: HttpRequest, error: MoniteAuthError) -> HttpResponse:
    """Return the response for an error: JSON, or one sentence if the client accepts HTML. The log has the details."""
    return response(refuse(error, accept=request.headers.get("accept", "")))


def answered(request: HttpRequest, given: Any) -> Any:
    """Return the response for an error of ours that a middleware has let through; else the response that was given.

    Django answers every exception of a middleware with a 500 by itself, and asks no `process_exception` about it.
    """
    error: MoniteAuthError | None = request.__dict__.pop(UNANSWERED, None)
    return given if error is None or given.status_code != 500 else error_response(request, error)


def forward(answer: Any) -> HttpResponse:
    """Return Monite's answer to a call as the view's own: its status, its body, and the headers that belong to them.

        return forward(request.monite.client.get("/payables"))

    `answer`: httpx's or httpx2's, read whole. Monite's 401 becomes a 502, since it is not about the user's login here.
    """
    return response(neutral_forward(answer))


def keep_private(request: HttpRequest, answer: Any) -> Any:
    """Keep an answer out of shared caches if Monite was used to make it, unless the view says `public`; return it."""
    if was_used(request) or (getattr(answer, "streaming", False) and _may_yet_use(request, answer)):
        private = private_headers(answer.get("Cache-Control", ""), answer.get("Vary", ""))
        for name, value in private.items():
            answer[name] = value
    return answer


def _may_yet_use(request: HttpRequest, stream: Any) -> bool:
    """Return whether a stream may use a token while it is sent.

    A file does not. A view may give any other stream a length or an ETag beforehand, so its headers do not tell. A request
    without credentials has no user. Whether somebody is logged in is not asked: that would cost public streams a query.
    """
    has_credentials = bool(request.COOKIES) or "Authorization" in request.headers
    return has_credentials and not isinstance(stream, FileResponse)
