"""Receivers of Flask-Login's signals, where it is installed: a logout takes effect at once, and a login begins a new session."""

from typing import Any

from flask import Flask

from monite_auth_flask.hooks import RequestHooks

try:
    from flask_login import user_loaded_from_cookie, user_logged_in, user_logged_out, user_login_confirmed
except ImportError:
    user_logged_in = None

__all__ = ["LoginSignals"]


class LoginSignals:
    """The receivers of one app, which keeps this object: signals hold their receivers weakly."""

    def __init__(self, app: Flask, hooks: RequestHooks) -> None:
        self._hooks = hooks
        if user_logged_in is not None:
            # A new session even for the same user: an earlier logout must not keep this login out.
            user_logged_in.connect(self._logged_in, app)
            user_login_confirmed.connect(self._logged_in, app)  # they have just given their password again
            user_loaded_from_cookie.connect(self._remembered, app)
            user_logged_out.connect(self._logged_out, app)

    def _logged_in(self, _app: Flask, **_: Any) -> None:
        self._hooks.begin_anew()

    def _remembered(self, _app: Flask, **_: Any) -> None:
        self._hooks.continue_remembered()

    def _logged_out(self, _app: Flask, **_: Any) -> None:
        self._hooks.log_out_everybody()
