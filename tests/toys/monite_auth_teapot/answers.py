"""Neutral answers as Teapot's."""

from typing import Any

from monite_auth.adapter import Answer
from monite_auth.adapter import forward as forwarded
from tests.toys.teapot import Response

__all__ = ["as_response", "forward"]


def as_response(answer: Answer) -> Response:
    """Translate a neutral answer."""
    return Response(answer.body, answer.status, {**answer.headers, "Content-Length": str(len(answer.body))})


def forward(response: Any) -> Response:
    """Return Monite's answer to a call as the view's own; see `monite_auth.adapter.forward`."""
    return as_response(forwarded(response))
