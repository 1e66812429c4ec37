"""The apps around a request: middleware inside one another, and what is mounted in the innermost.

They are found as Starlette's own parts hold each other, by `app`, `middleware_stack` and `routes`. An app that is held by
another name is not found.
"""

from collections.abc import Iterator
from typing import Any

from starlette.routing import Host, Match, Mount
from starlette.types import Scope

__all__ = ["chain", "is_of_starlettes_sessions", "mounted", "opens_sessions", "opens_sessions_on_the_way"]


def chain(app: Any) -> Iterator[Any]:
    """Yield an app, then the one that it passes requests on to, and so on up to a router."""
    while app is not None:
        yield app
        app = getattr(app, "middleware_stack", None) or getattr(app, "app", None)


def mounted(app: Any) -> Iterator[Any]:
    """Yield the apps that are mounted in a router."""
    for route in getattr(app, "routes", None) or ():
        yield _inside(route)


def _inside(route: Any) -> Any:
    # A router that FastAPI has included, or the app of a Mount or a Host.
    return getattr(route, "original_router", None) or getattr(route, "app", None)


def opens_sessions(app: Any) -> bool:
    """Return whether this is a SessionMiddleware: Starlette's, starsessions', or a subclass."""
    return any(kind.__name__ == "SessionMiddleware" for kind in type(app).__mro__)


def is_of_starlettes_sessions(thing: object) -> bool:
    """Return whether this is Starlette's own SessionMiddleware or session: a subclass may behave otherwise.

    Their module cannot be imported without itsdangerous.
    """
    return type(thing).__module__ == "starlette.middleware.sessions"


def opens_sessions_on_the_way(app: Any, scope: Scope) -> bool:
    """Return whether a request that comes into `app` may get a session of its own on its way to the view.

    It does if a SessionMiddleware stands there, around a mounted app or a few routes. It may if the way leads through an
    app whose inside is not found.
    """
    apps = list(chain(app))
    if any(map(opens_sessions, apps)):
        return True
    router = next((each for each in reversed(apps) if hasattr(each, "routes")), None)
    if router is None:
        return True
    for route in router.routes:
        match, child = route.matches(scope)
        if match is Match.FULL:
            inside = _inside(route)
            if isinstance(route, Mount | Host) or hasattr(inside, "routes"):
                return opens_sessions_on_the_way(inside, {**scope, **child})
            return any(map(opens_sessions, chain(inside)))
    return False
