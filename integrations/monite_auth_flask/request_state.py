"""What Flask's adapter keeps for one request, in the request's environ."""

from dataclasses import dataclass, field
from typing import Any, Self

from flask import Flask, request
from flask.wrappers import Response

from monite_auth import Principal
from monite_auth.adapter import NO_STORE, Visit, is_logged_out, private_headers
from monite_auth_flask.access import ViewAccess

__all__ = ["RequestState"]

KEY = "monite_auth.request"
"""In the request's environ. Not `flask.g`, which outlives a request where a test keeps an application context open."""


@dataclass(slots=True)
class RequestState:
    """What is kept for one request of one app."""

    app: Flask
    user: Any
    """The user id that the session had when the request arrived, as the app keeps it."""
    arrived: Principal | None
    """The session's binding when the request arrived; its tenant is not known."""
    visit: Visit = field(default_factory=Visit)
    """Who arrived, acted and left."""
    acting: Principal | None = None
    """The current principal by the app's own `identify`, where it has one."""
    remembered: Principal | None = None
    """The earlier login that Flask-Login's cookie has brought back."""
    accesses: list[ViewAccess] = field(default_factory=list)
    """One for each principal that the views acted for, the latest last; several only where users change."""
    asked: bool = False
    """Whether the app's own `identify` was asked; it is not if a `before_request` function answered first."""
    by_session: bool = False
    """Whether that `identify` read the session."""
    answered: bool = False
    """Whether there is a response, so that no more cookies can be set."""
    streams: bool = False
    """Whether the response is still being made while it is sent."""

    @classmethod
    def current(cls, app: Flask) -> Self | None:
        """Return the app's state of the current request; None before the request has begun."""
        found = request.environ.get(KEY)
        # An app inside of another may be handed the other's environ.
        return found if isinstance(found, cls) and found.app is app else None

    def begin(self) -> Self:
        """Make this the current request's state."""
        request.environ[KEY] = self
        return self

    def is_new_login(self, bound: Principal | None) -> bool:
        """Return whether the session was bound to this principal during the request, by a login and not by a cookie."""
        return is_logged_out(bound, self.arrived) and is_logged_out(bound, self.remembered)

    def keep_private(self, response: Response) -> None:
        """Keep a response out of shared caches if a token helped to make it, unless the view says `public`."""
        # A stream may still use a token while it is sent, whatever its headers say: a view can give it a length or an ETag
        # beforehand.
        may_yet_use = self.streams and (self.arrived is not None or bool(self.accesses))
        if may_yet_use or any(access.was_used for access in self.accesses):
            headers = response.headers
            if all(headers.get(name) == NO_STORE[name] for name in ("Cache-Control", "Vary")):
                return  # an answer of ours
            headers.update(
                private_headers(headers.get("Cache-Control", ""), ", ".join(headers.getlist("Vary")))
            )
