"""One request as Monite's access sees it: who came, who acted, who is gone when it is answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from flask import Flask, Response, request, request_started, session

from monite_auth import MoniteAccess, Principal, TokenBroker
from monite_auth.errors import MoniteAuthError
from monite_auth.sessions import BINDING, has_left
from monite_auth_flask.access import ViewAccess
from monite_auth_flask.identify import identify, principal_that_came, principal_that_leaves, unmarked_session

__all__ = ["Identify", "Visits"]

Identify = Callable[[], Awaitable[Principal | None] | Principal | None]

KEY = "monite_auth.visit"
"""In the request's environ. Not `flask.g`, which outlives a request where a test keeps an application context open."""


@dataclass(slots=True)
class Visit:
    """What is kept for one request."""

    arrived: Principal | None = None
    """Whose id stood in the session when the request arrived; its tenant is not known."""
    came: Principal | None = None
    """Who is logged in by the word of the app's own `identify`, where it has one."""
    accesses: list[MoniteAccess] = field(default_factory=list)
    """One for each principal that the views acted for, the latest last; more than one only where users change."""
    asked: bool = False
    """Whether the app's own `identify` was asked; not so where a `before_request` function answered before."""
    by_session: bool = False
    """Whether it looked into the session to say so."""
    answered: bool = False

    def present(self) -> list[Principal]:
        """Return who was there, without those who have been logged out already."""
        # One for each session: a logout ends it in all of its tenants.
        sessions: dict[tuple[str, str | None], Principal] = {}
        for each in (self.came, *(access.principal for access in self.accesses), self.arrived):
            if each is not None:
                sessions.setdefault((each.user_id, each.session_id), each)
        for access in self.accesses:
            if access.logged_out and access.principal is not None:
                sessions.pop((access.principal.user_id, access.principal.session_id), None)
        return list(sessions.values())


class Visits:
    """The requests of one app."""

    def __init__(
        self, app: Flask, broker: Callable[[], TokenBroker], own_identify: Callable[[], Identify | None]
    ) -> None:
        self._app = app
        self._broker = broker
        self._own_identify = own_identify
        # A signal, since it comes before all functions of the app, which may already empty the session.
        request_started.connect(self._begin, app)
        app.before_request(self._ask_app)
        app.after_request(self._end)

    def access(self) -> MoniteAccess:
        """Return the access of the current request, for whoever is logged in now."""
        visit = self._current()
        own = self._own_identify() is not None
        principal = visit.came if own else identify(may_write=not visit.answered)
        if visit.by_session:
            session.get(BINDING)  # the answer depends on who is asking, now
        if visit.accesses and visit.accesses[-1].principal == principal:
            return visit.accesses[-1]
        visit.accesses.append(ViewAccess(self._broker(), principal))
        return visit.accesses[-1]

    def log_out_everybody(self) -> None:
        """Log out whoever acted in the current request, now."""
        visit = self._current()
        for principal in visit.present():
            access = ViewAccess(self._broker(), principal)
            access.logout()
            visit.accesses.insert(0, access)

    def _current(self) -> Visit:
        visit = request.environ.get(KEY)
        if isinstance(visit, Visit):
            return visit
        self._begin(self._app)  # a request that was not dispatched, as in app.test_request_context()
        self._ask_app()
        return self._current()

    def _begin(self, _app: Flask, **_: object) -> None:
        with unmarked_session() as opened:
            request.environ[KEY] = Visit(principal_that_came(opened))

    def _ask_app(self) -> None:
        own = self._own_identify()
        if own is not None:
            visit = self._current()
            with unmarked_session() as opened:
                opened.accessed = False
                visit.came, visit.asked = self._app.ensure_sync(own)(), True
                visit.by_session = opened.accessed

    def _end(self, response: Response) -> Response:
        """Log out who has gone. Flask saves the session after this, so a new login's id goes into its cookie."""
        visit = self._current()
        visit.answered = True
        try:
            for principal in self._gone(visit):
                self._broker().logout(principal)
        except MoniteAuthError as error:
            # The logout is not recorded, so the view's answer, a success, would be wrong.
            return self._app.make_response(self._app.handle_user_exception(error))
        return response

    def _gone(self, visit: Visit) -> list[Principal]:
        own = self._own_identify()
        if own is not None:
            with unmarked_session() as opened:
                leaves = self._app.ensure_sync(own)() if visit.asked else None
                bound = principal_that_came(opened)
            # Whom the app has not named may still have gone: a `before_request` function has emptied the session, say.
            return [
                each for each in visit.present() if has_left(each, bound if each is visit.arrived else leaves)
            ]
        with unmarked_session() as opened:
            if not opened.modified:
                return []
            leaves = principal_that_leaves(opened)
        return [each for each in visit.present() if each.session_id is not None and has_left(each, leaves)]
