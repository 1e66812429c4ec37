"""Directories that ask the database: in Django's threads, and without leaving connections open."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import connections

from monite_auth import EntityUser, Principal
from monite_auth.adapter import FunctionDirectory
from monite_auth_django.functions import ProjectFunction

__all__ = ["LinkDirectory", "ProjectDirectory"]


class LinkDirectory:
    """Finds a user's MoniteLink in the database.

    It does not find inactive users: a job that was queued before gets no token for them.
    """

    def find(self, principal: Principal) -> EntityUser | None:
        """Look the user's link up, in the principal's tenant."""
        from monite_auth_django.models import MoniteLink  # noqa: PLC0415 - models come after settings

        links = MoniteLink.objects.select_related("user")
        try:
            with _connections_left_as_found():
                link = links.filter(user=principal.user_id, tenant=principal.tenant or "").first()
        except (ValueError, ValidationError):  # the id is no primary key of this user model
            return None
        # Ask the user object and not the database: `is_active` need not be a field.
        return link.entity_user if link is not None and getattr(link.user, "is_active", True) else None

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look the user's link up in the request's thread, where all of Django's ORM runs."""
        return await sync_to_async(self.find)(principal)


class ProjectDirectory(FunctionDirectory):
    """A directory of one function of the project; see ProjectFunction."""

    def __init__(self, function: Any) -> None:
        super().__init__(ProjectFunction("directory", function, instead="`await request.monite.atoken()`"))

    def find(self, principal: Principal) -> EntityUser | None:
        """Call the function."""
        with _connections_left_as_found():
            return super().find(principal)

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Await the function, or run it in the request's thread."""
        if self.function.is_async:
            return await super().afind(principal)
        return await sync_to_async(self.find)(principal)


@contextmanager
def _connections_left_as_found() -> Iterator[None]:
    """Close the database connections that the block opens.

    A renewal runs in a background thread. Django closes connections at the end of a request, and there is none.
    """
    found = [each for each in connections.all(initialized_only=True) if each.connection is not None]
    try:
        yield
    finally:
        for each in connections.all(initialized_only=True):
            if each.connection is not None and each not in found:
                each.close()
