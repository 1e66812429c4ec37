"""The directory of an app: asked inside its application context, whichever thread asks."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from flask import Flask, current_app, has_app_context

from monite_auth import Directory, EntityUser, Principal
from monite_auth.errors import BlockingCallError
from monite_auth.identity import as_directory

__all__ = ["DirectoryLike", "directory_of"]

DirectoryFunction = Callable[[Principal], Awaitable[EntityUser | None] | EntityUser | None]
DirectoryLike = Directory | DirectoryFunction | Mapping[Any, EntityUser]


def directory_of(app: Flask, directory: DirectoryLike) -> Directory:
    """Return the directory that a developer meant, for this app."""
    if isinstance(directory, Directory):
        return _InAppContext(app, directory)
    if callable(directory):
        return _InAppContext(app, _AsViews(app, directory))
    return as_directory(directory)  # a mapping needs no context


class _AsViews:
    """A directory of one function, `def` or `async def`, called as Flask calls views."""

    def __init__(self, app: Flask, function: DirectoryFunction) -> None:
        self._app = app
        self._function = function
        self._is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__ counts too
        )

    def find(self, principal: Principal) -> EntityUser | None:
        """Call the function; an `async def` runs on an event loop of its own."""
        if not self._is_async:
            return cast("EntityUser | None", self._function(principal))
        if _on_event_loop():
            raise BlockingCallError(
                "The directory is an async function, and an async view cannot wait for it in a blocking call: use "
                "await current_monite.atoken(), or another of the a… methods."
            )
        call = self._app.async_to_sync(cast("Callable[[Principal], Any]", self._function))
        return cast("EntityUser | None", call(principal))

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Await the function, or run it in a thread."""
        if self._is_async:
            return await cast("Awaitable[EntityUser | None]", self._function(principal))
        return cast("EntityUser | None", await asyncio.to_thread(self._function, principal))


class _InAppContext:
    """Another directory, asked inside the application context."""

    def __init__(self, app: Flask, directory: Directory) -> None:
        self._app = app
        self._directory = directory

    def find(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up; may block."""
        with self._context():
            return self._directory.find(principal)

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up without blocking the event loop."""
        with self._context():
            return await self._directory.afind(principal)

    def _context(self) -> AbstractContextManager[object]:
        """Return the request's own context, so that its transaction is seen; a renewal in the background has none."""
        if has_app_context() and current_app == self._app:
            return nullcontext()
        return self._app.app_context()


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
