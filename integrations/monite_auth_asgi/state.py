"""A request's own state, and the MoniteAccess in it."""

from collections.abc import Mapping, MutableMapping
from typing import Any, Self

from monite_auth.adapter import MoniteAccess
from monite_auth.errors import ConfigurationError

__all__ = ["ACCESS", "RequestState", "monite"]

ACCESS = "monite"
"""The state's key for the MoniteAccess."""


class RequestState(dict[str, Any]):
    """The `state` of one request's scope, with an access that no other request sees.

    Some servers give all requests of a connection the same state (hypercorn up to 0.17), or give all requests the state of
    the lifespan. So the access is never written there. Everything else that the app writes goes there too, since a
    middleware outside of ours may look for it.
    """

    __slots__ = ("_outside",)

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

    # A dict's own methods do not call those above.
    update = MutableMapping.update
    setdefault = MutableMapping.setdefault
    popitem = MutableMapping.popitem
    clear = MutableMapping.clear

    def pop(self, key: str, *default: Any) -> Any:
        """See dict."""
        if default and key not in self:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]  # a dict's has overloads
        self.update(other)
        return self


def monite(scope: Mapping[str, Any]) -> MoniteAccess:
    """Return the request's MoniteAccess; raises ConfigurationError if the middleware is missing."""
    access = scope.get("state", {}).get(ACCESS)
    if not isinstance(access, MoniteAccess):
        raise ConfigurationError(
            "This request has no MoniteAccess: add MoniteAuthMiddleware to the app, MoniteAuthMiddleware(app, broker=…), or "
            "app.add_middleware(MoniteAuthMiddleware, broker=…) in Starlette."
        )
    return access
