"""Monite for one request of Flask's, in views of both kinds.

Flask runs each `async def` view on an event loop of its own, which ends with the view. Renewals and revocations in the
background would end with it. So threads do the work here; only the app's own calls to Monite run on the view's loop.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from typing import TypeVar

import httpx

from monite_auth import AccessToken, BrokerAuth, EntityUser, MoniteAccess, Principal, Settings, TokenBroker
from monite_auth.adapter import Partner, Visit, nobody_logged_in
from monite_auth.outbound import Call
from monite_auth.rbac import Action, ObjectType, Role

__all__ = ["ViewAccess"]

Result = TypeVar("Result")


class ViewAccess(MoniteAccess):
    """A MoniteAccess whose `a…` methods leave no background work on the view's event loop."""

    __slots__ = ("_view_client", "_view_loop")

    def __init__(
        self,
        broker: TokenBroker,
        principal: Principal | None,
        *,
        new_login: Callable[[], Principal | None] | None = None,
        visit: Visit | None = None,
    ) -> None:
        super().__init__(broker, principal, new_login=new_login, visit=visit)
        self._view_client: httpx.AsyncClient | None = None
        self._view_loop: asyncio.AbstractEventLoop | None = None

    async def atoken(self, *, min_ttl: float = 0) -> AccessToken:
        """Return the principal's token; see TokenBroker.token."""
        return await _in_thread(partial(self.token, min_ttl=min_ttl))

    async def aheaders(self) -> dict[str, str]:
        """Return the headers of a call to Monite; see TokenBroker.headers."""
        return await _in_thread(self.headers)

    @property
    def aclient(self) -> httpx.AsyncClient:
        """An `httpx.AsyncClient` that calls Monite as the principal; see TokenBroker.client.

        Raises:
            NotLoggedIn: nobody is logged in.

        """
        self.was_used = True
        principal = self.principal
        if principal is None:
            raise nobody_logged_in()
        loop = asyncio.get_running_loop()
        # An async before_request has a loop of its own.
        if self._view_client is None or self._view_loop is not loop:
            self._view_client, self._view_loop = self.broker.aclient(principal), loop
            self._view_client.auth = BrokerAuth(_TokensOfThreads(self.broker), principal)
        return self._view_client

    async def aentity_user(self) -> EntityUser:
        """Return who the principal is in Monite; raises NotLoggedIn or NotLinked."""
        return await _in_thread(self.entity_user)

    async def arole(self) -> Role:
        """Return the principal's role in Monite; see TokenBroker.role."""
        return await _in_thread(self.role)

    async def acan(self, object_type: ObjectType | str, action: Action | str, *, own: bool = False) -> bool:
        """Return whether the principal may do this; see `can`."""
        return await _in_thread(partial(self.can, object_type, action, own=own))

    async def ademand(
        self, object_type: ObjectType | str, action: Action | str, *, own: bool = False
    ) -> None:
        """Raise NotLoggedIn or NotPermitted unless the principal may do this; see `can`."""
        await _in_thread(partial(self.demand, object_type, action, own=own))

    async def alogin(self) -> None:
        """Begin a new session for the user who has just logged in; see MoniteAccess.login."""
        await _in_thread(partial(copy_context().run, self.login))  # it reads the request's session

    async def alogout(self) -> None:
        """End this session in Monite; see `logout`."""
        await _in_thread(self.logout)


class _TokensOfThreads:
    """The source of tokens for an async view's client (a TokenSource)."""

    def __init__(self, broker: TokenBroker) -> None:
        self.settings: Settings = broker.settings
        self.token_for_call = broker.token_for_call
        self.exchange = broker.exchange
        self.exchanged = broker.exchanged
        self.heed = broker.heed

    async def atoken_for_call(
        self, principal: Principal | Partner | None, call: Call, *, budget: bool = False
    ) -> AccessToken:
        return await _in_thread(partial(self.token_for_call, principal, call, budget=budget))

    async def aexchange(
        self, principal: Principal | Partner | None, token: AccessToken, *, certain: bool
    ) -> bool:
        """See TokenSource."""
        return await _in_thread(partial(self.exchange, principal, token, certain=certain))

    async def aexchanged(self, principal: Principal | Partner | None, *, helped: bool) -> None:
        await _in_thread(partial(self.exchanged, principal, helped=helped))

    async def aheed(self, status: int, headers: Mapping[str, str], *, budget: bool = False) -> None:
        await _in_thread(partial(self.heed, status, headers, budget=budget))


async def _in_thread(call: Callable[[], Result]) -> Result:
    """Make a blocking call in a thread, without the view's context.

    `asyncio.to_thread` would take the context along, and the directory would use the view's database session in another
    thread. Without it, the directory gets an application context of its own.
    """
    return await asyncio.get_running_loop().run_in_executor(None, call)
