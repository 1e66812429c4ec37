"""The core's neutral answers, as Django's responses."""

from django.http import HttpRequest, HttpResponse

from monite_auth.answers import Answer, error_answer
from monite_auth.errors import MoniteAuthError

__all__ = ["error_response", "response"]


def response(answer: Answer) -> HttpResponse:
    """Return the answer as a response."""
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


def error_response(request: HttpRequest, error: MoniteAuthError) -> HttpResponse:
    """Return the response for an error: JSON, or one sentence for who accepts HTML."""
    return response(error_answer(error, accept=request.headers.get("accept", "")))
