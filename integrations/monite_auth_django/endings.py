"""Sessions that begin and end, told to the broker: no login and no logout fails because of it."""

import logging
from collections.abc import Iterable

from monite_auth import Principal
from monite_auth_django.current import broker

__all__ = ["aend", "begin", "end", "not_recorded"]

log = logging.getLogger("monite_auth")


def begin(principal: Principal) -> None:
    """Tell that a principal's session has just begun."""
    try:
        broker().login(principal)
    except Exception as error:  # noqa: BLE001 - whatever is broken, people can log in
        log.error(  # noqa: TRY400 - no trace: it would have nothing but our own frames
            "A login could not be recorded: a clock decides whether its session is older than an end_user. %s: %s",
            type(error).__name__,
            error,
        )


def end(principals: Iterable[Principal]) -> None:
    """End the principals' sessions in Monite."""
    for each in principals:
        try:
            broker().logout(each)
        except Exception as error:  # noqa: BLE001 - whatever is broken, people can log out
            not_recorded(error)


async def aend(principals: Iterable[Principal]) -> None:
    """End the principals' sessions in Monite."""
    for each in principals:
        try:
            await broker().alogout(each)
        except Exception as error:  # noqa: BLE001
            not_recorded(error)


def not_recorded(error: Exception) -> None:
    """Say what a logout that could not be recorded means."""
    log.error(
        "A logout could not be recorded: the user is logged out of Django, but a Monite token may stay valid "
        "until it expires. %s: %s",
        type(error).__name__,
        error,
    )
