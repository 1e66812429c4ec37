"""`manage.py monite_link anna ENTITY_USER_ID ENTITY_ID`: say who a user is in Monite."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monite_auth_django.management.people import add_user_argument, find_user
from monite_auth_django.models import MoniteLink


class Command(BaseCommand):
    """Makes, changes or removes a link."""

    help = "Links a user to an entity user of Monite, or takes the link away."

    def add_arguments(self, parser: CommandParser) -> None:
        """See BaseCommand."""
        add_user_argument(parser, "user")
        parser.add_argument("entity_user_id", nargs="?", type=uuid.UUID, help="The person's id in Monite.")
        parser.add_argument("entity_id", nargs="?", type=uuid.UUID, help="The organization's id in Monite.")
        parser.add_argument("--tenant", default="", help="Which of the user's organizations this is about.")
        parser.add_argument("--remove", action="store_true", help="Take the link away.")

    def handle(
        self,
        *,
        user: str,
        entity_user_id: uuid.UUID | None,
        entity_id: uuid.UUID | None,
        tenant: str,
        remove: bool,
        **_: Any,
    ) -> None:
        """See BaseCommand."""
        if remove != (entity_user_id is None) or remove != (entity_id is None):
            raise CommandError("Give both ENTITY_USER_ID and ENTITY_ID, or neither and --remove.")
        found = find_user(user)
        if remove:
            deleted, _by_model = MoniteLink.objects.filter(user=found, tenant=tenant).delete()
            if not deleted:
                raise CommandError(f"{user} is not linked.")
            self.stdout.write(self.style.SUCCESS(f"{user} is not linked any more."))
            return
        _link, is_new = MoniteLink.objects.update_or_create(
            user=found, tenant=tenant, defaults={"entity_user_id": entity_user_id, "entity_id": entity_id}
        )
        self.stdout.write(self.style.SUCCESS(f"{user} is {'linked' if is_new else 'linked anew'}."))
