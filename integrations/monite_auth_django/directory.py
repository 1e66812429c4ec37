"""Directories that ask the database: in Django's threads, and without leaving connections open."""

from typing import Any

from django.core.exceptions import ValidationError

from monite_auth import EntityUser, Principal
from monite_auth.adapter import FunctionDirectory
from monite_auth_django.functions import ProjectFunction, connections_left_as_found

__all__ = ["LinkDirectory", "ProjectDirectory"]

INSTEAD = "`await request.monite.atoken()`"
"""What an async view calls, where a blocking call cannot wait for an `async def`."""


class LinkDirectory:
    """Finds a user's MoniteLink in the database.

    It does not find inactive users: a job that was queued before gets no token for them.
    """

    def __init__(self) -> None:
        self._find = ProjectFunction("directory", self.find, instead=INSTEAD)

    def find(self, principal: Principal) -> EntityUser | None:
        """Look the user's link up, in the principal's tenant."""
        from monite_auth_django.models import MoniteLink  # noqa: PLC0415 - models come after settings

        links = MoniteLink.objects.select_related("user")
        try:
            with connections_left_as_found():
                link = links.filter(user=principal.user_id, tenant=principal.tenant or "").first()
        except (ValueError, ValidationError):  # the id is no primary key of this user model
            return None
        # Ask the user object and not the database: `is_active` need not be a field.
        return link.entity_user if link is not None and getattr(link.user, "is_active", True) else None

    def link(self, principal: Principal, entity_user: EntityUser) -> None:
        """Make the user's link in the principal's tenant, or change it."""
        from monite_auth_django.models import MoniteLink  # noqa: PLC0415 - models come after settings

        ids = {"entity_user_id": entity_user.entity_user_id, "entity_id": entity_user.entity_id}
        MoniteLink.objects.update_or_create(
            user_id=principal.user_id, tenant=principal.tenant or "", defaults=ids
        )

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look the user's link up in the request's thread, where all of Django's ORM runs."""
        found: EntityUser | None = await self._find.acall(principal)
        return found


class ProjectDirectory(FunctionDirectory):
    """A directory of one function of the project; see ProjectFunction."""

    def __init__(self, function: Any) -> None:
        super().__init__(ProjectFunction("directory", function, instead=INSTEAD))
        self._find = ProjectFunction("directory", self.find, instead=INSTEAD)

    def find(self, principal: Principal) -> EntityUser | None:
        """Call the function."""
        with connections_left_as_found():
            return super().find(principal)

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Await the function, or run it in the request's thread."""
        if self.function.is_async:
            return await super().afind(principal)
        found: EntityUser | None = await self._find.acall(principal)
        return found
