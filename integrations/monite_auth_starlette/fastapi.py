"""FastAPI's dependencies.

@app.get("/invoices")
async def invoices(monite: LoggedInMonite): ...
"""

from typing import Annotated

try:
    from fastapi import Depends
except ImportError as error:
    raise ImportError(
        "monite_auth_starlette.fastapi needs FastAPI; install it with: pip install fastapi", name=error.name
    ) from error
from starlette.requests import HTTPConnection

from monite_auth import MoniteAccess
from monite_auth.errors import NotLoggedIn
from monite_auth_starlette.middleware import monite

__all__ = ["LoggedInMonite", "Monite"]


# `async`, though they await nothing: FastAPI would take a `def` to a thread and back for each request.


async def anybody(connection: HTTPConnection) -> MoniteAccess:
    """Return the request's MoniteAccess."""
    return monite(connection)


async def logged_in(connection: HTTPConnection) -> MoniteAccess:
    """Return the request's MoniteAccess; an anonymous visitor gets a 401 instead of the page."""
    access = monite(connection)
    if not access:
        raise NotLoggedIn("Nobody is logged in, and this needs somebody.")
    return access


Monite = Annotated[MoniteAccess, Depends(anybody)]
"""The request's MoniteAccess; falsy for an anonymous visitor."""

LoggedInMonite = Annotated[MoniteAccess, Depends(logged_in)]
"""The MoniteAccess of somebody who is logged in."""
