"""What is kept for one request: who came, who acted, and who is gone by now."""

from dataclasses import dataclass, field
from typing import Any, Self

from flask import Flask, request
from flask.wrappers import Response

from monite_auth import Principal
from monite_auth.adapter.answers import private_headers
from monite_auth.adapter.sessions import is_logged_out, session_of
from monite_auth_flask.access import ViewAccess

__all__ = ["Visit"]

KEY = "monite_auth.visit"
"""In the request's environ. Not `flask.g`, which outlives a request where a test keeps an application context open."""


@dataclass(slots=True)
class Visit:
    """What is kept for one request."""

    app: Flask
    user: Any
    """Who stood in the session when the request arrived, as the app says it."""
    arrived: Principal | None
    """Whose id stood in the session when the request arrived; its tenant is not known."""
    came: Principal | None = None
    """Who is logged in by the word of the app's own `identify`, where it has one."""
    acts: Principal | None = None
    """Who acts by that word: who came, until there is a login."""
    remembered: Principal | None = None
    """Whose earlier login Flask-Login's cookie has brought back."""
    accesses: list[ViewAccess] = field(default_factory=list)
    """One for each principal that the views acted for, the latest last; more than one only where users change."""
    asked: bool = False
    """Whether the app's own `identify` was asked; not so where a `before_request` function answered before."""
    by_session: bool = False
    """Whether it looked into the session to say so."""
    answered: bool = False
    """Whether there is an answer, which can carry no more cookies."""
    streams: bool = False
    """Whether that answer is still being made while it is sent."""
    settled: set[tuple[str, str | None]] = field(default_factory=set)
    """The sessions that were ended."""

    @classmethod
    def current(cls, app: Flask) -> Self | None:
        """Return the app's visit of the current request, where it has begun."""
        found = request.environ.get(KEY)
        # An app inside of another may be handed the other's environ.
        return found if isinstance(found, cls) and found.app is app else None

    def begin(self) -> Self:
        """Be the current request's."""
        request.environ[KEY] = self
        return self

    def present(self) -> list[Principal]:
        """Return who was there, without those who have been logged out already."""
        # One for each session: a logout ends it in all of its tenants.
        sessions: dict[tuple[str, str | None], Principal] = {}
        for each in (self.came, *(access.principal for access in self.accesses), self.arrived):
            if each is not None:
                sessions.setdefault(session_of(each), each)
        ended = {session_of(each) for access in self.accesses for each in access.ended}
        return [each for name, each in sessions.items() if name not in self.settled | ended]

    def began_here(self, bound: Principal | None) -> bool:
        """Say whether somebody has logged in during this request: the session is theirs since."""
        return is_logged_out(bound, self.arrived) and is_logged_out(bound, self.remembered)

    def keep_from_caches(self, response: Response) -> None:
        """Let no cache keep an answer that a token has helped to make, unless the view says `public`."""
        # What is still to come of a stream may yet use one.
        uses = any(access.was_used for access in self.accesses) or (
            self.streams and (self.arrived is not None or bool(self.accesses))
        )
        if uses:
            headers = response.headers
            headers.update(
                private_headers(headers.get("Cache-Control", ""), ", ".join(headers.getlist("Vary")))
            )
