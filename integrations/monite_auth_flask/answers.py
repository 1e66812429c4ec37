"""Translates neutral answers into Flask's responses, and errors into answers."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, request

from monite_auth import Settings
from monite_auth.adapter import HANDLED, Answer, Stream, StreamedAnswer, error_behind, refuse
from monite_auth.adapter import forward as neutral_forward
from monite_auth.errors import ConfigurationError, MoniteAuthError

__all__ = ["add_error_handlers", "as_response", "forward"]


def forward(response: Any) -> Response:
    """Return Monite's answer to a call as the view's own: its status, its body, and the headers that belong to them.

        @app.get("/invoices")
        def invoices():
            return forward(current_monite.client.get("/payables"))

    But Monite's 401 becomes a 502. `response`: httpx's or httpx2's, read whole.
    """
    return as_response(neutral_forward(response))


def as_response(answer: Answer | StreamedAnswer[Stream]) -> Response:
    """Return a neutral answer as Flask's, which closes a stream in any case."""
    return current_app.response_class(answer.body, answer.status, dict(answer.headers))


def add_error_handlers(app: Flask, settings: Callable[[], Settings]) -> None:
    """Answer exceptions that views let through: our errors, groups of nothing else, and calls to Monite that broke off.

    The app's own handlers win, whenever they are registered.
    """
    answers: dict[type[Exception], Callable[..., Any]] = {
        **dict.fromkeys(HANDLED, _AboutOurs(settings)),
        MoniteAuthError: _answer,
    }
    for kind, answer in answers.items():
        if kind not in app.error_handler_spec[None][None]:
            app.register_error_handler(kind, answer)


def _answer(error: MoniteAuthError) -> Response:
    if error.status_hint == 500:  # a mistake of the developer's: it belongs in the log, with its traceback
        raise error
    return as_response(refuse(error, accept=request.headers.get("Accept", "")))


class _AboutOurs:
    """Handles exceptions of a TaskGroup or of httpx, which may be about an error of ours."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings

    def __call__(self, error: Exception) -> Any:
        # Flask has chosen this handler because it is the nearest. A handler that Flask would have chosen without it comes
        # first, except the app's handler for every Exception: our errors have a handler of their own before that one.
        handlers = current_app.error_handler_spec[None][None]
        others = [handlers[kind] for kind in type(error).__mro__ if handlers.get(kind, self) is not self]
        catch_all = handlers.get(Exception)
        if not others or others[0] is catch_all:
            ours = self._behind(error)
            if ours is not None:
                # The app, or its blueprint, may have a handler for it.
                return current_app.handle_user_exception(ours)
        if not others:
            raise error
        return current_app.ensure_sync(others[0])(error)

    def _behind(self, error: Exception) -> MoniteAuthError | None:
        try:
            return error_behind(error, self._settings())
        except ConfigurationError:  # no broker, so nothing of ours has failed
            return None
