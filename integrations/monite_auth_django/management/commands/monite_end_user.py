"""`manage.py monite_end_user anna`: end all of a user's sessions in Monite."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from monite_auth.adapter.commands import HELP, end_user
from monite_auth_django.current import broker
from monite_auth_django.management.errors import command_errors
from monite_auth_django.management.people import add_user_argument, find_user


class Command(BaseCommand):
    """Ends every session of a user."""

    help = HELP["end-user"]

    def add_arguments(self, parser: CommandParser) -> None:
        """See BaseCommand."""
        add_user_argument(parser, "user")

    def handle(self, *, user: str, **_: Any) -> None:
        """See BaseCommand."""
        with command_errors():
            for sentence in end_user(broker(), str(find_user(user).pk)):
                self.stdout.write(sentence)
