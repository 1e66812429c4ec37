"""A cookie beside Flask-Login's "remember me", which names the login that is remembered.

Flask-Login's cookie names the user, and not the login: all cookies of a user are the same. A stolen one would bring back a
session that has logged out, or that `end_user` has ended. So a cookie beside it keeps the binding of the login, with its
time. The session that is brought back continues that login, and stays ended if it has ended. A remembered user without our
cookie, or with another user's, has to log in once more.
"""

import secrets

from flask import Flask, Response, request, session
from itsdangerous import BadSignature, URLSafeSerializer

from monite_auth import Principal
from monite_auth.adapter import BINDING, bound_principal
from monite_auth_flask.identify import FLASK_LOGIN_KEY

__all__ = ["keep_remembered", "login_remembered"]

UNDATED = 0.0
"""The time of a login whose time is not known: so early that the session counts as too old."""

YEAR = 366 * 24 * 3600
"""Seconds that our cookie lives. It may outlive Flask-Login's, because alone it is worth nothing."""


def login_remembered(app: Flask) -> None:
    """Bind the session to the remembered login, for a user whom the cookie has just brought back."""
    user_id = str(session[FLASK_LOGIN_KEY])
    kept = _kept(app)
    known = None if kept is None else bound_principal(kept)
    if kept is not None and known is not None and known.user_id == user_id:
        session[BINDING] = kept[BINDING]
    else:
        session[BINDING] = [user_id, secrets.token_urlsafe(12), UNDATED]


def keep_remembered(app: Flask, response: Response, bound: Principal | None, *, logged_in: bool) -> None:
    """Set our cookie when Flask-Login's is set, and delete it when that one is deleted.

    `bound`: the session's principal when the response leaves. `logged_in`: whether that login has just happened.
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
    """Return the value that a response gives to a cookie, "" if it deletes the cookie, or None."""
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
