"""Flask-Login's "remember me" cookie: which login it remembers.

The cookie says who to log in again when the session is gone, and nothing about when they logged in: all that a user ever
gets are the same. One that was stolen would bring a session back that has logged out, or that `end_user` has ended. So a
cookie beside it keeps which login it was (the session's id of ours, and its time): the session that it brings back is that
session, and what ended it holds. A remembered user without it, or with another's, has to log in once more.
"""

import secrets

from flask import Flask, Response, request, session
from itsdangerous import BadSignature, URLSafeSerializer

from monite_auth import Principal
from monite_auth.adapter.sessions import BINDING, bound_principal
from monite_auth_flask.identify import FLASK_LOGIN_KEY

__all__ = ["keep_remembered", "login_remembered"]

UNDATED = 0.0
"""The time of a login of which nobody knows when it was: before all that is remembered."""

YEAR = 366 * 24 * 3600
"""Seconds. By itself the cookie is worth nothing, so it need not be over when the other one is."""


def login_remembered(app: Flask) -> None:
    """Bind the session of a user whom the cookie has just brought back to the login that it remembers."""
    user_id = str(session[FLASK_LOGIN_KEY])
    kept = _kept(app)
    known = None if kept is None else bound_principal(kept)
    if kept is not None and known is not None and known.user_id == user_id:
        session[BINDING] = kept[BINDING]
    else:
        session[BINDING] = [user_id, secrets.token_urlsafe(12), UNDATED]


def keep_remembered(app: Flask, response: Response, bound: Principal | None, *, logged_in: bool) -> None:
    """Set, or delete, the cookie beside Flask-Login's.

    `bound`: whose session it is when the response leaves; `logged_in`: whether that login has just happened.
    """
    theirs = app.config.get("REMEMBER_COOKIE_NAME", "remember_token")
    value = _set_by(response, theirs)
    where = {
        "domain": app.config.get("REMEMBER_COOKIE_DOMAIN"),
        "path": app.config.get("REMEMBER_COOKIE_PATH", "/"),
    }
    if value == "":
        response.delete_cookie(_name(app), **where)
    elif bound is not None and (value or (logged_in and theirs in request.cookies)):
        kept = [bound.user_id, bound.session_id, bound.began_at]
        response.set_cookie(
            _name(app),
            str(_signer(app).dumps(kept)),
            max_age=YEAR,
            secure=app.config.get("REMEMBER_COOKIE_SECURE", False),
            httponly=True,
            samesite=app.config.get("REMEMBER_COOKIE_SAMESITE"),
            **where,
        )


def _kept(app: Flask) -> dict[str, object] | None:
    try:
        return {BINDING: _signer(app).loads(request.cookies.get(_name(app), ""))}
    except BadSignature:
        return None


def _set_by(response: Response, name: str) -> str | None:
    """Return the value that a response gives to a cookie; "" where it deletes it."""
    values = [
        header.partition(";")[0].partition("=")[2]
        for header in response.headers.getlist("Set-Cookie")
        if header.startswith(f"{name}=")
    ]
    return values[-1] if values else None


def _name(app: Flask) -> str:
    return f"{app.config.get('REMEMBER_COOKIE_NAME', 'remember_token')}_monite"


def _signer(app: Flask) -> URLSafeSerializer:
    keys = [*(app.config.get("SECRET_KEY_FALLBACKS") or ()), app.secret_key]
    return URLSafeSerializer(keys, salt="monite-auth remembered login")
