"""One client of the broker for threads and event loops alike, so that a visitor is written once.

As in the package, the methods for threads do their work inside and never suspend, and `run` drives them.
"""

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

import httpx

from monite_auth import AccessToken, Principal, TokenBroker
from monite_auth.engine.drain import DrainReport
from monite_auth.engine.runtime import run

Result = TypeVar("Result")

CUT_OFF_WITHIN = 0.1
"""Seconds of a call within which its event loop may be stopped: about as long as a mint takes on a busy machine."""


class CallCutOff(Exception):
    """The event loop was stopped in the middle of a call."""


class Client(Protocol):
    """The calls of the broker that a visitor makes, in threads or on an event loop."""

    async def token(self, principal: Principal, min_ttl: float) -> AccessToken: ...
    async def get(self, principal: Principal, path: str) -> httpx.Response: ...
    async def logout(self, principal: Principal) -> None: ...
    async def drain(self) -> DrainReport: ...
    async def both(self, one: Coroutine[Any, Any, object], other: Coroutine[Any, Any, object]) -> None: ...
    async def close(self) -> None: ...

    async def told_to_stop(self, *, within: float) -> bool:
        """Wait for the process to be told to stop, `within` seconds at the most, and say whether it was."""

    async def pause(self, seconds: float) -> None:
        """Let time pass: a person's pause before the next try, or until the store says that something is due."""


class ThreadClient:
    """Blocking calls; nothing here suspends."""

    def __init__(self, broker: TokenBroker) -> None:
        self._broker = broker
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Tell all visitors to stop; a signal handler may do it."""
        self._stopping.set()

    async def token(self, principal: Principal, min_ttl: float) -> AccessToken:
        return self._broker.token(principal, min_ttl=min_ttl)

    async def get(self, principal: Principal, path: str) -> httpx.Response:
        return self._broker.client(principal).get(path)

    async def logout(self, principal: Principal) -> None:
        self._broker.logout(principal)

    async def drain(self) -> DrainReport:
        return self._broker.drain(within=1)

    async def told_to_stop(self, *, within: float) -> bool:
        # Under gevent, who waits for an event just when it is set may wait for ever.
        return self._stopping.is_set() or self._stopping.wait(within)

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - nothing here suspends

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
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Tell all visitors to stop."""
        self._stopping.set()

    async def token(self, principal: Principal, min_ttl: float) -> AccessToken:
        return await self._broker.atoken(principal, min_ttl=min_ttl)

    async def get(self, principal: Principal, path: str) -> httpx.Response:
        return await self._broker.aclient(principal).get(path)

    async def logout(self, principal: Principal) -> None:
        await self._broker.alogout(principal)

    async def drain(self) -> DrainReport:
        return await self._broker.adrain(within=1)

    async def told_to_stop(self, *, within: float) -> bool:
        if within:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), within)
        return self._stopping.is_set()

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def both(self, one: Coroutine[Any, Any, object], other: Coroutine[Any, Any, object]) -> None:
        await asyncio.gather(one, other)

    async def close(self) -> None:
        await self._broker.aclose()


class ShortLoopClient(ThreadClient):
    """Each call on an event loop that lives no longer than it, as async views of Flask have one.

    Some loops are shut down properly, some are closed without that, and some are stopped in the middle of the call.
    """

    def __init__(self, broker: TokenBroker, chance: random.Random) -> None:
        super().__init__(broker)
        self._chance = chance

    async def token(self, principal: Principal, min_ttl: float) -> AccessToken:
        return self._on_loop(self._broker.atoken(principal, min_ttl=min_ttl))

    async def get(self, principal: Principal, path: str) -> httpx.Response:
        async def call() -> httpx.Response:
            return await self._broker.aclient(principal).get(path)

        return self._on_loop(call())

    async def logout(self, principal: Principal) -> None:
        """Log out; a person whose page did not come presses the button again."""
        while True:
            with contextlib.suppress(CallCutOff):
                return self._on_loop(self._broker.alogout(principal))

    def _on_loop(self, call: Coroutine[Any, Any, Result]) -> Result:
        how = self._chance.choices(("shut down", "closed", "stopped"), (5, 4, 1))[0]
        if how == "shut down":
            return asyncio.run(call)
        loop = asyncio.new_event_loop()
        task = loop.create_task(call)
        if how == "stopped":
            loop.call_later(self._chance.uniform(0, CUT_OFF_WITHIN), loop.stop)
        task.add_done_callback(lambda _: loop.stop())
        try:
            loop.run_forever()
        finally:
            loop.close()
        if not task.done():
            raise CallCutOff
        return task.result()
