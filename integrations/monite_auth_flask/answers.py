"""Neutral answers as Flask's, and errors as answers: ours, and those that others raise about ours."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, request

from monite_auth import Settings
from monite_auth.adapter import answers as neutral
from monite_auth.adapter.answers import Answer, error_behind, refuse
from monite_auth.errors import ConfigurationError, MoniteAuthError
from monite_auth.outbound import BROKEN

__all__ = ["add_error_handlers", "as_response", "forward"]


def forward(response: Any) -> Response:
    """Return Monite's answer to a call as the view's own: its status, its body, and the headers that belong to them.

        @app.get("/invoices")
        def invoices():
            return forward(current_monite.client.get("/payables"))

    But Monite's 401 becomes a 502. `response`: httpx's or httpx2's, read whole.
    """
    return as_response(neutral.forward(response))


def as_response(answer: Answer) -> Response:
    """Translate a neutral answer."""
    return current_app.response_class(answer.body, answer.status, dict(answer.headers))


def add_error_handlers(app: Flask, settings: Callable[[], Settings]) -> None:
    """Answer what views let through: our errors, groups of nothing else, and calls to Monite that broke off.

    The app's own handlers stay, whenever they are registered.
    """
    about_ours = _AboutOurs(settings)
    answers: dict[type[Exception], Callable[..., Any]] = {
        MoniteAuthError: _answer,
        **dict.fromkeys([ExceptionGroup, *BROKEN], about_ours),
    }
    for kind, answer in answers.items():
        if kind not in app.error_handler_spec[None][None]:
            app.register_error_handler(kind, answer)


def _answer(error: MoniteAuthError) -> Response:
    if error.status_hint == 500:  # the developer's own mistake: it belongs in the log, with its traceback
        raise error
    return as_response(refuse(error, accept=request.headers.get("Accept", "")))


class _AboutOurs:
    """Handles exceptions that are not ours and may be about ours: a TaskGroup's, httpx's."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings

    def __call__(self, error: Exception) -> Any:
        # Flask has chosen this handler, the nearest one. What it would have chosen without it comes first, but for the
        # app's answer to everything: of that, our errors are spared anyway.
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
