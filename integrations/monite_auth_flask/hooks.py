"""What happens to each request of an app: when it begins, when its response starts, and when it is over."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from flask import Flask, Response, request_started, request_tearing_down, session
from flask.sessions import SessionMixin
from werkzeug.exceptions import HTTPException

from monite_auth import Principal, TokenBroker
from monite_auth.adapter import (
    BINDING,
    ViewFunction,
    Visit,
    begin,
    bound_principal,
    checked_principal,
    end,
    log_failed_identify,
    new_login,
    same_session_after_login,
)
from monite_auth.errors import NotLoggedIn
from monite_auth_flask.access import ViewAccess
from monite_auth_flask.identify import (
    UnmarkedSession,
    current_binding,
    has_flask_login,
    identify,
    logged_in_user,
)
from monite_auth_flask.remember import keep_remembered, login_remembered
from monite_auth_flask.request_state import RequestState

__all__ = ["Identify", "RequestHooks"]

Identify = Callable[[], Awaitable[Principal | None] | Principal | None]


class RequestHooks:
    """The hooks of one app. The session, or the app's own `identify`, names the logged-in user."""

    def __init__(
        self, app: Flask, broker: Callable[[], TokenBroker], own_identify: Callable[[], Identify | None]
    ) -> None:
        self._app = app
        self._broker = broker
        self._own_identify = own_identify
        # A signal, because it comes before all functions of the app, which may already empty the session.
        request_started.connect(self._begin, app)
        self._others_come_first = bool(app.before_request_funcs[None])
        app.before_request(self._ask_app)
        # Flask calls these in reverse order, so this is the last one, whatever was registered before the extension.
        app.after_request_funcs[None].insert(0, self._respond)
        # For what comes after that or instead of it: an exception without a response, a stream, code that saves the session.
        request_tearing_down.connect(self._tear_down, app)

    def access(self) -> ViewAccess:
        """Return the access of the current request, for the user who is logged in now."""
        state = self._current()
        own = self._own_identify()
        principal = identify(may_write=not state.answered) if own is None else state.acting
        if state.by_session:
            session.get(BINDING)  # mark it as read: from here on the response depends on who is asking
        if not state.accesses or state.accesses[-1].principal != principal:
            self._act(state.visit, principal)
            state.accesses.append(
                ViewAccess(self._broker(), principal, new_login=self._new_login, visit=state.visit)
            )
        return state.accesses[-1]

    def begin_anew(self) -> None:
        """Give the session another binding, because somebody has just logged in; the former one ends with the response."""
        if self._own_identify() is None:
            new_login(session, logged_in_user(self._app, session))
        else:
            session.pop(BINDING, None)  # asking `identify` may bind it again

    def continue_remembered(self) -> None:
        """Give the session the binding of the login that Flask-Login's cookie remembers."""
        login_remembered(self._app)
        state = self._current()
        state.remembered = bound_principal(session)
        state.visit.arrive("session", state.remembered)

    def log_out_everybody(self) -> None:
        """End the sessions of everybody in the current request, at once."""
        end(self._broker, self._current().visit.leave_all())

    def _new_login(self) -> Principal | None:
        """Return who is logged in now, in a session with another binding."""
        state = self._current()
        self.begin_anew()
        if self._own_identify() is None:
            principal = identify()
        else:
            before, principal = state.acting, self._ask()
            if principal is not None and principal == before:
                raise same_session_after_login("identify", "monite_auth_flask.identify() in it")
            state.acting = principal
        self._act(state.visit, principal)
        return principal

    def _act(self, visit: Visit, principal: Principal | None) -> None:
        # The user of an API key has no session that could end, and the session does not name them.
        by_session = self._own_identify() is None and principal is not None and principal.session_id
        visit.act("session" if by_session else "identify", principal)

    # -- a request from its beginning to its end

    def _current(self) -> RequestState:
        state = RequestState.current(self._app)
        if state is None:  # a request that was not dispatched, as in app.test_request_context()
            state = self._begin(self._app)
            self._ask_app()
        return state

    def _begin(self, app: Flask, **_: object) -> RequestState:
        with UnmarkedSession() as opened:
            state = RequestState(app, logged_in_user(app, opened), bound_principal(opened)).begin()
        state.visit.arrive("session", state.arrived)
        if self._own_identify() is not None and self._others_come_first:
            # Functions of the app come before ours, and may log the user out. `identify` may need them, so its errors
            # do not count yet.
            with suppress(Exception), UnmarkedSession():
                arrived = self._ask()
                state.visit.arrive("identify", arrived)
                state.asked = arrived is not None
        return state

    def _ask_app(self) -> None:
        if self._own_identify() is not None:
            state = self._current()
            with UnmarkedSession() as opened:
                opened.accessed = False
                state.acting = self._ask()
                state.asked, state.by_session = True, opened.accessed
            state.visit.act("identify", state.acting)

    def _respond(self, response: Response) -> Response:
        """End and begin sessions as the response starts. Flask saves the session later, so a new binding goes into its cookie."""
        state = self._current()
        state.answered, state.streams = True, response.is_streamed
        with UnmarkedSession() as opened:
            self._end_who_left(state, opened, may_write=True)
            bound = bound_principal(opened)
        if bound is not None and state.visit.has_begun(bound):
            begin(self._broker, bound)
        if has_flask_login(self._app):
            keep_remembered(self._app, response, bound, logged_in=state.is_new_login(bound))
        state.keep_private(response)
        return response

    def _tear_down(self, _app: Flask, **_: object) -> None:
        """End sessions that were left since the response, or without one."""
        state = RequestState.current(self._app)
        if state is not None and state.visit.has_people:
            with UnmarkedSession() as opened:
                self._end_who_left(state, opened, may_write=False)

    def _end_who_left(self, state: RequestState, opened: SessionMixin, *, may_write: bool) -> None:
        own = self._own_identify()
        bound = (
            current_binding(self._app, opened, state.user, may_write=may_write)
            if own is None and opened.modified
            else bound_principal(opened)
        )
        gone = state.visit.leave("session", bound)
        if own is not None and state.asked and (may_write or self._may_have_changed(state)):
            gone += state.visit.leave("identify", self._ask_at_the_end())
        end(self._broker, gone)

    def _may_have_changed(self, state: RequestState) -> bool:
        """Return whether code of the app that ran since the response may have changed what `identify` says."""
        return state.streams or not state.answered or any(self._app.teardown_request_funcs.values())

    # -- the app's own identify

    def _ask(self) -> Principal | None:
        own = self._own_identify()
        assert own is not None
        asked: ViewFunction[Principal | None] = ViewFunction(
            "identify", own, to_sync=self._app.async_to_sync, instead="`await current_monite.alogin()`"
        )
        return checked_principal(asked.call())

    def _ask_at_the_end(self) -> Principal | None:
        """Ask once more. An `identify` that fails now, and did not fail at the beginning, has found nobody."""
        try:
            with UnmarkedSession():
                return self._ask()
        except (HTTPException, NotLoggedIn):
            return None
        except Exception as error:  # noqa: BLE001 - the app's own code, and its answer is there already
            log_failed_identify(error)
            return None
