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
    hold       the second says the same; a value whose commit never came is held until its token would have expired
    condemn    the second finds it condemned
    holds, unhold  the second finds what the first did, or nothing
    everything, take, enqueue  the second finds nothing, or what the first did
    end, relink  the second finds no tokens and counts none: they are due all the same, and the next drain finds them
    due        revocations that nobody was told of are due again when their time is over
    settle     there is nothing left to take off
    postpone   one attempt is counted too many
    put_note, get_note, delete_note  the second finds, or leaves, what the first did
    admit      a moment that was booked passes unused
    hold       counts until when, not how long
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import LEEWAY, PARTNER, Partner, Principal, Subject
from monite_auth.stores.budget import HEADROOM, PROBE, TOLERANCE, Admission, Priority, Ticket
from monite_auth.stores.redis.links import Argument, Link
from monite_auth.stores.redis.scripts import SCRIPTS
from monite_auth.stores.redis.vault import LEASE, NAME, Vault, owner_in, split_answer
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.values import (
    Busy,
    Claim,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Due,
    Ended,
    Everything,
    Hit,
    Lease,
    Pending,
    Slot,
    Status,
)
from monite_auth.tokens import SAFETY, AccessToken, Clock

__all__ = ["Opening", "RedisOperations"]

log = logging.getLogger("monite_auth")

