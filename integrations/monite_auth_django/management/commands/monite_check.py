"""`manage.py monite_check`: find out whether everything works, from here, now."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from monite_auth.adapter.commands import HELP, check
from monite_auth_django.current import broker
from monite_auth_django.management.errors import command_errors
from monite_auth_django.management.people import add_user_argument, find_user


class Command(BaseCommand):
    """Runs the system checks, and then asks the store and Monite."""

    help = HELP["check"]
    requires_system_checks = ()  # run below, so that they are part of the output

    def add_arguments(self, parser: CommandParser) -> None:
        """See BaseCommand."""
        add_user_argument(parser, "--user", help=HELP["check --user"])
        parser.add_argument("--tenant", help=HELP["check --tenant"])

    def handle(self, *, user: str | None, tenant: str | None, **_: Any) -> None:
        """See BaseCommand."""
        call_command("check", tags=["monite_auth"], stdout=self.stdout, stderr=self.stderr)
        user_id = None if user is None else str(find_user(user).pk)
        with command_errors():
            for sentence in check(broker(), user_id=user_id, tenant=tenant):
                self.stdout.write(self.style.SUCCESS(sentence))
