"""Functions of the project that the core asks, called as Django calls views."""

import asyncio
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from monite_auth.callables import AppFunction
from monite_auth.errors import BlockingCallError

__all__ = ["ProjectFunction"]


class ProjectFunction(AppFunction[Any]):
    """A `def` or an `async def`, asked by views of both kinds.

    Under ASGI a `def` runs in the thread that belongs to the request, as all of Django's ORM: another one would have
    connections to the database of its own, which nobody closes.
    """

    def call(self, *arguments: Any) -> Any:
        """Call the function; an `async def` runs on an event loop of its own."""
        if not self.is_async:
            return self.function(*arguments)
        if _on_event_loop():
            raise BlockingCallError(
                f"{self.name} is an async function, and an async view cannot wait for it in a blocking call: use "
                "`await request.monite.acan(…)`, or another of the a… methods."
            )
        return async_to_sync(self.function)(*arguments)

    async def acall(self, *arguments: Any) -> Any:
        """Await the function, or run it in the request's thread."""
        if self.is_async:
            return await self.function(*arguments)
        return await sync_to_async(self.function)(*arguments)


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
