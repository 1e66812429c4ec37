"""The state of the store in PostgreSQL, for people who look after the application: reads, which wait for nobody."""

from monite_auth.stores.postgres.budget import PostgresBudget
from monite_auth.stores.postgres.statements import STORE_TIME, statement
from monite_auth.stores.values import Overview, Status

__all__ = ["PostgresStatus"]

# The second argument, a stamp, is of no use to those who only count.
STATUS = statement(
    f"""
    SELECT count(*), max(expires_at), {STORE_TIME} FROM monite_auth.tokens
    WHERE account = $1 AND user_name = $4 AND state = 'live' AND expires_at > {STORE_TIME}
    """,  # noqa: S608 - ours
    *("number", "moment", "moment"),
)
PENDING = statement(
    f"""
    SELECT count(DISTINCT print), min(pending_since), {STORE_TIME} FROM monite_auth.tokens
    WHERE account = $1 AND state = 'pending'
    """,  # noqa: S608 - ours
    *("number", "moment", "moment"),
    patience=10,
)
LIVE = statement(
    f"SELECT count(*) FROM monite_auth.tokens WHERE account = $1 AND state = 'live' AND expires_at > {STORE_TIME}",  # noqa: S608 - ours
    "number",
    patience=10,
)


class PostgresStatus(PostgresBudget):
    """See StatusOperations."""

    async def status(self, user: str) -> Status:
        """See Operations."""
        at = self._clock()
        _, ((live, last, now),) = await self._ask(STATUS, lambda vault: [vault.user(user)])
        return Status(live, None if last is None else last - now + at)

    async def backlog(self) -> int:
        """See Operations."""
        _, ((pending, _, _),) = await self._ask(PENDING, lambda _: [])
        return int(pending)

    async def overview(self, *, count_live: bool = True) -> Overview:
        """See Operations."""
        _, ((pending, since, now),) = await self._ask(PENDING, lambda _: [])
        live: int | None = await self._value(LIVE, lambda _: []) if count_live else None
        oldest = None if since is None else max(0.0, now - since)
        return Overview(live, pending, oldest, *await self._pace())
