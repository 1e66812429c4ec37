"""The apps around a request: middleware inside one another, and what is mounted in the innermost.

They are found as Starlette's own parts hold each other, by `app`, `middleware_stack` and `routes`. What holds its app by
another name is not seen through.
"""

from collections.abc import Iterator
from typing import Any

from starlette.routing import Host, Match, Mount
from starlette.types import Scope

__all__ = ["chain", "mounted", "opens_sessions", "opens_sessions_on_the_way"]


def chain(app: Any) -> Iterator[Any]:
    """Yield an app, and what it passes requests on to, up to a router."""
    while app is not None:
        yield app
        app = getattr(app, "middleware_stack", None) or getattr(app, "app", None)


def mounted(app: Any) -> Iterator[Any]:
    """Yield what is mounted in a router."""
    for route in getattr(app, "routes", None) or ():
        yield _inside(route)


def _inside(route: Any) -> Any:
    # A router that FastAPI has included; what a Mount or a Host passes on to.
    return getattr(route, "original_router", None) or getattr(route, "app", None)


def opens_sessions(app: Any) -> bool:
    """Say whether this is a SessionMiddleware: Starlette's, starsessions', or one made of them."""
    return any(kind.__name__ == "SessionMiddleware" for kind in type(app).__mro__)


def opens_sessions_on_the_way(app: Any, scope: Scope) -> bool:
    """Say whether a request, as it comes into `app`, may be given a session of its own on its way to the view.

    That is where a SessionMiddleware stands, around a mounted app or a few routes; and an app that is not seen through.
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
