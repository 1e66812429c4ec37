"""Sessions that a framework opens inside of the middleware, where the middleware cannot see them by itself."""

from collections.abc import Mapping, MutableMapping
from typing import Any

from monite_auth.errors import ConfigurationError
from monite_auth_asgi.visit import VISIT, ConnectionVisit

__all__ = ["close_session", "open_session"]


async def open_session(scope: Mapping[str, Any], session: MutableMapping[str, Any]) -> None:
    """Hand the middleware a session that the framework opens inside of it, before the view uses it.

    Quart, for one, keeps sessions within the app; docs/any-framework.md shows where to call this. The middleware asks
    `identify` again, with `scope["session"]`.
    """
    await _visit_in(scope).open_session(session)


async def close_session(scope: Mapping[str, Any]) -> None:
    """Compare who came with who is there now, before the framework saves the session.

    Without this call the middleware does so when the response starts. By then such a framework has saved the session, and
    a login's new id is only kept with the next request.
    """
    await _visit_in(scope).compare()


def _visit_in(scope: Mapping[str, Any]) -> ConnectionVisit:
    visit = scope.get(VISIT)
    if not isinstance(visit, ConnectionVisit):
        raise ConfigurationError("This request has not passed MoniteAuthMiddleware: put it around the app.")
    return visit
