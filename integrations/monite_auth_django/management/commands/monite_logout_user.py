"""`manage.py monite_logout_user anna`: end all of a user's sessions in Monite."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monite_auth.errors import MoniteAuthError
from monite_auth_django.current import broker
from monite_auth_django.management.people import add_user_argument, find_user, require_shared_store


class Command(BaseCommand):
    """Ends every session of a user."""

    help = "Ends all sessions of a user in Monite and has their tokens revoked; the user has to log in again."

    def add_arguments(self, parser: CommandParser) -> None:
        """See BaseCommand."""
        add_user_argument(parser, "user")

    def handle(self, *, user: str, **_: Any) -> None:
        """See BaseCommand."""
        found = find_user(user)
        try:
            require_shared_store()
            broker().end_user(str(found.pk))
            report = broker().drain(within=broker().settings.deadline)
        except MoniteAuthError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(self.style.SUCCESS(f"{user} is logged out of Monite everywhere."))
        if report.postponed:
            self.stdout.write("Monite does not answer; its tokens are revoked as soon as it does.")
