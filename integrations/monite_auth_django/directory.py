"""The directory that reads MoniteLink."""

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db import connections, router

from monite_auth import EntityUser, Principal

__all__ = ["LinkDirectory"]


class LinkDirectory:
    """Answers from the database who a user is in Monite."""

    def find(self, principal: Principal) -> EntityUser | None:
        """Look the user's link up, in the principal's tenant."""
        from monite_auth_django.models import MoniteLink  # noqa: PLC0415 - models come after settings

        connection = connections[router.db_for_read(MoniteLink)]
        was_open = connection.connection is not None
        try:
            link = MoniteLink.objects.filter(user=principal.user_id, tenant=principal.tenant or "").first()
        except (ValueError, ValidationError):  # no primary key of this user model: nobody we know
            return None
        finally:
            # A renewal runs in a thread that no request ever ends, so nobody else would close its connection.
            if not was_open:
                connection.close()
        return None if link is None else link.entity_user

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look the user's link up; as all of Django's ORM, in the thread that belongs to the request."""
        return await sync_to_async(self.find)(principal)
