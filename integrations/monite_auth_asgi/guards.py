"""Guards for views that only some may use; the middleware answers the errors that they raise."""

from collections.abc import Mapping
from typing import Any

from monite_auth.adapter import MoniteAccess
from monite_auth.rbac import Action, ObjectType
from monite_auth_asgi.state import monite

__all__ = ["allowed", "required"]


async def required(scope: Mapping[str, Any]) -> MoniteAccess:
    """Return the request's MoniteAccess, if its user is logged in and linked to an entity user.

    Raises NotLoggedIn (401) or NotLinked (403).
    """
    access = monite(scope)
    await access.aentity_user()
    return access


async def allowed(
    scope: Mapping[str, Any], object_type: ObjectType | str, action: Action | str, *, own: bool = False
) -> MoniteAccess:
    """Return the request's MoniteAccess, if its user may do this in Monite; see MoniteAccess.can.

    Raises NotLoggedIn (401), NotLinked (403) or NotPermitted (403); ValueError for a word that is not Monite's.
    """
    access = monite(scope)
    await access.ademand(object_type, action, own=own)
    return access
