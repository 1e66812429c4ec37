"""`manage.py monite_drain`: work on pending revocations, for cron."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from monite_auth.adapter.commands import HELP, WITHIN, drain
from monite_auth_django.current import broker
from monite_auth_django.management.errors import command_errors


class Command(BaseCommand):
    """Works on the pending revocations."""

    help = HELP["drain"]

    def add_arguments(self, parser: CommandParser) -> None:
        """See BaseCommand."""
        parser.add_argument(
            "--within", type=float, default=WITHIN, help=f"{HELP['drain --within']} (default: %(default)g)"
        )

    def handle(self, *, within: float, **_: Any) -> None:
        """See BaseCommand."""
        with command_errors():
            for sentence in drain(broker(), within=within):
                self.stdout.write(sentence)
