"""What the PostgreSQL store tells one that it is copied into, page by page: reads, which wait for nobody."""

import logging

from monite_auth.stores.postgres.execution import Execution
from monite_auth.stores.postgres.statements import STORE_TIME, statement
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.values import Name, Page, Pending, Remembered
from monite_auth.tokens import SAFETY, Secret

__all__ = ["PostgresCopies"]

log = logging.getLogger("monite_auth")

AT_ONCE = 1000
"""Rows of a page: some milliseconds."""

ENDINGS = statement(
    f"""
    SELECT user_name, ended_before, {STORE_TIME} FROM monite_auth.endings WHERE account = $1 AND until > {STORE_TIME}
    UNION ALL
    SELECT NULL, ended_before, {STORE_TIME} FROM monite_auth.accounts WHERE account = $1 AND ended_before > '-infinity'
    """,  # noqa: S608 - ours
    *("text", "moment", "moment"),
    patience=10,
)
SESSIONS = statement(
    f"""
    SELECT user_name, session_name, ended, began, {STORE_TIME} FROM monite_auth.sessions
    WHERE account = $1 AND until > {STORE_TIME} AND (user_name, session_name) > ($4, $5)
    ORDER BY user_name, session_name LIMIT $6
    """,  # noqa: S608 - ours
    *("text", "text", "truth", "moment", "moment"),
    patience=10,
)
PENDING = statement(
    f"""
    SELECT id, slot, print, sealed, expires_at, attempts, {STORE_TIME} FROM monite_auth.tokens
    WHERE account = $1 AND state = 'pending' AND id > $4 AND expires_at > {STORE_TIME} - monite_auth.seconds({SAFETY})
    ORDER BY id LIMIT $5
    """,  # noqa: S608 - ours
    *("number", "text", "text", "bytes", "moment", "number", "moment"),
    patience=10,
)
HOLDERS = statement(
    f"""
    (SELECT DISTINCT user_name FROM monite_auth.tokens WHERE account = $1 AND state <> 'pending' AND user_name > $4
        AND {STORE_TIME} > '-infinity' ORDER BY user_name LIMIT $5)
    UNION
    (SELECT DISTINCT user_name FROM monite_auth.mints WHERE account = $1 AND user_name > $4 ORDER BY user_name LIMIT $5)
    ORDER BY user_name LIMIT $5
    """,  # noqa: S608 - ours
    "text",
    patience=10,
)


class PostgresCopies(Execution):
    """See CopyOperations."""

    async def names_key(self) -> Secret:
        """See CopyOperations."""
        return (await self._keys.vault(self._connections())).names_key

    async def remembered(self, after: str | None = None) -> Page[Remembered]:
        """See CopyOperations. First come the endings of users, then the sessions."""
        if after is None:
            _, rows = await self._ask(ENDINGS, lambda _: [])
            return Page(
                [
                    Remembered(None if user is None else Name(user), None, True, now - moment)
                    for user, moment, now in rows
                ],
                " ",
            )
        _, rows = await self._ask(SESSIONS, lambda _: [*after.split(" "), AT_ONCE])
        items = [
            Remembered(Name(user), Name(session), ended, 0.0 if ended else now - began)
            for user, session, ended, began, now in rows
        ]
        return Page(items, f"{items[-1].user} {items[-1].session}" if len(items) == AT_ONCE else None)

    async def pending(self, after: str | None = None) -> Page[Pending]:
        """See CopyOperations."""
        at = self._clock()
        vault, rows = await self._ask(PENDING, lambda _: [int(after or 0), AT_ONCE])
        items = []
        for number, slot, fingerprint_name, sealed, expires_at, attempts, now in rows:
            try:
                value = vault.open_value(sealed, slot, fingerprint_name)
            except SealBroken:
                log.error("A pending revocation does not open, and is not copied.")  # noqa: TRY400 - a traceback says no more
                continue
            items.append(Pending(str(number), value, expires_at + SAFETY - now + at, attempts))
        return Page(items, str(rows[-1][0]) if len(rows) == AT_ONCE else None)

    async def holders(self, after: str | None = None) -> Page[Name]:
        """See CopyOperations."""
        _, rows = await self._ask(HOLDERS, lambda _: [after or "", AT_ONCE])
        return Page([Name(user) for (user,) in rows], rows[-1][0] if len(rows) == AT_ONCE else None)
