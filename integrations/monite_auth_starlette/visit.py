"""One connection: who came in, and whether they are still there when it is over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from copy import copy
from inspect import isawaitable
from typing import Any
from weakref import WeakKeyDictionary

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from monite_auth import MoniteAccess, Principal, TokenBroker
from monite_auth.adapter.sessions import BINDING, bound_principal, is_logged_out
from monite_auth.errors import ConfigurationError
from monite_auth.identity import checked_principal
from monite_auth_starlette.identify import ASKED, BOUND, identify
from monite_auth_starlette.late_sessions import SessionNotLoaded, load_session, when_loaded
from monite_auth_starlette.stack import chain, opens_sessions, opens_sessions_on_the_way
from monite_auth_starlette.state import RequestState

__all__ = ["Identify", "Visit"]

log = logging.getLogger("monite_auth")

Identify = Callable[[HTTPConnection], Awaitable[Principal | None] | Principal | None]


class Visit:
    """Compares who leaves with who came in.

    The app's `identify` is asked about the connection as it came in, with the session and the user that it had then: what
    apps inside put into the scope for themselves says nothing of this user; a session that has been emptied does.

    `_present` is whoever is to be logged out when they are found to be gone.
    """

    def __init__(self, app: ASGIApp, broker: TokenBroker, ask: Identify, scope: Scope) -> None:
        self._app = app
        self._broker = broker
        self._ask = ask
        self._scope = scope
        scope["state"] = RequestState(scope.get("state", {}))
        self._keep_what_came()
        self._by_session: Principal | None = None
        # A websocket is not compared as a whole: what it came in with, a token in a header say, may have run out since.
        self._compared = scope["type"] == "websocket"
        self._enter(None)

    # -- coming in

    async def begin(self) -> None:
        """Find out who comes in."""
        if _is_preflight(self._scope):
            self._compared = True
            return
        when_loaded(self._scope, self._loaded)
        bound = self._bound()
        self.connection = HTTPConnection(self._scope)  # so that the app sees what its function leaves there
        self._scope[ASKED] = False
        try:
            came = await self._principal()
        except SessionNotLoaded:
            return
        except BaseException:
            self._compared = True  # nobody has come in
            raise
        finally:
            self._keep_what_came(self._scope.pop(ASKED))
        self._enter(came)
        if self.connection.scope[ASKED]:
            bound = bound or bound_principal(await _session_that_came(self.connection, self._app))
            if is_logged_out(
                bound, self._by_session
            ):  # a middleware outside of ours has taken them out of it
                self._present = self._by_session = bound

    def _keep_what_came(self, asked: bool = False) -> None:
        """Make the connection that the app's function is asked about."""
        # Its state goes on saying what it says now, whatever the app writes into the request's.
        state = RequestState(self._scope["state"])
        self.connection = HTTPConnection({**self._scope, "state": state, ASKED: asked})

    async def _loaded(self, session: Any) -> None:
        self.connection.scope["session"] = session
        self._enter(await self._principal())

    def _enter(self, came: Principal | None) -> None:
        # A websocket has no response that could set a cookie.
        may_begin = self.connection.scope[ASKED] and self.connection.scope["type"] == "http"
        login = self._new_login if may_begin else None
        self.access = MoniteAccess(self._broker, came, new_login=login)
        self._came = self._present = came
        self.connection.scope[BOUND] = self._bound() is not None
        self._by_session = self._said_by_session()
        self._scope["state"]["monite"] = self.access

    def _new_login(self) -> Awaitable[Principal | None] | Principal | None:
        self.connection.scope.get("session", {}).pop(BINDING, None)
        self.connection.scope[BOUND] = False
        return self._ask(self.connection)

    # -- leaving

    async def compare(self) -> None:
        """Log out who has gone, and tell of who has logged in: once, before the response starts."""
        if self._compared:
            return
        self._compared = True
        self._check_order()
        if self._has_another_session() and not self._was_opened_inside():
            # A view's own: what it replaces is gone.
            self.connection.scope["session"] = self._scope["session"]
        try:
            leaves = await self._principal()
        except SessionNotLoaded:
            return
        except HTTPException:  # refused by now, with a token that has run out, say: that is no logout
            return
        if self.access.principal is not self._came:  # the app has told of a login itself
            if self._present is not self._came:
                await self._log_out()
            self._present = self.access.principal
        was_there = self._present
        if is_logged_out(was_there, leaves):
            await self._log_out()
        if (
            leaves is not None
            and leaves.session_id
            and (was_there is None or is_logged_out(was_there, leaves))
        ):
            await self._broker.alogin(leaves)
        self._present = leaves
        self._by_session = self._said_by_session()

    def give_back_session(self) -> None:
        """Put the session that came in back into the scope where a mounted app has put one of its own in its place.

        The SessionMiddleware outside looks there for what to keep: it would give the user the panel's session, or none.
        """
        if self._has_another_session():
            self._scope["session"] = self.connection.scope["session"]

    async def end(self) -> None:
        """Log out who has gone since then, or where nothing was answered; cancelled or not."""
        if self._present is None:
            return
        if not self._compared:
            await _shielded(self._last(self.compare()))
        elif self._has_left_since():
            await _shielded(self._last(self._log_out()))
        elif self.connection.scope[ASKED]:
            _look_back_later(self)

    def look_back(self) -> None:
        """Log out who has gone since the request was over for us.

        A middleware outside of ours may have held the response back, and emptied the session first.
        """
        if self._has_left_since():
            _start(self._last(self._log_out()))

    def _has_left_since(self) -> bool:
        """Say whether the session has lost its user. An app's own function is not asked again: it may cost a query."""
        return self._present is not None and is_logged_out(self._by_session, self._said_by_session())

    def _said_by_session(self) -> Principal | None:
        return identify(self.connection) if self.connection.scope[ASKED] else None

    async def _log_out(self) -> None:
        gone, self._present = self._present, None
        if gone is self.access.principal:
            if not self.access.logged_out:
                await self.access.alogout()
        elif gone is not None:
            await self._broker.alogout(gone)

    async def _last(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:
            log.exception("At the end of a request it could not be settled whether its user has logged out.")

    # -- what is there

    async def _principal(self) -> Principal | None:
        found = self._ask(self.connection)
        return checked_principal(await found if isawaitable(found) else found)

    def _bound(self) -> Principal | None:
        try:
            return bound_principal(self.connection.scope.get("session", {}))
        except SessionNotLoaded:
            return None

    def _has_another_session(self) -> bool:
        came, leaves = self.connection.scope.get("session"), self._scope.get("session")
        return came is not None and leaves is not None and leaves is not came

    def _was_opened_inside(self) -> bool:
        """Say whether the session in the scope is that of an app inside, and not one that a view has put there."""
        came, inside = self.connection.scope, self._scope.get("app")
        is_mounted = inside is not came.get("app") and any(map(opens_sessions, chain(inside)))
        return is_mounted or opens_sessions_on_the_way(self._app, came)

    def _check_order(self) -> None:
        """Raise ConfigurationError where the app's sessions are opened inside the middleware, too late for it to see."""
        opened_inside = "session" in self._scope and "session" not in self.connection.scope
        if opened_inside and self.connection.scope[ASKED] and any(map(opens_sessions, chain(self._app))):
            raise ConfigurationError(
                "SessionMiddleware runs inside MoniteAuthMiddleware, which therefore sees no session. "
                "Call app.add_middleware(SessionMiddleware, …) after app.add_middleware(MoniteAuthMiddleware, …)."
            )


def _is_preflight(scope: Scope) -> bool:
    """Say whether a browser asks for CORS permission: without credentials (Fetch standard, section 3.3.2), so as nobody."""
    return (
        scope["type"] == "http"
        and scope["method"] == "OPTIONS"
        and any(name == b"access-control-request-method" for name, _ in scope["headers"])
    )


async def _session_that_came(connection: HTTPConnection, inside: ASGIApp) -> dict[str, Any]:
    """Return the session as it came in, before a middleware between SessionMiddleware and ours could change it.

    The app's SessionMiddleware is asked once more, for an app that only takes note of what it is given.
    """
    found: dict[str, Any] = {}

    async def take_note(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        await load_session(HTTPConnection(scope))
        found.update(scope["session"])

    if connection.scope.get("session") is not None and connection.cookies:
        for each in chain(connection.scope.get("app")):
            if each is inside:
                break
            if opens_sessions(each):
                again = copy(each)
                again.app = take_note
                await again({**connection.scope}, _nothing, _nothing)
                break
    return found


async def _nothing(*_: object) -> Any:
    raise AssertionError("A SessionMiddleware receives and sends nothing of its own.")


_tasks: set[asyncio.Task[None]] = set()
"""Logouts under way: event loops hold tasks weakly."""


def _start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def _shielded(work: Coroutine[Any, Any, None]) -> None:
    """Await work that goes on when the request is cancelled, as often as cancel scopes repeat it."""
    await asyncio.shield(_start(work))


_latest: WeakKeyDictionary[asyncio.Task[Any], Visit] = WeakKeyDictionary()
"""The last visit of each task that serves requests."""


def _look_back_later(visit: Visit) -> None:
    """Have a visit look back when its task is done, or serves another request."""
    task = asyncio.current_task()
    if task is None:
        return
    before = _latest.get(task)
    _latest[task] = visit
    if before is None:
        task.add_done_callback(lambda task: _latest.pop(task).look_back())
    else:
        before.look_back()
