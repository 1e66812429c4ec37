"""One connection: its people, from the moment it comes in until it is over.

The rules are those of `monite_auth.adapter.Visit`. This module says where ASGI keeps things, and when to ask.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from inspect import isawaitable
from typing import Any

from monite_auth import Principal
from monite_auth.adapter import (
    BINDING,
    MoniteAccess,
    Visit,
    abegin,
    aend,
    bound_principal,
    checked_principal,
    is_logged_out,
    log_failed_identify,
)
from monite_auth.broker import TokenBroker
from monite_auth.errors import MoniteAuthError, NotLoggedIn
from monite_auth_asgi.afterwards import call_when_task_is_free, shielded, start
from monite_auth_asgi.identify import ASKED, BOUND, identify, session_in
from monite_auth_asgi.state import ACCESS, RequestState
from monite_auth_asgi.types import Scope

__all__ = ["VISIT", "ConnectionVisit", "Identify"]

log = logging.getLogger("monite_auth")

Identify = Callable[[Any], Awaitable[Principal | None] | Principal | None]
"""The app's function: asked about a scope here, about a connection where a framework has such an object."""

VISIT = "monite_auth.visit"
"""The scope's key for its visit."""


class ConnectionVisit:
    """Ends the session of a user who has gone by the end of a request, and tells the broker of a user who has logged in.

    `identify` is asked about the scope as it came in, with the session and the user that it had then. Apps inside may put
    other things into the scope for themselves, which say nothing about this user; an emptied session does.
    """

    default_identify: Identify = staticmethod(identify)
    """The function by which the middleware's users are found unless the app has one of its own."""

    not_loaded: tuple[type[Exception], ...] = ()
    """Exceptions by which the framework says that the session is not loaded yet; then `identify` is asked later."""

    no_word: tuple[type[Exception], ...] = ()
    """Exceptions of `identify` that are no logout when the request ends: it says neither yes nor no."""

    may_be_held_back = True
    """Whether a middleware outside of ours may hold the response back before the session is kept, and empty the session first."""

    def __init__(self, broker: TokenBroker, ask: Identify, scope: Scope) -> None:
        self._broker = broker
        self._ask = ask
        self._outside = scope
        # Around an app that is mounted in another one with a middleware of ours: what that one has put there stays.
        self.scope = scope = {**scope} if VISIT in scope else scope
        self._arrived: Principal | None = None
        """Who came in with a session that tells of every change."""
        self._noted: Visit | None = None
        self._own_session: MutableMapping[str, Any] | None = None
        self._telling_session: Any = None
        """The session, if nothing else says who is logged in, and it tells of every change."""
        self.failure: MoniteAuthError | None = None
        """The error that the access has raised last, unless it has worked since then."""
        scope["state"] = RequestState(scope.get("state", {}))
        scope[VISIT] = self
        self.arrived_scope = scope
        # A websocket is not compared as a whole: the token in its header, for example, may have run out since.
        self._compared = scope["type"] == "websocket"

    # -- coming in

    async def begin(self) -> None:
        """Find out who comes in; raises what `identify` raises."""
        arrived = None
        self.scope[ASKED] = False
        try:
            came_with = self._binding()
            # It is asked about the scope itself, so that the app sees whatever its function leaves there.
            if _is_preflight(self.scope):
                self._compared = True
                return
            found = self.ask()
            arrived = found if isinstance(found, Principal) else await self._checked(found)
        except self.not_loaded:
            return
        except BaseException:
            self._compared = True  # nobody has come in
            raise
        finally:
            self._keep_arrived(asked=self.scope.pop(ASKED))
            self._enter(arrived)
        self._telling_session = self.find_telling_session()
        # Where a user was put into a session without us, there is no session id yet, and another may be bound to it.
        if arrived is not None and arrived.session_id is not None and self.is_untouched():
            bound: Principal | None = arrived
        else:
            bound = bound_principal(came_with)
            # Where nothing can hold a response back, nothing could change the session before it came to us.
            if bound is None and self._was_asked and self.may_be_held_back:
                bound = bound_principal(await self.find_session_that_arrived())
        if bound is arrived and self.is_untouched():
            self._arrived = arrived
        else:
            self._arrive(bound, arrived)

    @property
    def _people(self) -> Visit:
        """Who is here, noted when it is first needed: most requests leave the session as it was."""
        if self._noted is None:
            people = Visit()
            people.arrive("session", self._arrived)
            people.arrive("identify", self._arrived)
            self._noted = people  # whole: a thread of the app's may log out meanwhile
        return self._noted

    def _arrive(self, bound: Principal | None, arrived: Principal | None) -> None:
        people = self._people
        people.arrive("session", bound)
        said = self._said_by_session(arrived)
        note = people.arrive
        if said is not bound:
            people.act("session", said)
            if is_logged_out(bound, said):  # before the request came to us
                self._telling_session = None
                # A middleware outside of ours may have logged somebody else in.
                note = people.act if self._was_asked else note
        note("identify", arrived)

    def _keep_arrived(self, *, asked: bool) -> None:
        """Keep the scope that the app's function is asked about from now on."""
        self.arrived_scope = {**self.scope, ASKED: asked}
        if self._ask is not self.default_identify:  # which reads no state
            # It goes on saying what it says now, whatever the app writes into the request's.
            self.arrived_scope["state"] = RequestState(self.scope["state"])

    async def open_session(self, session: MutableMapping[str, Any]) -> None:
        """Take a session that the framework has opened inside of the middleware; see the function `open_session`."""
        # Of a proxy, take what it stands for: the visit outlives the framework's context.
        session = getattr(session, "_get_current_object", lambda: session)()
        self._own_session = session
        self._telling_session = None
        self.arrived_scope["session"] = session
        came_with = self._binding()
        arrived = await self._checked(self.ask())
        self._enter(arrived)
        self._arrive(bound_principal(came_with), arrived)

    def _enter(self, arrived: Principal | None) -> None:
        # A websocket has no response that could set a cookie.
        may_begin = self._was_asked and self.scope["type"] == "http"
        self.access = MoniteAccess(
            self._broker,
            arrived,
            new_login=self._new_login if may_begin else None,
            visit=self,
            on_failure=self._note_failure,
        )
        self.scope["state"][ACCESS] = self.access
        if "user" in self.scope:  # only then does `identify` ask for it
            self.arrived_scope[BOUND] = arrived is not None and bool(self._binding())

    def _new_login(self) -> Awaitable[Principal | None] | Principal | None:
        session = session_in(self.arrived_scope)
        if session is not None:
            session.pop(BINDING, None)
        self.arrived_scope[BOUND] = False
        return self.ask()

    # -- leaving

    async def compare(self) -> None:
        """End the sessions of users who have gone, and tell the broker of a login: once, before the response starts."""
        if self._compared:
            return
        self._compared = True
        try:
            await self._compare()
        except asyncio.CancelledError:
            self._compared = False  # `end` does it: the framework cancels a request whose client has hung up
            raise

    async def _compare(self) -> None:
        self.follow_session()
        try:
            current = await self._checked(self.ask())
        except NotLoggedIn:  # so the user has logged out
            current = None
        except (*self.not_loaded, *self.no_word):
            return
        except Exception as error:  # noqa: BLE001 - the app's own code, and its answer is on its way
            log_failed_identify(error)
            current = None
        people = self._people
        people.act("identify", self.access.principal)  # the app may have told of a login itself
        gone = people.leave("identify", current)
        if self._was_asked:
            gone += people.leave("session", self._said_by_session(current))
        if gone:
            await aend(self._its_broker, gone)
        if current is not None and people.has_begun(current):
            await abegin(self._its_broker, current)

    def is_untouched(self) -> bool:
        """Return whether the session surely has whomever the request came in with, so that it need not be read again.

        Removing a user modifies the session.
        """
        session = self._telling_session
        return session is not None and not session.modified and session is self.scope.get("session")

    def find_telling_session(self) -> Any:
        """Return the session if nothing else says who is logged in, and its `modified` is true once anybody has changed it.

        A `modified` of any class says less: an app may save a session itself, and it is unmodified again.
        """
        return None

    def follow_session(self) -> None:
        """Look at the session that the app leaves behind: it may have put another one into the scope."""
        if self._own_session is None and "session" in self.arrived_scope:
            self.arrived_scope["session"] = self.scope.get("session")

    def give_back_session(self) -> None:
        """Leave in the scope, for a middleware outside that keeps it, the session that is to be kept."""
        if "session" in self._outside and "session" in self.scope:
            self._outside["session"] = self.scope["session"]

    async def end(self) -> None:
        """End the sessions of users who have gone since then, also if the request was cancelled or has no answer."""
        self.failure = None  # its traceback holds the frames of the whole request
        may_change = self._was_asked and self.may_be_held_back
        if (self.is_untouched() and not may_change) or not self._people.has_people:
            self._let_go()
        elif not self._compared and not self.is_untouched():
            await shielded(self._last(self.compare()))
            # Somebody is still here, and a middleware outside may still empty the session.
            if may_change and self._people.has_people:
                call_when_task_is_free(self._look_back)
            else:
                self._let_go()
        elif gone := self._gone_since():
            await aend(self._its_broker, gone)
            self._let_go()
        elif may_change:
            call_when_task_is_free(self._look_back)
        else:
            self._let_go()

    def _look_back(self) -> None:
        """End the sessions of users who have gone since the request was over for us: see `may_be_held_back`."""
        if gone := self._gone_since():
            start(aend(self._its_broker, gone))
        self._let_go()

    def _gone_since(self) -> list[Principal]:
        """Return everybody who was here, if the session has lost its user; whoever has logged in instead stays.

        An app's own function is not asked again: it may cost a query.
        """
        if not self._was_asked or self.is_untouched():
            return []
        self.follow_session()
        current = identify(self.arrived_scope)
        gone = self._people.leave("session", current)
        return gone + self._people.leave("identify", current) if gone else []

    async def _last(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:
            log.exception("At the end of a request it could not be settled whether its user has logged out.")

    def _let_go(self) -> None:
        """Let go of the request, which is over. Its scope holds this visit: only the garbage collector would find the two."""
        self.scope = self.arrived_scope = self._outside = {"type": self.scope["type"]}
        del self.access

    # -- what the access tells

    def note_login(self, principal: Principal) -> None:
        """See Visit."""
        self._people.note_login(principal)

    def note_logout(self, principal: Principal) -> None:
        """See Visit."""
        self._people.note_logout(principal)

    # -- what is there

    @property
    def _was_asked(self) -> bool:
        return bool(self.arrived_scope[ASKED])

    def ask(self) -> Awaitable[Principal | None] | Principal | None:
        """Ask the app's function about the scope as it came in."""
        return self._ask(self.arrived_scope)

    async def _checked(self, found: Any) -> Principal | None:
        """Return whom the app's function has found; raise if that is nobody who can be."""
        return checked_principal(await found if isawaitable(found) else found)

    def _said_by_session(self, identified: Principal | None) -> Principal | None:
        """Return whom the session names; `identified`: whom `identify` has just named."""
        if self._ask is self.default_identify:
            return identified
        return identify(self.arrived_scope) if self._was_asked else None

    def _binding(self) -> dict[str, Any]:
        """Return what the session says now of whom it is bound to; empty if that is nobody."""
        try:
            session = session_in(self.arrived_scope) or {}
            return {BINDING: session[BINDING]} if BINDING in session else {}
        except self.not_loaded:
            return {}

    async def find_session_that_arrived(self) -> MutableMapping[str, Any]:
        """Return the session as the client sent it, where a middleware outside of ours may have changed it since."""
        return {}

    def _its_broker(self) -> TokenBroker:
        return self._broker

    def _note_failure(self, error: MoniteAuthError | None) -> None:
        self.failure = error


def _is_preflight(scope: Scope) -> bool:
    """Return whether a browser asks for CORS permission: without credentials (Fetch standard, section 3.3.2), so as nobody."""
    return (
        scope["type"] == "http"
        and scope["method"] == "OPTIONS"
        and any(name == b"access-control-request-method" for name, _ in scope["headers"])
    )
