"""Directories as Django asks them: in its threads, and without leaving connections to a database behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import connections

from monite_auth import EntityUser, Principal
from monite_auth.identity import FunctionDirectory
from monite_auth_django.functions import ProjectFunction

__all__ = ["LinkDirectory", "ProjectDirectory"]


class LinkDirectory:
    """Answers from the database who a user is in Monite: it reads MoniteLink.

    It knows no users who are not active: there is nobody to act for, in a job that was queued before, say.
    """

    def find(self, principal: Principal) -> EntityUser | None:
        """Look the user's link up, in the principal's tenant."""
        from monite_auth_django.models import MoniteLink  # noqa: PLC0415 - models come after settings

        links = MoniteLink.objects.select_related("user")
        try:
            with _connections_left_as_found():
                link = links.filter(user=principal.user_id, tenant=principal.tenant or "").first()
        except (ValueError, ValidationError):  # no primary key of this user model: nobody we know
            return None
        # Asked of the user and not of the database: `is_active` need not be a field.
        return link.entity_user if link is not None and getattr(link.user, "is_active", True) else None

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look the user's link up; as all of Django's ORM, in the thread that belongs to the request."""
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
        """Await the function, or run it in the thread that belongs to the request."""
        if self.function.is_async:
            return await super().afind(principal)
        return await sync_to_async(self.find)(principal)


@contextmanager
def _connections_left_as_found() -> Iterator[None]:
    """Close the connections to databases that the block opens.

    A renewal runs in a thread that no request ever ends, so nobody else would.
    """
    found = [each for each in connections.all(initialized_only=True) if each.connection is not None]
    try:
        yield
    finally:
        for each in connections.all(initialized_only=True):
            if each.connection is not None and each not in found:
                each.close()
