"""FastAPI's dependencies.

@app.get("/invoices")
async def invoices(monite: LoggedInMonite): ...
"""

from typing import Annotated, Any

from monite_auth.adapter import missing_framework, nobody_logged_in

try:
    from fastapi import Depends
except ImportError as error:
    raise missing_framework("monite_auth_starlette.fastapi", "FastAPI", "fastapi", error) from error
from starlette.requests import HTTPConnection

from monite_auth import MoniteAccess
from monite_auth.rbac import Action, ObjectType, parse_permission
from monite_auth_starlette.late_sessions import load_session
from monite_auth_starlette.state import monite

__all__ = ["LoggedInMonite", "Monite", "allowed", "required"]


async def anybody(connection: HTTPConnection) -> MoniteAccess:
    """Return the request's MoniteAccess."""
    await load_session(connection)
    return monite(connection)


async def logged_in(connection: HTTPConnection) -> MoniteAccess:
    """Return the request's MoniteAccess; an anonymous visitor gets a 401 instead of the page."""
    access = await anybody(connection)
    if not access:
        raise nobody_logged_in()
    return access


Monite = Annotated[MoniteAccess, Depends(anybody)]
"""The request's MoniteAccess; falsy for an anonymous visitor."""

LoggedInMonite = Annotated[MoniteAccess, Depends(logged_in)]
"""The MoniteAccess of somebody who is logged in."""


async def linked(connection: HTTPConnection) -> MoniteAccess:
    """Return the request's MoniteAccess; a user who is not linked to an entity user gets a 403 instead of the page."""
    access = await logged_in(connection)
    await access.aentity_user()
    return access


required: Any = Depends(linked)
"""Lets in only users who are logged in and linked to an entity user; others get a 401 or a 403:

@app.get("/invoices", dependencies=[required])
async def invoices(monite: Annotated[MoniteAccess, required]): ...  # or like this
"""


def allowed(object_type: ObjectType | str, action: Action | str, *, own: bool = False) -> Any:
    """Return a dependency that lets only those in who may do this in Monite; others get a 401 or a 403.

    `own`: it is about what they created themselves. A wrong word is an error when the module is imported:

        @app.post("/invoices", dependencies=[allowed("payable", "create")])
        async def new_invoice(monite: Annotated[MoniteAccess, allowed("payable", "create")]): ...  # or so
    """
    asked = parse_permission(object_type, action)

    async def checked(connection: HTTPConnection) -> MoniteAccess:
        access = await logged_in(connection)
        await access.ademand(*asked, own=own)
        return access

    return Depends(checked)
