"""Tokens and leases in Redis: peek, claim, commit, abandon, discard."""

import logging
import secrets
from collections.abc import Callable, Sequence

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import PARTNER, Subject
from monite_auth.stores.redis.connections import Argument
from monite_auth.stores.redis.execution import Execution
from monite_auth.stores.redis.keyspace import ALL
from monite_auth.stores.redis.records import LEASE, RedisVault, name_in, split_answer
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.values import (
    Busy,
    Claim,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Ended,
    Hit,
    Lease,
    Slot,
)
from monite_auth.tokens import SAFETY, AccessToken

__all__ = ["RedisTokens"]

log = logging.getLogger("monite_auth")


class RedisTokens(Execution):
    """See TokenOperations."""

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Operations."""
        at = self._clock()
        keys, arguments = self._peek_of(slot, principal)
        vault, answer = await self._ask("peek", slot.user, keys, arguments)
        if answer is None:
            return None
        now, record = split_answer(answer)
        return await self._opened(vault, slot, record, now, at)

    def _peek_of(self, slot: Slot, principal: Subject) -> tuple[int, Callable[[RedisVault], list[Argument]]]:
        """Return how many of a user's keys a peek reads, and its arguments."""
        # A session with an ID is known by its name; its date need not be read.
        by_date = principal is not PARTNER and principal.session_id is None and principal.can_end
        return ALL if by_date else 3, lambda vault: [
            vault.place(slot),
            *vault.identity(principal, self._wall_clock),
            self._session_memory,
        ]

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See Operations."""
        at = self._clock()
        lease = Lease(slot, secrets.token_hex(LEASE // 2))
        await self._know_clock(principal)
        while True:
            vault, (kind, *facts) = await self._ask(
                "claim",
                slot.user,
                ALL,
                lambda vault: [
                    vault.place(slot),
                    *vault.identity(principal, self._wall_clock),
                    self._session_memory,
                    owner,
                    lease.id,
                    seconds,
                    min_life,
                ],
            )
            match kind:
                case b"hit":
                    record, now = facts
                    token = await self._opened(vault, slot, record, float(now), at)
                    if token is not None:
                        return Hit(token)
                case b"busy":
                    return Busy(float(facts[0]))
                case b"ended" | b"old":
                    return Ended(too_old=kind == b"old")
                case b"cooldown":
                    left, sealed, reach = facts
                    place = vault.place(slot) if reach == b"place" else ""
                    return CoolingDown(float(left), _cooldown(vault, place, sealed))
                case _:
                    return Claimed(lease)

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        at = self._clock()
        left = token.expires_at + SAFETY - at
        vault = await self._vault()
        value = vault.keyspace.value(vault.fingerprint_name(token.fingerprint))
        # In this order: a drainer that is about to revoke the value sees that it is held here, or has condemned it before.
        holder: list[Argument] = [vault.place(lease.slot), left, vault.owner(lease.slot.user)]
        if left > 0 and not await self._hold_value(value, holder):
            return Committed.DOOMED

        def arguments(vault: RedisVault) -> Sequence[Argument]:
            place = vault.place(lease.slot)
            name, sealed, *times = vault.pack_token(place, token, at)
            return [place, lease.id, name, sealed, *times]

        _, answer = await self._ask("commit", lease.slot.user, 10, arguments)
        return (Committed.FENCED, Committed.STORED, Committed.DOOMED)[answer]

    async def _hold_value(self, value: str, holder: Sequence[Argument]) -> bool:
        """Note that a place hands a value out; return False if the value is condemned.

        The value may lie on another node of a cluster than the user. While that one is down, the user's token is stored without
        the note. At worst it is revoked because Monite gave the same value to somebody else, and is then replaced.
        """
        try:
            return bool(await self._script("hold_value", [value], holder, probes=False))
        except StoreUnavailable as error:
            if error.part is None:
                raise
            return True

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See Operations. A cooldown of everyone is written to every shard, so that `claim` needs no second script."""
        everyone = cooldown is not None and cooldown.everyone
        alone = cooldown if cooldown is not None and not everyone else None

        def arguments(vault: RedisVault) -> Sequence[Argument]:
            place = vault.place(lease.slot)
            if alone is None:
                return [place, lease.id, "", ""]
            return [place, lease.id, alone.seconds, vault.seal_cooldown(place, alone)]

        vault, _ = await self._ask("abandon", lease.slot.user, 2, arguments)
        if cooldown is not None and everyone:
            sealed = vault.seal_cooldown("", cooldown)
            for group in self._groups:
                keys = [vault.keyspace.cooldown(shard) for shard in group]
                await self._script("cooldown", keys, [vault.stamp, cooldown.seconds, sealed])

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        await self._ask(
            "discard",
            slot.user,
            2,
            lambda vault: [vault.place(slot), vault.fingerprint_name(fingerprint), ""],
        )

    async def _opened(
        self, vault: RedisVault, slot: Slot, record: bytes, now: float, at: float
    ) -> AccessToken | None:
        """Return the token of a slot's record; take it away if it does not open, since nobody could use it."""
        place = vault.place(slot)
        try:
            return vault.unpack_token(place, record, now, at)
        except SealBroken:
            log.error(  # noqa: TRY400 - a traceback says no more
                "A token in the store was changed or moved: its seal is broken. It is thrown away."
            )
        await self._ask("discard", slot.user, 2, lambda _: [place, name_in(record), "forget"])
        return None


def _cooldown(vault: RedisVault, place: str, sealed: bytes) -> Cooldown:
    try:
        return vault.open_cooldown(sealed, place)
    except SealBroken as error:
        return Cooldown(0, "monite_unavailable", f"Why this slot cools down cannot be read. {error}")