Value = TypeVar("Value")

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
    """The operations, over links; see `monite_auth.stores.Operations`."""

    def __init__(
        self,
        link: Callable[[], Link],
        opening: Opening,
        *,
        groups: Sequence[range],
        session_memory: float,
        requests_per_second: float,
        clock: Clock,
    ) -> None:
        self._link = link
        self._opening = opening
        self._groups = list(groups)  # shards that one script may reach; in a cluster, one each
        self._session_memory = session_memory
        self._interval = 1 / (requests_per_second * HEADROOM)
        self._clock = clock

    async def _ask(
        self, script: str, user: str | Partner, keys: int, arguments: Callable[[Vault], Sequence[Argument]]
    ) -> tuple[Vault, Any]:
        """Run a script over the first `keys` keys of a user; return its answer, and the vault that it is from."""
        return await self._run(script, lambda vault: vault.user(user), keys, arguments)

    async def _run(
        self,
        script: str,
        user: Callable[[Vault], tuple[int, str]],
        keys: int,
        arguments: Callable[[Vault], Sequence[Argument]],
    ) -> tuple[Vault, Any]:
        """Run a script as `_ask` does; `user` gives the user's shard and name."""
        link = self._link()
        for _ in range(TRIES):
            vault = await self._opening.vault(link)
            shard, name = user(vault)
            answer = await link.run(
                SCRIPTS[script], vault.keys.user(shard, name)[:keys], [vault.id, *arguments(vault)]
            )
            if answer != FOREIGN:
                return vault, answer
            await self._opening.adopt(link, vault, shard)
        raise _unsettled()

    # -- tokens

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Operations."""
        at = self._clock()
        # What has an id is known by its name; its date needs no looking up.
        by_date = principal is not PARTNER and principal.session_id is None and principal.can_end
        vault, answer = await self._ask(
            "peek",
            slot.user,
            8 if by_date else 3,
            lambda vault: [vault.place(slot), *vault.bearer(principal), self._session_memory],
        )
        if answer is None:
            return None
        now, record = split_answer(answer)
        return await self._opened(vault, slot, record, now, at)

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See Operations."""
        at = self._clock()
        lease = Lease(slot, secrets.token_hex(LEASE // 2))
        while True:
            vault, (kind, *facts) = await self._ask(
                "claim",
                slot.user,
                9,
                lambda vault: [
                    vault.place(slot),
                    *vault.bearer(principal),
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
                case b"resting":
                    left, sealed, reach = facts
                    place = vault.place(slot) if reach == b"place" else ""
                    return CoolingDown(float(left), _reason(vault, place, sealed))
                case _:
                    return Claimed(lease)

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        at = self._clock()
        left = token.expires_at + SAFETY - at
        vault = await self._opening.vault(self._link())
        value = vault.keys.value(vault.fingerprint(token.fingerprint))
        # In this order: whoever is about to revoke the value sees that it is held here, or it is condemned before.
        holder: list[Argument] = [vault.place(lease.slot), left, vault.owner(lease.slot.user)]
        if left > 0 and not await self._link().run(SCRIPTS["hold"], [value], holder):
            return Committed.DOOMED

        def arguments(vault: Vault) -> Sequence[Argument]:
            place = vault.place(lease.slot)
            name, sealed, *times = vault.seal_token(place, token, at)
            return [place, lease.id, name, sealed, *times]

        _, answer = await self._ask("commit", lease.slot.user, 10, arguments)
        return (Committed.FENCED, Committed.STORED, Committed.DOOMED)[answer]

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See Operations. A cooldown of everyone is written to every shard, so that `claim` needs no second look."""
        everyone = cooldown is not None and cooldown.everyone
        alone = cooldown if cooldown is not None and not everyone else None

        def arguments(vault: Vault) -> Sequence[Argument]:
            place = vault.place(lease.slot)
            if alone is None:
                return [place, lease.id, "", ""]
            return [place, lease.id, alone.seconds, vault.seal_rest(place, alone)]

        vault, _ = await self._ask("abandon", lease.slot.user, 2, arguments)
        if cooldown is not None and everyone:
            sealed = vault.seal_rest("", cooldown)
            for group in self._groups:
                keys = [vault.keys.rest(shard) for shard in group]
                await self._link().run(SCRIPTS["rest"], keys, [vault.id, cooldown.seconds, sealed])

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
                9,
                lambda vault: [
                    vault.session(principal.user_id, principal.session_id),
                    self._session_memory,
                ],
            )

    async def end_session(self, principal: Principal) -> int:
        """See Operations."""
        pending, _ = await self._end(
            "session", lambda vault: vault.user(principal.user_id), lambda vault: vault.bearer(principal)[:2]
        )
        return pending

    async def end_user(self, user: str) -> int:
        """See Operations."""
        pending, _ = await self._end("user", lambda vault: vault.user(user))
        return pending

    async def relink(self, user: str | Partner) -> int:
        """See Operations."""
        pending, _ = await self._end("relink", lambda vault: vault.user(user))
        return pending

    async def _end(
        self,
        reach: str,
        user: Callable[[Vault], tuple[int, str]],
        session: Callable[[Vault], tuple[str, str]] = lambda _: ("", ""),
    ) -> tuple[int, int]:
        """Return how many tokens are pending by it, and how many sessions that were known have ended."""
        _, (pending, sessions) = await self._run(
            "end", user, 6, lambda vault: [reach, *session(vault), self._session_memory, LEEWAY]
        )
        return pending, sessions

    async def end_everything(self) -> Everything:
        """See Operations. First nobody who logged in before gets in any more; then all users end, one by one."""
        sessions = tokens = 0
        for group in self._groups:
            for shard, name in await self._everything_ends(group):
                pending, known = await self._end("user", _always((shard, name)))
                tokens, sessions = tokens + pending, sessions + known
        return Everything(sessions, tokens)

    async def _everything_ends(self, group: range) -> list[tuple[int, str]]:
        """End some shards for whom they do not know; return the users that they know."""
        link = self._link()
        for _ in range(TRIES * len(group)):
            vault = await self._opening.vault(link)
            keys = [key for shard in group for key in vault.keys.everything(shard)]
            memory = self._session_memory + LEEWAY
            kind, found = await link.run(SCRIPTS["everything"], keys, [vault.id, memory])
            if kind != FOREIGN:
                return [
                    (group[number], name.decode()) for number, name in zip(*[iter(found)] * 2, strict=True)
                ]
            await self._opening.adopt(link, vault, group[found])
        raise _unsettled()

    async def revoke(self, token: AccessToken) -> int:
        """See Operations."""
        at = self._clock()
        left = token.expires_at + SAFETY - at
        vault = await self._opening.vault(self._link())
        name = vault.fingerprint(token.fingerprint)
        _, holders = await self._link().run(SCRIPTS["condemn"], [vault.keys.value(name)], ["", left])
        taken = 0
        for place, held in zip(*[iter(holders)] * 2, strict=True):
            _, answer = await self._run("take", _always(owner_in(held)), 6, _always([place, name]))
            taken += answer
        if not taken:
            await self._ask("enqueue", PARTNER, 6, lambda vault: [*vault.seal_unowned(token), left - SAFETY])
        return taken

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
        for _ in range(TRIES * len(group)):
            vault = await self._opening.vault(link)
            keys = [
                key for shard in group for key in (vault.keys.data_key(shard), *vault.keys.pending(shard)[:2])
            ]
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
                    await link.run(SCRIPTS["settle"], vault.keys.pending(shard), [name, ""])
            return Due(batch, expired, float(next_in) if next_in else None)
        raise _unsettled()

    async def condemn(self, pending: Pending) -> bool:
        """See Operations."""
        vault = await self._opening.vault(self._link())
        _, _, name = pending.id.partition(".")
        value, place = vault.keys.value(name[:NAME]), name[NAME:]
        left = pending.expires_at - self._clock()
        condemned, holders = await self._link().run(SCRIPTS["condemn"], [value], [place, left])
        if not condemned and await self._let_go(value, name[:NAME], holders):
            condemned, _ = await self._link().run(SCRIPTS["condemn"], [value], [place, left])
        if not condemned:
            await self._of(pending, "settle", "")
        return bool(condemned)

    async def _let_go(self, value: str, name: str, holders: Sequence[bytes]) -> bool:
        """Take out the places that do not hand a value out any more; say whether none is left.

        A renewal or a rejection leaves them: what is superseded is not held, and the value's key is out of its reach.
        """
        for place, held in zip(*[iter(holders)] * 2, strict=True):
            _, holds = await self._run("holds", _always(owner_in(held)), 2, _always([place, name]))
            if holds:
                return False
            await self._link().run(SCRIPTS["unhold"], [value], [place, held])
        return True

    async def settle(self, pending: Pending) -> None:
        """See Operations."""
        await self._of(pending, "settle", "revoked")

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See Operations."""
        await self._of(pending, "postpone", seconds)

    async def _of(self, pending: Pending, script: str, *arguments: Argument) -> None:
        vault = await self._opening.vault(self._link())
        shard, _, name = pending.id.partition(".")
        await self._link().run(SCRIPTS[script], vault.keys.pending(int(shard)), [name, *arguments])

    async def status(self, user: str) -> Status:
        """See Operations."""
        at = self._clock()
        _, (live, left) = await self._ask("status", user, 2, lambda _: [])
        return Status(live, at + float(left) if live else None)

    async def backlog(self) -> int:
        """See Operations."""
        link, pending = self._link(), 0
        vault = await self._opening.vault(link)
        for group in self._groups:
            queues = [vault.keys.pending(shard)[0] for shard in group]
            pending += await link.run(SCRIPTS["backlog"], queues, [])
        return pending

    # -- notes

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""

        def arguments(vault: Vault) -> Sequence[Argument]:
            note = vault.note(user, name)
            return [note, seconds, vault.seal_note(note, value)]

        await self._ask("put_note", user, 2, arguments)

    async def get_note(self, user: str, name: str) -> str | None:
        """See Operations."""
        vault, sealed = await self._ask("get_note", user, 2, lambda vault: [vault.note(user, name)])
        if sealed is None:
            return None
        try:
            return vault.open_note(vault.note(user, name), sealed)
        except SealBroken:
            log.error("A note in the store was changed or moved: its seal is broken. It is not read.")  # noqa: TRY400 - a traceback says no more
            return None

    async def delete_note(self, user: str, name: str) -> None:
        """See Operations."""
        await self._ask("delete_note", user, 2, lambda vault: [vault.note(user, name)])

    # -- the request budget

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        booked = ("", "") if ticket is None else (ticket.moment, int(ticket.passed))
        admitted, wait, moment, passed = await self._of_budget(
            ["admit", self._interval, TOLERANCE, int(priority), patience, *booked, PROBE],
        )
        ticket = Ticket(float(moment), bool(passed)) if moment else None
        return Admission(bool(admitted), float(wait), ticket)

    async def hold(self, seconds: float) -> None:
        """See Operations."""
        await self._of_budget(["hold", seconds])

    async def _of_budget(self, arguments: Sequence[Argument]) -> Any:
        link = self._link()
        vault = await self._opening.vault(link)
        return await link.run(SCRIPTS["budget"], [vault.keys.budget], arguments)


def _reason(vault: Vault, place: str, sealed: bytes) -> Cooldown:
    try:
        return vault.open_rest(place, sealed)
    except SealBroken as error:
        return Cooldown(0, "monite_unavailable", f"Why this slot rests cannot be read. {error}")


def _always(value: Value) -> Callable[[Vault], Value]:
    """Return a function for what does not depend on the vault."""
    return lambda _vault: value


def _unsettled() -> StoreUnavailable:
    return StoreUnavailable(
        "The store in Redis is being set up anew, time and again: do several share its prefix?"
    )
