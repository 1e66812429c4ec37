"""The project's functions, called the way Django calls views."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from monite_auth.adapter import AppFunction, ViewFunction

__all__ = ["ProjectFunction", "connections_left_as_found"]

PATIENCE = 0.5
"""Seconds in which the request's thread begins, as a rule. Where it does not, it may wait for this very function: a blocking call
in it has joined a mint that an event loop leads."""


class ProjectFunction(ViewFunction[Any]):
    """A `def` or an `async def` that views of both kinds call.

    Under ASGI a `def` runs in the request's thread, as all of Django's ORM does: another thread would open database
    connections of its own. Only if that thread does not get to it, another one runs it, and closes them.
    """

    def __init__(self, name: str, function: Any, *, instead: str) -> None:
        super().__init__(name, function, to_sync=async_to_sync, instead=instead)
        self._elsewhere: AppFunction[Any] = AppFunction(name, self._call_and_close)

    async def acall(self, *arguments: Any) -> Any:
        """Await the function, or run it in the request's thread."""
        if self.is_async:
            return await super().acall(*arguments)
        begins = threading.Lock()  # whoever gets it calls the function

        def call() -> Any:
            return self.function(*arguments) if begins.acquire(blocking=False) else None

        # A task, since asgiref waits for the thread when it is cancelled.
        asked = asyncio.ensure_future(sync_to_async(call)())
        asked.add_done_callback(_take_failure)
        await asyncio.wait([asked], timeout=PATIENCE)
        if not asked.done() and begins.acquire(blocking=False):
            return await self._elsewhere.acall(*arguments)
        await asyncio.wait([asked])
        return asked.result()

    def _call_and_close(self, *arguments: Any) -> Any:
        with connections_left_as_found():
            return self.function(*arguments)


def _take_failure(asked: "asyncio.Future[Any]") -> None:
    """Take a failure that nobody waits for any more, so that asyncio does not log it."""
    if not asked.cancelled():
        asked.exception()


@contextmanager
def connections_left_as_found() -> Iterator[None]:
    """Close the database connections that the block opens.

    A renewal runs in a background thread. Django closes connections at the end of a request, and there is none.
    """
    found = [each for each in connections.all(initialized_only=True) if each.connection is not None]
    try:
        yield
    finally:
        for each in connections.all(initialized_only=True):
            if each.connection is not None and each not in found:
                each.close()
                if each.connection is not None and threading.current_thread() is not threading.main_thread():
                    # Django keeps SQLite in memory open, and a thread that ends would drop its connection.
                    BaseDatabaseWrapper.close(each)
