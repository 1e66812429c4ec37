"""`manage.py monite_forget_events --older-than 365`: delete events for auditors that are older than so many days."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from monite_auth_django.models import MoniteEvent

AT_ONCE = 1000
"""Rows that are deleted in one statement: others who write the table wait no longer than for these."""


class Command(BaseCommand):
    """Deletes old events."""

    help = "Delete events for auditors that are older than so many days."

    def add_arguments(self, parser: CommandParser) -> None:
        """See BaseCommand."""
        parser.add_argument(
            "--older-than", type=int, required=True, metavar="DAYS", help="How long to keep events."
        )

    def handle(self, *, older_than: int, **_: Any) -> None:
        """See BaseCommand."""
        if older_than < 0:
            raise CommandError("--older-than is a number of days, 0 or more.", returncode=2)
        old = MoniteEvent.objects.filter(at__lt=timezone.now() - timedelta(days=older_than)).order_by("pk")
        deleted = 0
        while batch := list(old.values_list("pk", flat=True)[:AT_ONCE]):
            deleted += MoniteEvent.objects.filter(pk__in=batch).delete()[0]
        self.stdout.write(f"deleted {deleted} events")
