"""The app's own functions, directory and authorize, called inside its application context by any thread."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from flask import Flask, current_app, has_app_context

from monite_auth import Directory, EntityUser, FixedDirectory, Principal, TokenBroker
from monite_auth.adapter import (
    Authorize,
    Bindable,
    DirectoryLike,
    FunctionDirectory,
    Linkable,
    ViewFunction,
    aask_directory,
    as_directory,
    ask_directory,
)
from monite_auth.rbac import Action, ObjectType

__all__ = ["authorize_of", "directory_of"]


def directory_of(app: Flask, directory: DirectoryLike) -> Directory:
    """Return what was given as a directory as one that is asked inside this app's context."""
    meant = as_directory(directory)
    if isinstance(meant, FixedDirectory):
        return meant  # a mapping needs no context
    if meant is not directory:
        meant = FunctionDirectory(_as_view(app, "directory", directory))
    if isinstance(meant, Linkable):
        return _LinkableInAppContext(app, meant)
    return _InAppContext(app, meant)


def _as_view(app: Flask, name: str, function: Any) -> ViewFunction[Any]:
    return ViewFunction(name, function, to_sync=app.async_to_sync, instead="`await current_monite.atoken()`")


class _InAppContext:
    """A directory that is asked inside the application context."""

    def __init__(self, app: Flask, directory: Directory) -> None:
        self._app = app
        self._directory = directory

    def find(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up; may block."""
        with _context(self._app):
            return ask_directory(self._directory, principal)

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up without blocking the event loop."""
        with _context(self._app):
            return await aask_directory(self._directory, principal)

    def bind(self, broker: TokenBroker) -> None:
        """Pass the broker on to a directory that is Bindable."""
        if isinstance(self._directory, Bindable):
            self._directory.bind(broker)


class _LinkableInAppContext(_InAppContext):
    """A directory that can be told who somebody is in Monite, inside the application context."""

    def link(self, principal: Principal, entity_user: EntityUser) -> None:
        """Keep who the principal is from now on."""
        assert isinstance(self._directory, Linkable)
        with _context(self._app):
            self._directory.link(principal, entity_user)


def authorize_of(app: Flask, function: Authorize) -> Authorize:
    """Return `authorize`, a `def` or an `async def`, as a function that is called the way Flask calls views."""
    asked = _as_view(app, "authorize", function)

    def authorize(principal: Principal, object_type: ObjectType, action: Action) -> bool:
        with _context(app):
            allowed: bool = asked.call(principal, object_type, action)
            return allowed

    return authorize


def _context(app: Flask) -> AbstractContextManager[object]:
    """Return a context to ask in: the request's own, whose transaction is seen, or a new one for a background renewal."""
    if has_app_context() and current_app == app:
        return nullcontext()
    return app.app_context()
