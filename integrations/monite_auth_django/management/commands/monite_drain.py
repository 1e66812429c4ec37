"""`manage.py monite_drain`: work on pending revocations, for cron."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monite_auth.errors import MoniteAuthError
from monite_auth_django.current import broker
from monite_auth_django.management.people import require_shared_store


class Command(BaseCommand):
    """Revokes what is pending."""

    help = "Revokes the tokens of ended sessions that are still pending; for cron."

    def add_arguments(self, parser: CommandParser) -> None:
        """See BaseCommand."""
        parser.add_argument(
            "--within",
            type=float,
            default=60,
            help="How many seconds to work on it, at the most (%(default)s).",
        )

    def handle(self, *, within: float, **_: Any) -> None:
        """See BaseCommand."""
        try:
            require_shared_store()
            report = broker().drain(within=within)
        except MoniteAuthError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(str(report))
