"""The operations of the Redis store, each of them one script.

They are written once. Over a BlockingLink their awaits never suspend, over an AsyncLink they are those of the
running event loop.

*When the answer is lost.* A script whose answer does not come has run, or not, or will in a moment. The caller is
told StoreUnavailable; after a connection that broke at once, the link has tried the same once more. All can bear to
have run, and to run twice:

    claim      its lease has the id that the caller chose, so that the second renews the first; one that nobody
               knows of runs out, or is claimed again by its owner
    commit     the second finds the lease gone, and its token there under that lease: it is stored already. After a
               logout between the two it finds neither, and the token is pending, once: records have its name
    abandon    the second finds another lease, or none
    discard    the second finds another token, or none
    begin      the second finds what the first did
    end, relink  the second finds no tokens and counts none: they are due all the same, and the next drain finds them
    due        revocations that nobody was told of are due again when their time is over
    settle     there is nothing left to take off
    postpone   one attempt is counted too many
    remember, recall, forget  the second finds, or leaves, what the first did
    admit      a moment that was booked passes unused
    hold       counts until when, not how long
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Principal
from monite_auth.stores.base import (
    Busy,
    Claim,
    Claimed,
    Committed,
    Due,
    Ended,
    Everything,
    Hit,
    Lease,
    Pending,
    Rest,
    Resting,
    Slot,
    Status,
)
from monite_auth.stores.budget import HEADROOM, TOLERANCE, Admission, Priority, Ticket
from monite_auth.stores.redis.links import Argument, Link
from monite_auth.stores.redis.scripts import SCRIPTS
from monite_auth.stores.redis.vault import LEASE, Keys, Vault, split_answer
from monite_auth.stores.sealing import SealBroken
from monite_auth.tokens import AccessToken, Clock

__all__ = ["Opening", "RedisOperations"]

log = logging.getLogger("monite_auth")

FOREIGN = b"foreign"
"""A script's answer when its shard is not sealed with the data key that the caller has."""

TRIES = 5
"""How often the data key may be found changed within one operation; once is what happens when Redis was emptied."""


class Opening(Protocol):
    """What opens the store; all operations of a process share it."""

    async def vault(self, link: Link) -> Vault:
        """Return the vault, opened when it is needed first."""

    async def adopt(self, link: Link, vault: Vault, shard: int) -> None:
        """Look into the envelope again, and note in the shard which data key is in force."""


