"""Logins and logouts, passed on to the broker: no login and no logout of the app fails because of it.

A failed ending never changes the app's own answer. The session is over in the app, whatever the store says; so the answer
goes out, and the log says at level ERROR what could not be recorded. A store that is down is no failure: the broker accepts the
ending, and repeats it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from monite_auth.broker import TokenBroker
from monite_auth.identity import Principal
from monite_auth.outbox import Ending

__all__ = [
    "BrokerSource",
    "abegin",
    "aend",
    "begin",
    "carry_out",
    "end",
    "log_failed_ending",
    "log_failed_identify",
]

log = logging.getLogger("monite_auth")

BrokerSource = Callable[[], TokenBroker]
"""Returns the app's broker; it may raise, where the broker is built at first use."""

_under_way: set[asyncio.Task[None]] = set()
"""Endings that `aend` has begun: event loops hold tasks weakly."""


def end(broker: BrokerSource, principals: Iterable[Principal]) -> None:
    """End the principals' sessions in Monite. Never raises: a failure is written to the log."""
    for principal in principals:
        try:
            broker().logout(principal)
        except Exception as error:  # noqa: BLE001 - people can log out, whatever is broken
            log_failed_ending(error)


async def aend(broker: BrokerSource, principals: Iterable[Principal]) -> None:
    """End the principals' sessions in Monite; see `end`.

    If the caller is cancelled meanwhile, by a time limit of the request for example, the endings go on without it.
    """
    gone = list(principals)
    if gone:
        task = asyncio.get_running_loop().create_task(_end_each(broker, gone))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
        await asyncio.shield(task)


async def _end_each(broker: BrokerSource, principals: list[Principal]) -> None:
    for principal in principals:
        try:
            await broker().alogout(principal)
        except Exception as error:  # noqa: BLE001 - people can log out, whatever is broken
            log_failed_ending(error)


def begin(broker: BrokerSource, principal: Principal) -> None:
    """Tell the broker that a principal's session has just begun. Never raises: a failure is written to the log."""
    try:
        broker().login(principal)
    except Exception as error:  # noqa: BLE001 - people can log in, whatever is broken
        _log_failed_beginning(error)


async def abegin(broker: BrokerSource, principal: Principal) -> None:
    """Tell the broker that a principal's session has just begun; see `begin`."""
    try:
        await broker().alogin(principal)
    except Exception as error:  # noqa: BLE001 - people can log in, whatever is broken
        _log_failed_beginning(error)


def carry_out(broker: TokenBroker, ending: Ending) -> None:
    """Carry out an ending of the application's outbox, which has just been committed, and delete its row, if it has an id.

    Raises what `broker.end_user` does: then the row stays, and the broker tries again.
    """
    getattr(broker, ending.what)(ending.user_id)
    outbox = broker.running.outbox
    if ending.id and outbox is not None:
        outbox.settle(ending)


def log_failed_ending(error: Exception) -> None:
    """Write to the log what it means that a logout could not be recorded."""
    log.error(
        "A logout could not be recorded: the user is logged out of the app, but a Monite token may stay valid until it "
        "expires. %s: %s",
        type(error).__name__,
        error,
    )


def log_failed_identify(error: Exception) -> None:
    """Write to the log that the app's `identify` failed when a request was over.

    It has found nobody then: it may have failed because the session is gone. So whoever came in is logged out, and the app's
    own answer goes out.
    """
    log.error(
        "identify failed at the end of a request, so the user who arrived counts as logged out.",
        exc_info=error,
    )


def _log_failed_beginning(error: Exception) -> None:
    log.error(
        "A login could not be recorded: a clock decides whether its session is older than an end_user. %s: %s",
        type(error).__name__,
        error,
    )
