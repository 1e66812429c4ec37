"""Sessions that views load themselves: starsessions without its SessionAutoloadMiddleware.

Until then nobody can say who is logged in. So `identify` is asked again when a session has been loaded, before the view can
change it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Scope

try:
    from starsessions import SessionNotLoaded
except ImportError:  # nobody raises it then

    class SessionNotLoaded(Exception):  # type: ignore[no-redef]
        """A session that is not loaded was read."""


__all__ = ["HANDLER", "SessionNotLoaded", "load_session", "when_loaded"]

HANDLER = "session_handler"
"""The scope's key for the object that loads the session."""


async def load_session(connection: HTTPConnection) -> None:
    """Load the request's session, if that is left to views."""
    handler = _handler(connection.scope)
    if handler is not None:
        await handler.load()


def when_loaded(scope: Scope, call: Callable[[Any], Awaitable[None]]) -> None:
    """Await `call` with the session as soon as it is loaded, unless it is loaded already."""
    handler = _handler(scope)
    if handler is None or handler.is_loaded:
        return
    load = handler.load

    async def load_and_call() -> None:
        if not handler.is_loaded:
            await load()
            await call(handler.connection.scope["session"])

    handler.load = load_and_call


def _handler(scope: Scope) -> Any:
    """Return the object that loads the session, starsessions' SessionHandler; None if there is none."""
    handler = scope.get(HANDLER)
    return handler if hasattr(handler, "is_loaded") and hasattr(handler, "load") else None
