"""Endings that hold when a transaction of the database commits.

An ending is written in the transaction, as a row of MoniteEnding, and carried out right after the commit, which deletes the row. If
the process dies between the two, other processes find the row. What goes wrong here never breaks the application's transaction.
"""

import logging
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connections, router, transaction
from django.db.models.functions import Now

from monite_auth.adapter import Ending, carry_out
from monite_auth_django.current import broker
from monite_auth_django.outbox import note_alias

__all__ = ["aend_user", "at_commit", "commits_by_itself", "end_user", "write_ending"]

log = logging.getLogger("monite_auth")


def end_user(user: Any, *, on_commit: bool = False, using: str | None = None) -> None:
    """End every session of a user in Monite: now, whatever becomes of the transaction that is open, or when it commits.

    `user`: a user, or the primary key of one. `on_commit`: end them when the transaction commits; a rollback leaves them alive.
    `using`: the database whose transaction is meant, by default the one that users are written to.
    """
    user_id = str(getattr(user, "pk", user))
    if on_commit:
        at_commit(using or router.db_for_write(get_user_model()), "end_user", user_id)
    else:
        broker().end_user(user_id)


async def aend_user(user: Any, *, on_commit: bool = False, using: str | None = None) -> None:
    """End every session of a user in Monite; see `end_user`."""
    await sync_to_async(end_user)(user, on_commit=on_commit, using=using)


def at_commit(using: str, what: str, user_id: object, written: Ending | None = None) -> None:
    """Have an ending carried out when the transaction commits. `written`: its row, if that is written already."""
    ending = written or write_ending(using, what, user_id)
    connection = connections[using]
    # Where the application commits by hand, Django tells nobody of it; a sweep finds the row.
    if connection.in_atomic_block or connection.get_autocommit():
        transaction.on_commit(partial(_carry_out, ending), using=using)


def write_ending(using: str, what: str, user_id: object) -> Ending:
    """Write an ending in the transaction that is open, and return it; without an id, where that has failed.

    Raises what the database did if the transaction is over with that: the connection is gone, or a disk is full.
    """
    from monite_auth_django.models import MoniteEnding  # noqa: PLC0415 - models are there only when Django is set up

    ending, was_over = Ending("", what, str(user_id)), connections[using].needs_rollback
    try:
        account = broker().settings.account_name
        # A savepoint: if this fails, the application's transaction goes on.
        with transaction.atomic(using=using):
            row = MoniteEnding.objects.using(using).create(
                account=account, what=what, user=ending.user_id, at=Now()
            )
    except Exception as error:
        if connections[using].needs_rollback and not was_over:
            raise  # else Django rolls back at the end of the block, and tells nobody
        log.warning(
            "%s could not be written in the transaction (%s: %s). It is carried out after the commit, and lost if this process dies "
            "before that.%s",
            what,
            type(error).__name__,
            str(error).partition("\n")[0],
            f" Has `manage.py migrate --database {using}` made the table of MoniteEnding?"
            if isinstance(error, DatabaseError)
            else "",
        )
        return ending
    note_alias(using)
    return ending._replace(id=f"{using}:{row.pk}")


def commits_by_itself(using: str) -> bool:
    """Return whether each statement is a transaction of its own."""
    connection = connections[using]
    return not connection.in_atomic_block and bool(connection.get_autocommit())


def _carry_out(ending: Ending) -> None:
    try:
        carry_out(broker(), ending)
    except Exception:
        log.exception(
            "%s was not recorded: %s",
            ending.what,
            "it stands in the table of MoniteEnding, and is tried again in a few seconds."
            if ending.id
            else "a Monite token may stay valid until it expires.",
        )
