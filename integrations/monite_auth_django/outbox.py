"""The model MoniteEnding as the outbox of this project's broker: in each database that users and links are written to."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby

from django.contrib.auth import get_user_model
from django.db import DatabaseError, connections, router
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from monite_auth.adapter import Ending
from monite_auth_django.functions import connections_left_as_found

__all__ = ["ModelOutbox", "aliases", "note_alias"]

_written_to: set[str] = set()
"""Databases that this process has written endings to, whatever the routers say."""


def aliases() -> list[str]:
    """Return the databases in which endings may stand."""
    from monite_auth_django.models import MoniteLink  # noqa: PLC0415 - models are there only when Django is set up

    named = [router.db_for_write(model) for model in (get_user_model(), MoniteLink)]
    return list(dict.fromkeys([*named, *(each for each in connections if each in _written_to)]))


def note_alias(using: str) -> None:
    """Note that an ending was written to this database."""
    _written_to.add(using)


class ModelOutbox:
    """Finds the rows of MoniteEnding. It closes the connections that it opens: background threads have no request that ends."""

    is_left_to_writers = True

    def find(self, account: str) -> Mapping[str, Sequence[Ending]]:
        """See monite_auth.adapter.Outbox."""
        found, failures = dict[str, list[Ending]](), list[DatabaseError]()
        with connections_left_as_found():
            for alias in aliases():
                try:
                    if _is_between_transactions(alias):
                        found[alias] = _find(alias, account)
                except DatabaseError as error:
                    failures.append(error)
        if failures and not any(found.values()):
            raise failures[0]
        return found

    def delete(self, endings: Sequence[Ending]) -> None:
        """See monite_auth.adapter.Outbox."""
        from monite_auth_django.models import MoniteEnding  # noqa: PLC0415

        keys = sorted(each.id.rsplit(":", 1) for each in endings)
        with connections_left_as_found():
            for alias, those in groupby(keys, lambda key: key[0]):
                _is_between_transactions(alias)
                MoniteEnding.objects.using(alias).filter(pk__in=[pk for _, pk in those]).delete()


def _is_between_transactions(alias: str) -> bool:
    """Say whether the connection commits by itself; see to it where the connection is new, whatever `AUTOCOMMIT` says.

    In a transaction of the caller's there may be rows that are not committed.
    """
    connection = connections[alias]
    if connection.connection is None:
        connection.set_autocommit(True)
    return not connection.in_atomic_block and bool(connection.get_autocommit())


def _find(alias: str, account: str) -> list[Ending]:
    from monite_auth_django.models import MoniteEnding  # noqa: PLC0415

    # The database dates a row and says how old it is, so hosts need not agree.
    age = ExpressionWrapper(Now() - F("at"), output_field=DurationField())
    rows = MoniteEnding.objects.using(alias).filter(account=account).order_by("pk").annotate(age=age)
    return [
        Ending(f"{alias}:{pk}", what, user, ago / timedelta(seconds=1))
        for pk, what, user, ago in rows.values_list("pk", "what", "user", "age")
    ]
