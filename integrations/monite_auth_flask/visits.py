"""The requests of one app: what happens to each at its beginning, at its answer, and when it is over."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from flask import Flask, Response, request_started, request_tearing_down, session
from werkzeug.exceptions import HTTPException

from monite_auth import Principal, TokenBroker
from monite_auth.adapter.endings import end
from monite_auth.adapter.sessions import BINDING, bound_principal, is_logged_out, new_login, session_of
from monite_auth.errors import ConfigurationError
from monite_auth.functions import ViewFunction
from monite_auth.identity import checked_principal
from monite_auth_flask.access import ViewAccess
from monite_auth_flask.identify import (
    has_flask_login,
    identify,
    logged_in_user,
    principal_that_leaves,
    unmarked_session,
)
from monite_auth_flask.remember import keep_remembered, login_remembered
from monite_auth_flask.visit import Visit

__all__ = ["Identify", "Visits"]

log = logging.getLogger("monite_auth")

Identify = Callable[[], Awaitable[Principal | None] | Principal | None]


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
        self._others_come_first = bool(app.before_request_funcs[None])
        app.before_request(self._ask_app)
        # Flask calls them in reverse order; so this is the last one, whatever was registered before the extension.
        app.after_request_funcs[None].insert(0, self._answer)
        # For whatever gets past that: what is raised with no answer to it, a stream, what saves the session.
        request_tearing_down.connect(self._tear_down, app)

    def access(self) -> ViewAccess:
        """Return the access of the current request, for whoever is logged in now."""
        visit = self._current()
        own = self._own_identify()
        principal = identify(may_write=not visit.answered) if own is None else visit.acts
        if visit.by_session:
            session.get(BINDING)  # the answer depends on who is asking, now
        if not visit.accesses or visit.accesses[-1].principal != principal:
            visit.accesses.append(self._access(principal))
        return visit.accesses[-1]

    def begin_anew(self) -> None:
        """Give the session another id, since somebody has just logged in; who was there before is gone."""
        if self._own_identify() is None:
            new_login(session, logged_in_user(session))
        else:
            session.pop(BINDING, None)  # asking may give it another

    def go_on_remembered(self) -> None:
        """Give the session the id of the login that Flask-Login's cookie remembers."""
        login_remembered(self._app)
        self._current().remembered = bound_principal(session)

    def log_out_everybody(self) -> None:
        """Log out whoever acted in the current request, now."""
        visit = self._current()
        for principal in visit.present():
            access = self._access(principal)
            access.logout()
            visit.accesses.insert(0, access)

    def _access(self, principal: Principal | None) -> ViewAccess:
        return ViewAccess(self._broker(), principal, new_login=self._new_login)

    def _new_login(self) -> Principal | None:
        """Return who is logged in now, in a session with another id."""
        visit = self._current()
        self.begin_anew()
        if self._own_identify() is None:
            return identify()
        before, visit.acts = visit.acts, self._ask()
        if visit.acts is not None and visit.acts == before:
            raise ConfigurationError(
                "current_monite.login() begins a new session, and the app's own identify names the one that was there "
                "before: let it name another session_id after each login, or use monite_auth_flask.identify() in it."
            )
        return visit.acts

    # -- a request from its beginning to its end

    def _current(self) -> Visit:
        visit = Visit.current(self._app)
        if visit is None:  # a request that was not dispatched, as in app.test_request_context()
            visit = self._begin(self._app)
            self._ask_app()
        return visit

    def _begin(self, app: Flask, **_: object) -> Visit:
        with unmarked_session() as opened:
            visit = Visit(app, logged_in_user(opened), bound_principal(opened)).begin()
        if self._own_identify() is not None and self._others_come_first:
            # They may log out who comes. And `identify` may need them, so this is no time for its errors.
            with suppress(Exception), unmarked_session():
                visit.came = self._ask()
        return visit

    def _ask_app(self) -> None:
        if self._own_identify() is not None:
            visit = self._current()
            with unmarked_session() as opened:
                opened.accessed = False
                visit.acts = self._ask()
                visit.asked, visit.by_session = True, opened.accessed
            if visit.came is None:
                visit.came = visit.acts

    def _answer(self, response: Response) -> Response:
        """Log out who has gone, and know who has come. Flask saves the session after this, so a new id goes into its cookie."""
        visit = self._current()
        visit.answered, visit.streams = True, response.is_streamed
        self._log_out_who_has_gone(visit, may_write=True)
        self._tell_of_login(visit, response)
        visit.keep_from_caches(response)
        return response

    def _tear_down(self, _app: Flask, **_: object) -> None:
        """Log out who has gone since, or without an answer; there is nobody any more who could be told of an error."""
        visit = Visit.current(self._app)
        if visit is not None:
            self._log_out_who_has_gone(visit, may_write=False)

    def _log_out_who_has_gone(self, visit: Visit, *, may_write: bool) -> None:
        for principal in self._gone(visit, may_write=may_write):
            visit.settled.add(session_of(principal))  # one try for each request
            end(self._broker, [principal])

    def _gone(self, visit: Visit, *, may_write: bool) -> list[Principal]:
        if self._own_identify() is None:
            leaves = self._leaves(visit, may_write=may_write)
            return [
                each
                for each in visit.present()
                if each.session_id is not None and is_logged_out(each, leaves)
            ]
        # Asked only where something of the app's may have changed its answer.
        others = visit.streams or not visit.answered or any(self._app.teardown_request_funcs.values())
        was_asked = visit.asked or visit.came is not None
        leaves = self._ask_at_the_end() if was_asked and (may_write or others) else visit.acts
        with unmarked_session() as opened:
            bound = bound_principal(opened)
        session_is_gone = is_logged_out(visit.arrived, bound)  # whoever is in it, and whomever the app names
        return [
            each
            for each in visit.present()
            if (each is not visit.arrived and is_logged_out(each, leaves))
            or (session_is_gone and not is_logged_out(each, visit.arrived))
        ]

    def _leaves(self, visit: Visit, *, may_write: bool) -> Principal | None:
        with unmarked_session() as opened:
            if not opened.modified:
                return bound_principal(opened)
            return principal_that_leaves(opened, visit.user, may_write=may_write)

    def _tell_of_login(self, visit: Visit, response: Response) -> None:
        with unmarked_session() as opened:
            bound = bound_principal(opened)
        begun = [session_of(each) for access in visit.accesses for each in access.begun]
        logged_in = visit.began_here(bound)
        if bound is not None and logged_in and session_of(bound) not in begun:
            try:
                self._broker().login(bound)
            except ConfigurationError:
                log.debug("Monite is not configured, which its first use will tell.")
        if has_flask_login():
            keep_remembered(self._app, response, bound, logged_in=logged_in)

    # -- the app's own identify

    def _ask(self) -> Principal | None:
        own = self._own_identify()
        assert own is not None
        asked: ViewFunction[Principal | None] = ViewFunction(
            "identify", own, to_sync=self._app.async_to_sync, instead="`await current_monite.alogin()`"
        )
        return checked_principal(asked.call())

    def _ask_at_the_end(self) -> Principal | None:
        """Ask once more; an `identify` that fails now, and has not at the beginning, has found nobody."""
        try:
            with unmarked_session():
                return self._ask()
        except HTTPException:
            return None
        except Exception:
            log.exception(
                "identify was asked at the end of a request, and failed: who came in is taken for logged out."
            )
            return None
