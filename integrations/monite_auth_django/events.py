"""The sink that writes events for auditors into a table: `MONITE_AUTH = {"EVENT_SINKS": ["monite_auth_django.events.save_event"]}`."""

from datetime import UTC, datetime
from typing import Any

from django.db import close_old_connections

from monite_auth.events import Event

__all__ = ["save_event"]


def save_event(event: Event) -> None:
    """Write an event into the table MoniteEvent. It runs in a thread of its own, with a connection of its own."""
    from monite_auth_django.models import MoniteEvent  # noqa: PLC0415 - models are there only when Django is set up

    values: dict[str, Any] = {**event.as_dict(), "at": datetime.fromtimestamp(event.at, UTC)}
    if event.expires_at is not None:
        values["expires_at"] = datetime.fromtimestamp(event.expires_at, UTC)
    close_old_connections()
    try:
        # An event that was given once more, since nobody knows whether it was written, is the same row.
        MoniteEvent.objects.get_or_create(event_id=values.pop("id"), defaults=values)
    finally:
        close_old_connections()