class RedisOperations:
    """The operations, over links; see `monite_auth.stores.base.Operations`."""

    def __init__(
        self,
        link: Callable[[], Link],
        opening: Opening,
        keys: Keys,
        *,
        groups: Sequence[range],
        session_memory: float,
        requests_per_second: float,
        clock: Clock,
    ) -> None:
        self._link = link
        self._opening = opening
        self._keys = keys
        self._groups = list(groups)  # shards that one script may reach; in a cluster, one each
        self._session_memory = session_memory
        self._interval = 1 / (requests_per_second * HEADROOM)
        self._clock = clock

    async def _ask(
        self, script: str, user: str | None, keys: int, arguments: Callable[[Vault], Sequence[Argument]]
    ) -> tuple[Vault, Any]:
        """Run a script over the first `keys` keys of a user; return its answer, and the vault that it is from."""
        link = self._link()
        for _ in range(TRIES):
            vault = await self._opening.vault(link)
            shard, name = vault.user(user)
            answer = await link.run(
                SCRIPTS[script], self._keys.user(shard, name)[:keys], [vault.id, *arguments(vault)]
            )
            if answer != FOREIGN:
                return vault, answer
            await self._opening.adopt(link, vault, shard)
        raise _unsettled()

    # -- tokens

    async def peek(self, slot: Slot, principal: Principal | None) -> AccessToken | None:
        """See Operations."""
        at = self._clock()
        vault, answer = await self._ask(
            "peek", slot.user, 3, lambda vault: [vault.place(slot), *vault.bearer(principal, at)]
        )
        if answer is None:
            return None
        now, record = split_answer(answer)
        return await self._opened(vault, slot, record, now, at)

    async def claim(
        self, slot: Slot, principal: Principal | None, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See Operations."""
        at = self._clock()
        lease = Lease(slot, secrets.token_hex(LEASE // 2))
        while True:
            vault, (kind, *facts) = await self._ask(
                "claim",
                slot.user,
                7,
                lambda vault: [
                    vault.place(slot),
                    *vault.bearer(principal, at),
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
                case b"ended":
                    return Ended()
                case b"resting":
                    left, sealed, reach = facts
                    place = vault.place(slot) if reach == b"place" else ""
                    return Resting(float(left), _reason(vault, place, sealed))
                case _:
                    return Claimed(lease)

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        at = self._clock()

        def arguments(vault: Vault) -> Sequence[Argument]:
            place = vault.place(lease.slot)
            name, sealed, *times = vault.seal_token(place, token, at)
            return [place, lease.id, name, sealed, *times]

        _, stored = await self._ask("commit", lease.slot.user, 6, arguments)
        return Committed.STORED if stored else Committed.FENCED

    async def abandon(self, lease: Lease, rest: Rest | None = None) -> None:
        """See Operations. A rest of everyone is written to every shard, so that `claim` needs no second look."""
        everyone = rest is not None and rest.everyone
        alone = rest if rest is not None and not everyone else None

        def arguments(vault: Vault) -> Sequence[Argument]:
            place = vault.place(lease.slot)
            if alone is None:
                return [place, lease.id, "", ""]
            return [place, lease.id, alone.seconds, vault.seal_rest(place, alone)]

        vault, _ = await self._ask("abandon", lease.slot.user, 2, arguments)
        if rest is not None and everyone:
            sealed = vault.seal_rest("", rest)
            for group in self._groups:
                keys = [self._keys.rest(shard) for shard in group]
                await self._link().run(SCRIPTS["rest"], keys, [vault.id, rest.seconds, sealed])

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        await self._ask(
            "discard", slot.user, 2, lambda vault: [vault.place(slot), vault.fingerprint(fingerprint), ""]
        )

    async def _opened(
        self, vault: Vault, slot: Slot, record: bytes, now: float, at: float
    ) -> AccessToken | None:
        """Return the token of a slot's record; take it away if it does not open, since nobody could use it."""
        place = vault.place(slot)
        try:
            return vault.open_token(place, record, now, at)
        except SealBroken:
            log.error(  # noqa: TRY400 - a traceback says no more
                "A token in the store was changed or moved: its seal is broken. It is thrown away."
            )
        await self._ask("discard", slot.user, 2, lambda _: [place, vault.name_in(record), "forget"])
        return None

    # -- beginnings and endings

    async def begin_session(self, principal: Principal) -> None:
        """See Operations."""
        if principal.session_id is not None:
            await self._ask(
                "begin",
                principal.user_id,
                3,
                lambda vault: [
                    vault.session(principal.user_id, principal.session_id),
                    self._session_memory,
                ],
            )

    async def end_session(self, principal: Principal) -> int:
        """See Operations."""
        dated = "dated" if principal.authenticated_at is not None else ""
        return await self._end("session", principal.user_id, principal.session_id, dated)

    async def end_user(self, user: str) -> int:
        """See Operations."""
        return await self._end("user", user)

    async def relink(self, user: str | None) -> int:
        """See Operations."""
        return await self._end("relink", user)

    async def end_everything(self) -> Everything:
        """See Operations."""
        raise NotImplementedError

    async def revoke(self, token: AccessToken) -> int:
        """See Operations."""
        raise NotImplementedError

    async def condemn(self, pending: Pending) -> bool:  # noqa: ARG002
        """See Operations."""
        return True

    async def _end(self, reach: str, user: str | None, session: str | None = None, dated: str = "") -> int:
        _, pending = await self._ask(
            "end", user, 6, lambda vault: [reach, vault.session(user, session), dated, self._session_memory]
        )
        return int(pending)

    # -- revocations

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        # In a cluster shards are asked one by one, and those behind the last that was needed are not: there may be
        # more at once.
        batch: list[Pending] = []
        expired = 0
        next_in: float | None = None
        for group in list(self._groups):
            try:
                more = await self._due(group, limit - len(batch), seconds)
            except StoreUnavailable:
                self._turn(group)  # those behind it are not to wait for it too
                raise
            batch += more.batch
            expired += more.expired
            if more.next_in is not None:
                next_in = more.next_in if next_in is None else min(next_in, more.next_in)
            if len(batch) >= limit:
                if len(self._groups) > 1:
                    next_in = 0.0
                break
            self._turn(group)
        return Due(batch, expired, next_in)

    def _turn(self, group: range) -> None:
        """Put a group of shards at the end of the line."""
        self._groups = [*(each for each in self._groups if each != group), group]

    async def _due(self, group: range, limit: int, seconds: float) -> Due:
        at = self._clock()
        link = self._link()
        keys = [key for shard in group for key in (self._keys.data_key(shard), *self._keys.pending(shard))]
        for _ in range(TRIES * len(group)):
            vault = await self._opening.vault(link)
            answer = await link.run(SCRIPTS["due"], keys, [vault.id, limit, seconds])
            if answer[0] == FOREIGN:
                await self._opening.adopt(link, vault, group[answer[1]])
                continue
            now, expired, next_in, found = answer
            batch = []
            for number, name, record in zip(*[iter(found)] * 3, strict=True):
                shard = group[number]
                try:
                    batch.append(vault.open_pending(shard, name, record, float(now), at))
                except SealBroken:
                    log.error(  # noqa: TRY400 - a traceback says no more
                        "A pending revocation was changed or moved: its seal is broken. It is thrown away."
                    )
                    await link.run(SCRIPTS["settle"], self._keys.pending(shard), [name])
            return Due(batch, expired, float(next_in) if next_in else None)
        raise _unsettled()

    async def settle(self, pending: Pending) -> None:
        """See Operations."""
        await self._of(pending, "settle")

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See Operations."""
        await self._of(pending, "postpone", seconds)

    def _of(self, pending: Pending, script: str, *arguments: Argument) -> Awaitable[Any]:
        shard, _, name = pending.id.partition(".")
        return self._link().run(SCRIPTS[script], self._keys.pending(int(shard)), [name, *arguments])

    async def status(self, user: str) -> Status:
        """See Operations."""
        at = self._clock()
        _, (live, left) = await self._ask("status", user, 2, lambda _: [])
        return Status(live, at + float(left) if live else None)

    async def backlog(self) -> int:
        """See Operations."""
        link, pending = self._link(), 0
        for group in self._groups:
            pending += await link.run(
                SCRIPTS["backlog"], [self._keys.pending(shard)[0] for shard in group], []
            )
        return pending

    # -- notes

    async def remember(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""

        def arguments(vault: Vault) -> Sequence[Argument]:
            note = vault.note(user, name)
            return [note, seconds, vault.seal_note(note, value)]

        await self._ask("remember", user, 2, arguments)

    async def recall(self, user: str, name: str) -> str | None:
        """See Operations."""
        vault, sealed = await self._ask("recall", user, 2, lambda vault: [vault.note(user, name)])
        if sealed is None:
            return None
        try:
            return vault.open_note(vault.note(user, name), sealed)
        except SealBroken:
            log.error("A note in the store was changed or moved: its seal is broken. It is not read.")  # noqa: TRY400 - a traceback says no more
            return None

    async def forget(self, user: str, name: str) -> None:
        """See Operations."""
        await self._ask("forget", user, 2, lambda vault: [vault.note(user, name)])

    # -- the request budget

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        booked = ("", "") if ticket is None else (ticket.moment, int(ticket.passed))
        admitted, wait, moment, passed = await self._link().run(
            SCRIPTS["budget"],
            [self._keys.budget],
            ["admit", self._interval, TOLERANCE, int(priority), patience, *booked],
        )
        ticket = Ticket(float(moment), bool(passed)) if moment else None
        return Admission(bool(admitted), float(wait), ticket)

    async def hold(self, seconds: float) -> None:
        """See Operations."""
        await self._link().run(SCRIPTS["budget"], [self._keys.budget], ["hold", seconds])


def _reason(vault: Vault, place: str, sealed: bytes) -> Rest:
    try:
        return vault.open_rest(place, sealed)
    except SealBroken as error:
        return Rest(0, "monite_unavailable", f"Why this slot rests cannot be read. {error}")


def _unsettled() -> StoreUnavailable:
    return StoreUnavailable(
        "The store in Redis is being set up anew, time and again: do several share its prefix?"
    )
