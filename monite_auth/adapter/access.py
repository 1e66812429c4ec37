"""Monite on behalf of one request's principal; every adapter puts a MoniteAccess on its request."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import httpx

from monite_auth.adapter.endings import abegin, aend, begin, end
from monite_auth.adapter.failures import NotedTokens, NoteFailure, noted
from monite_auth.adapter.visit import Visit
from monite_auth.broker import TokenBroker
from monite_auth.errors import BlockingCallError, ConfigurationError, NotLoggedIn, NotPermitted
from monite_auth.identity import EntityUser, Principal
from monite_auth.outbound import BrokerAuth
from monite_auth.rbac import Action, ObjectType, Role
from monite_auth.telemetry.facts import CallRefused
from monite_auth.tokens import AccessToken

__all__ = ["MoniteAccess"]


class Notes(Protocol):
    """Takes note of the logins and logouts that an app asks for: a Visit does."""

    def note_login(self, principal: Principal) -> None:
        """Note that the broker was told of a login."""

    def note_logout(self, principal: Principal) -> None:
        """Note that the app ended a session itself."""


class MoniteAccess:
    """Monite for the principal of one request.

    It is there for anonymous visitors too, and then falsy: whatever needs a person raises NotLoggedIn. Nothing is
    looked up or minted before it is needed.

    `new_login`: gives the request's session another id, and returns who is logged in there now; None where the app keeps
    its sessions itself.
    `visit`: the request's visit, which is told about logins and logouts that the app asks for.
    `on_failure`: called with each error that a method raises, and with None when the next one works. An adapter whose
    framework answers every exception by itself learns from it what such an answer is about.
    """

    __slots__ = (
        "_aclient",
        "_broker",
        "_client",
        "_new_login",
        "_on_failure",
        "_principal",
        "_visit",
        "logged_out",
        "was_used",
    )

    def __init__(
        self,
        broker: TokenBroker,
        principal: Principal | None,
        *,
        new_login: Callable[[], Awaitable[Principal | None] | Principal | None] | None = None,
        visit: Notes | None = None,
        on_failure: NoteFailure | None = None,
    ) -> None:
        self._broker = broker
        self._principal = principal
        self._new_login = new_login
        self._visit: Notes = Visit() if visit is None else visit
        self._on_failure = on_failure
        self._client: httpx.Client | None = None
        self._aclient: httpx.AsyncClient | None = None
        self.logged_out = False
        """Whether this request ended the session."""
        self.was_used = False
        """Whether this request's answer may depend on the principal's token, so that no cache may keep it."""

    def __bool__(self) -> bool:
        return self._principal is not None

    def __repr__(self) -> str:
        return f"<MoniteAccess of {self._principal!r}>"

    @property
    def broker(self) -> TokenBroker:
        """The application's broker."""
        return self._broker

    @property
    def principal(self) -> Principal | None:
        """Who is asking; None for an anonymous visitor."""
        return self._principal

    def token(self, *, min_ttl: float = 0) -> AccessToken:
        """Return the principal's token; see TokenBroker.token."""
        with self._using():
            return self._broker.token(self._principal, min_ttl=min_ttl)

    async def atoken(self, *, min_ttl: float = 0) -> AccessToken:
        """Return the principal's token; see TokenBroker.token."""
        with self._using():
            return await self._broker.atoken(self._principal, min_ttl=min_ttl)

    def headers(self) -> dict[str, str]:
        """Return the headers of a call to Monite; see TokenBroker.headers."""
        with self._using():
            return self._broker.headers(self._principal)

    async def aheaders(self) -> dict[str, str]:
        """Return the headers of a call to Monite; see TokenBroker.headers."""
        with self._using():
            return await self._broker.aheaders(self._principal)

    @property
    def client(self) -> httpx.Client:
        """An `httpx.Client` that calls Monite as the principal; see TokenBroker.client."""
        with self._using():
            if self._client is None:
                self._client = self._broker.client(self._required())
                self._note_failures_of(self._client)
            return self._client

    @property
    def aclient(self) -> httpx.AsyncClient:
        """An `httpx.AsyncClient` that calls Monite as the principal; see TokenBroker.client."""
        with self._using():
            if self._aclient is None:
                self._aclient = self._broker.aclient(self._required())
                self._note_failures_of(self._aclient)
            return self._aclient

    def entity_user(self) -> EntityUser:
        """Return who the principal is in Monite; raises NotLoggedIn or NotLinked."""
        with self._using():
            return self._broker.entity_user(self._principal)

    async def aentity_user(self) -> EntityUser:
        """Return who the principal is in Monite; raises NotLoggedIn or NotLinked."""
        with self._using():
            return await self._broker.aentity_user(self._principal)

    def role(self) -> Role:
        """Return the principal's role in Monite; see TokenBroker.role."""
        with self._using():
            return self._broker.role(self._principal)

    async def arole(self) -> Role:
        """Return the principal's role in Monite; see TokenBroker.role."""
        with self._using():
            return await self._broker.arole(self._principal)

    def can(self, object_type: ObjectType | str, action: Action | str, *, own: bool = False) -> bool:
        """Return whether the principal may do this, for views and templates; an anonymous visitor may do nothing.

        See TokenBroker.can.
        """
        with self._using():
            return self._principal is not None and self._broker.can(
                self._principal, object_type, action, own=own
            )

    async def acan(self, object_type: ObjectType | str, action: Action | str, *, own: bool = False) -> bool:
        """Return whether the principal may do this; see `can`."""
        with self._using():
            return self._principal is not None and await self._broker.acan(
                self._principal, object_type, action, own=own
            )

    def demand(self, object_type: ObjectType | str, action: Action | str, *, own: bool = False) -> None:
        """Raise NotLoggedIn or NotPermitted unless the principal may do this; see `can`."""
        with self._using():
            if not self._broker.can(self._required(), object_type, action, own=own):
                raise self._refusal(object_type, action)

    async def ademand(
        self, object_type: ObjectType | str, action: Action | str, *, own: bool = False
    ) -> None:
        """Raise NotLoggedIn or NotPermitted unless the principal may do this; see `can`."""
        with self._using():
            if not await self._broker.acan(self._required(), object_type, action, own=own):
                raise self._refusal(object_type, action)

    def login(self) -> None:
        """Begin a new session for the user who has just logged in, in a session that was not emptied before.

        Call it where the app logs people in, after it has put them into the session. The tokens of the earlier login end,
        as at a logout. An earlier logout, or an `end_user`, does not keep the new login out.

        Raises NotLoggedIn if nobody is logged in, ConfigurationError if the app keeps its sessions itself, and
        BlockingCallError if `identify` is an async function.
        """
        principal = self._ask_for_login()
        if inspect.isawaitable(principal):
            if inspect.iscoroutine(principal):
                principal.close()
            raise BlockingCallError(
                "identify is an async function, so login() cannot ask it who has logged in: await alogin() instead."
            )
        end(self._its_broker, self._begin(principal))
        begin(self._its_broker, self._required())

    async def alogin(self) -> None:
        """Begin a new session for the user who has just logged in; see `login`."""
        principal = self._ask_for_login()
        gone = self._begin(await principal if inspect.isawaitable(principal) else principal)
        await aend(self._its_broker, gone)
        await abegin(self._its_broker, self._required())

    def logout(self) -> None:
        """End this session in Monite; does nothing for an anonymous visitor.

        Never raises, and never waits for Monite. What a store that is down cannot record holds in this process at once, and is
        repeated when the store is back; the log says so.
        """
        end(self._its_broker, self._end())

    async def alogout(self) -> None:
        """End this session in Monite; see `logout`."""
        await aend(self._its_broker, self._end())

    def _ask_for_login(self) -> Awaitable[Principal | None] | Principal | None:
        if self._new_login is None:
            raise ConfigurationError(
                "login() gives a session another id, and here the app's own identify says what the id is: let it name a new "
                "session_id for each login, and call broker.login(principal) with it."
            )
        return self._new_login()

    def _begin(self, principal: Principal | None) -> list[Principal]:
        """Act for the person who has just logged in; return whose session is over."""
        if principal is None:
            raise NotLoggedIn(
                "login() was called before anybody was logged in: put the user into the session first."
            )
        gone = [] if self.logged_out else self._end()
        self._principal = principal
        self._visit.note_login(principal)
        self._client = self._aclient = None
        self.logged_out = False
        return gone

    def _end(self) -> list[Principal]:
        """Note that this session is over; return whose it is."""
        if self._principal is None:
            return []
        self._visit.note_logout(self._principal)
        self.logged_out = True
        return [self._principal]

    def _its_broker(self) -> TokenBroker:
        return self._broker

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Note that the answer depends on the principal's token from here on, and whether the call fails."""
        self.was_used = True
        with noted(self._on_failure):
            yield

    def _note_failures_of(self, client: httpx.Client | httpx.AsyncClient) -> None:
        if self._on_failure is not None:
            client.auth = BrokerAuth(NotedTokens(self._broker, self._on_failure), self._principal)

    def _refusal(self, object_type: str, action: str) -> NotPermitted:
        self._broker.telemetry.tell(CallRefused(self._required(), f"{object_type}.{action}"))
        return NotPermitted(
            f"The principal may not {action} objects of type {object_type}; nothing was sent to Monite."
        )

    def _required(self) -> Principal:
        if self._principal is None:
            raise NotLoggedIn("Nobody is logged in, so there is no one to act for in Monite.")
        return self._principal
