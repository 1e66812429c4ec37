"""The project's functions, called the way Django calls views."""

from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from monite_auth.adapter import ViewFunction

__all__ = ["ProjectFunction"]


class ProjectFunction(ViewFunction[Any]):
    """A `def` or an `async def` that views of both kinds call.

    Under ASGI a `def` runs in the request's thread, as all of Django's ORM does: another thread would open database
    connections of its own, and nobody would close them.
    """

    def __init__(self, name: str, function: Any, *, instead: str) -> None:
        super().__init__(name, function, to_sync=async_to_sync, instead=instead)

    async def acall(self, *arguments: Any) -> Any:
        """Await the function, or run it in the request's thread."""
        if self.is_async:
            return await super().acall(*arguments)
        return await sync_to_async(self.function)(*arguments)
