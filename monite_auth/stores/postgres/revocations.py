"""Pending revocations in PostgreSQL: due, condemn, settle, postpone."""

import logging

from monite_auth.stores.postgres.execution import Execution
from monite_auth.stores.postgres.statements import function
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.values import Due, Pending
from monite_auth.tokens import SAFETY

__all__ = ["PostgresRevocations"]

log = logging.getLogger("monite_auth")

DUE = function("due", 5, "number", "text", "text", "bytes", "moment", "number", "moment")
GIVE_UP = function("give_up", 4, "nothing")
CONDEMN = function("condemn", 4, "truth")
SETTLE = function("settle", 4, "nothing")
POSTPONE = function("postpone", 5, "nothing")


class PostgresRevocations(Execution):
    """See RevocationOperations. The ID of a pending revocation is that of its row, which no other row ever has."""

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        at = self._clock()
        vault, (*rows, last) = await self._ask(DUE, lambda _: [limit, seconds])
        *_, next_at, expired, now = last
        batch = []
        for number, slot, fingerprint_name, sealed, expires_at, attempts, sure in rows:
            try:
                value = vault.open_value(sealed, slot, fingerprint_name)
            except SealBroken:
                log.error(  # noqa: TRY400 - a traceback says no more
                    "A pending revocation in the token store does not open: it was changed or moved by something else. "
                    "It cannot be carried out; its token is left to expire."
                )
                await self._ask(GIVE_UP, lambda _, number=number: [number])  # type: ignore[misc]  # a default binds the number of now
                continue
            batch.append(Pending(str(number), value, expires_at + SAFETY - sure + at, attempts))
        return Due(batch, expired, None if next_at is None else max(0.0, next_at - now))

    async def condemn(self, pending: Pending) -> bool:
        """See Operations."""
        return bool(await self._value(CONDEMN, lambda _: [int(pending.id)]))

    async def settle(self, pending: Pending) -> None:
        """See Operations."""
        await self._ask(SETTLE, lambda _: [int(pending.id)])

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See Operations."""
        await self._ask(POSTPONE, lambda _: [int(pending.id), seconds])
