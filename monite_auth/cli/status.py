"""`status`: what the store keeps, what is still to be revoked, and what the store has not heard of."""

from datetime import UTC, datetime
from typing import Any

import click

from monite_auth.broker import TokenBroker
from monite_auth.cli.application import application, require_shared_store
from monite_auth.cli.results import Part, Result, Table
from monite_auth.cli.screen import screen
from monite_auth.cli.verb import verb
from monite_auth.errors import StoreUnavailable

__all__ = ["status"]


@verb(
    "status",
    "Show live tokens, pending revocations and the budget. With --user, that user's tokens, too.",
)
@click.option("--user", metavar="USER", help="Count this user's live tokens, too.")
@click.option(
    "--watch", is_flag=True, help="Show it again and again, until Ctrl-C; with --json, a line each time."
)
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="How long --watch waits in between.",
)
def status(user: str | None, watch: bool, every: float) -> Result | None:
    """Ask the store once, or again and again."""
    here = application()
    with here.broker() as broker:
        require_shared_store(broker)
        user_id = here.user_id(user) if user is not None else None
        if not watch:
            return _result(broker, _read(broker, user_id))
        with screen().live() as show:
            try:
                while True:
                    show(_watched(broker, user_id))
                    here.sleep(every)
            except KeyboardInterrupt:
                return None


def _watched(broker: TokenBroker, user_id: str | None) -> Result:
    """Return what there is to see. An outage of the store is when somebody watches, so it must not end the watch."""
    try:
        return _result(broker, _read(broker, user_id))
    except StoreUnavailable as error:
        unknown = dict.fromkeys(("live", "pending", "oldest_pending", "held_for", "rate"))
        seen = _result(broker, unknown)
        return Result(seen.data, [*seen.parts, str(error)])


def _read(broker: TokenBroker, user_id: str | None) -> dict[str, Any]:
    """Return what the store knows; raises StoreUnavailable."""
    found = broker.overview()
    known: dict[str, Any] = {
        "live": found.live,
        "pending": found.pending,
        "oldest_pending": None if found.oldest is None else round(found.oldest),
        "held_for": round(found.held_for, 1),
        "rate": round(found.rate, 1),
    }
    if user_id is not None:
        of_user = broker.status(user_id)
        expires_at = None if of_user.expires_at is None else _moment(of_user.expires_at)
        known |= {"user_id": user_id, "user_live": of_user.live, "user_expires_at": expires_at}
    return known


def _result(broker: TokenBroker, known: dict[str, Any]) -> Result:
    """Return what the store knows, beside what this process knows."""
    health = broker.health()
    here = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "store": health.store,
        "since": None if health.since is None else _moment(health.since),
        "journal": health.waiting,
        "journal_is_durable": health.is_durable,
    }
    data = {name: {**here, **known}[name] for name in LABELS if name in here or name in known}
    rows = [(label, _text(data[name])) for name, label in LABELS.items() if data.get(name) is not None]
    parts: list[Part] = [Table(("what", "now"), rows)]
    return Result(data, parts)


LABELS = {
    "at": "as of",
    "store": "token store",
    "since": "since",
    "live": "live tokens",
    "pending": "pending revocations",
    "oldest_pending": "the oldest of them, in seconds",
    "held_for": "seconds for which nobody may call Monite",
    "rate": "requests per second that may leave",
    "journal": "endings that the store has not heard of",
    "journal_is_durable": "such endings survive the process",
    "user_id": "user",
    "user_live": "live tokens of the user",
    "user_expires_at": "the last of them expires",
}
"""What people read for each field."""


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
