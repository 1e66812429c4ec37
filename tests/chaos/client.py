"""One client of the broker for threads and event loops alike, so that a visitor is written once.

As in the package, the methods for threads do their work inside and never suspend, and `run` drives them.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Protocol

import httpx

from monite_auth import AccessToken, Principal, TokenBroker
from monite_auth.engine.drain import DrainReport
from monite_auth.engine.runtime import run


class Client(Protocol):
    """The calls of the broker that a visitor makes, in threads or on an event loop."""

    async def token(self, principal: Principal, min_ttl: float) -> AccessToken: ...
    async def get(self, principal: Principal, path: str) -> httpx.Response: ...
    async def logout(self, principal: Principal) -> None: ...
    async def drain(self) -> DrainReport: ...
    async def pause(self, seconds: float) -> None: ...
    async def both(self, one: Coroutine[Any, Any, object], other: Coroutine[Any, Any, object]) -> None: ...
    async def close(self) -> None: ...


class ThreadClient:
    """Blocking calls; nothing here suspends."""

    def __init__(self, broker: TokenBroker) -> None:
        self._broker = broker
        self._never = threading.Event()

    async def token(self, principal: Principal, min_ttl: float) -> AccessToken:
        return self._broker.token(principal, min_ttl=min_ttl)

    async def get(self, principal: Principal, path: str) -> httpx.Response:
        return self._broker.client(principal).get(path)

    async def logout(self, principal: Principal) -> None:
        self._broker.logout(principal)

    async def drain(self) -> DrainReport:
        return self._broker.drain(within=1)

    async def pause(self, seconds: float) -> None:
        self._never.wait(seconds)

    async def both(self, one: Coroutine[Any, Any, object], other: Coroutine[Any, Any, object]) -> None:
        beside = threading.Thread(target=run, args=(other,))
        beside.start()
        await one
        beside.join()

    async def close(self) -> None:
        self._broker.close()


class TaskClient:
    """Calls on the event loop."""

    def __init__(self, broker: TokenBroker) -> None:
        self._broker = broker

    async def token(self, principal: Principal, min_ttl: float) -> AccessToken:
        return await self._broker.atoken(principal, min_ttl=min_ttl)

    async def get(self, principal: Principal, path: str) -> httpx.Response:
        return await self._broker.aclient(principal).get(path)

    async def logout(self, principal: Principal) -> None:
        await self._broker.alogout(principal)

    async def drain(self) -> DrainReport:
        return await self._broker.adrain(within=1)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def both(self, one: Coroutine[Any, Any, object], other: Coroutine[Any, Any, object]) -> None:
        await asyncio.gather(one, other)

    async def close(self) -> None:
        await self._broker.aclose()
