"""`manage.py monite_check`: find out whether everything works, from here, now."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from monite_auth.adapter.setup_check import check_setup, check_user
from monite_auth.errors import MoniteAuthError
from monite_auth_django.current import broker
from monite_auth_django.management.people import add_user_argument, find_user


class Command(BaseCommand):
    """Runs the system checks, and then asks the store and Monite."""

    help = "Checks the settings, the token store, and that Monite accepts the client ID and secret."
    requires_system_checks = ()  # run below, so that they are part of the output

    def add_arguments(self, parser: CommandParser) -> None:
        """See BaseCommand."""
        add_user_argument(
            parser, "--user", help="Get a token for this user, too, and ask Monite who they are."
        )
        parser.add_argument("--tenant", default=None, help="The user's organization.")

    def handle(self, *, user: str | None, tenant: str | None, **_: Any) -> None:
        """See BaseCommand."""
        if tenant is not None and user is None:
            raise CommandError("--tenant is about a user: add --user.")
        call_command("check", tags=["monite_auth"], stdout=self.stdout, stderr=self.stderr)
        try:
            for sentence in check_setup(broker()):
                self._say(sentence)
            if user is not None:
                for sentence in check_user(broker(), str(find_user(user).pk), tenant):
                    self._say(sentence)
        except MoniteAuthError as error:
            raise CommandError(str(error)) from None

    def _say(self, sentence: str) -> None:
        self.stdout.write(self.style.SUCCESS(sentence))
