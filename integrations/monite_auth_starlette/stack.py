"""The apps around a request: middleware inside one another, and what is mounted in the innermost.

They are found as Starlette's own parts hold each other, by `app`, `middleware_stack` and `routes`. What holds its app by
another name is not seen through.
"""

from collections.abc import Iterator
from typing import Any

__all__ = ["chain", "mounted", "opens_sessions"]


def chain(app: Any) -> Iterator[Any]:
    """Yield an app, and what it passes requests on to, up to a router."""
    while app is not None:
        yield app
        app = getattr(app, "middleware_stack", None) or getattr(app, "app", None)


def mounted(app: Any) -> Iterator[Any]:
    """Yield what is mounted in a router."""
    for route in getattr(app, "routes", None) or ():
        # A router that FastAPI has included; what a Mount or a Host passes on to.
        yield getattr(route, "original_router", None) or getattr(route, "app", None)


def opens_sessions(app: Any) -> bool:
    """Say whether this is a SessionMiddleware: Starlette's, starsessions', or one made of them."""
    return any(kind.__name__ == "SessionMiddleware" for kind in type(app).__mro__)
