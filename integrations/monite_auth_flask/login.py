"""Flask-Login's signals, where it is installed: a logout takes effect within the request, a login is a new session."""

from typing import Any

from flask import Flask, session

from monite_auth.sessions import BINDING
from monite_auth_flask.visit import Visits

try:
    from flask_login import user_logged_in, user_logged_out
except ImportError:
    user_logged_in = user_logged_out = None

__all__ = ["LoginSignals"]


class LoginSignals:
    """What an app does about them; it keeps this object, since signals hold their receivers weakly."""

    def __init__(self, app: Flask, visits: Visits) -> None:
        self._visits = visits
        if user_logged_in is not None and user_logged_out is not None:
            user_logged_in.connect(self._logged_in, app)
            user_logged_out.connect(self._logged_out, app)

    def _logged_in(self, _app: Flask, **_: Any) -> None:
        # Even of the same person: what ended with an earlier login must not keep this one out.
        session.pop(BINDING, None)

    def _logged_out(self, _app: Flask, **_: Any) -> None:
        self._visits.log_out_everybody()
