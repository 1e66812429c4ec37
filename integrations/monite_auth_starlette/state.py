"""A request's own state, and the MoniteAccess in it."""

from collections.abc import MutableMapping
from typing import Any

from starlette.requests import HTTPConnection

from monite_auth import MoniteAccess
from monite_auth.errors import ConfigurationError

__all__ = ["RequestState", "monite"]

ACCESS = "monite"


class RequestState(dict[str, Any]):
    """The `state` of one request's scope, with an access that nobody else sees.

    Some servers give all requests of a connection the same state (hypercorn up to 0.17), or all requests that of the
    lifespan. So the access is never written there. What the app writes goes there as it would without us: a middleware
    outside of ours may look for it.
    """

    def __init__(self, outside: MutableMapping[str, Any]) -> None:
        super().__init__(outside)
        self._outside = outside

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if key != ACCESS:
            self._outside[key] = value

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        if key != ACCESS:
            self._outside.pop(key, None)


def monite(connection: HTTPConnection) -> MoniteAccess:
    """Return the request's MoniteAccess."""
    access = connection.scope.get("state", {}).get(ACCESS)
    if not isinstance(access, MoniteAccess):
        raise ConfigurationError(
            "request.state.monite is missing: add MoniteAuthMiddleware to the app, "
            "app.add_middleware(MoniteAuthMiddleware, broker=…)."
        )
    return access
