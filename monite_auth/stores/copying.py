"""Copying one store into another one, while processes use both.

Names in stores are keyed digests, so the store that is copied into takes the other one's names key before it is used. From then on the
two make the same names, whatever seals their content, and can tell each other about users whose IDs neither of them knows.

| what | goes | how |
|---|---|---|
| ended sessions, and from before when all of a user or of everybody have ended | both ways | as endings that happened some time ago: they take tokens away where they come to |
| known sessions | into the new store | as beginnings some time ago |
| pending revocations | into the new store | taken off the old store's list once the new one has them |
| tokens | nowhere | each store mints its own. `last` takes those of the old store away, and their revocations go with the others |

Everything else is over soon, or asked for again: leases, cooldowns, the request budget, notes.

A process may die at any step: nothing is taken off a list before it is on the other one, and a token that is on both is revoked twice. So
copying again is harmless, and finds what came meanwhile.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar, cast

from monite_auth.errors import ConfigurationError
from monite_auth.identity import Principal
from monite_auth.stores.protocol import CopyOperations, Operations, Store
from monite_auth.stores.values import PARTNER_SLOT, Lease, Page, Pending, Remembered, SessionState
from monite_auth.tokens import SAFETY, AccessToken, Clock, Secret

__all__ = ["Copied", "StoreCopy"]

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 64
"""Operations that wait for a store at a time. A store lets fewer in."""

LATENCY = 0.5
"""Seconds by which something may seem to be later than it was: it was read, and is told, over a network. An ending that another store
knows that well already is not told again, since that would take away tokens once more. A session that goes on began after all endings
before it, as with a password that was changed just now; so it begins that much later."""

MARK = "a store that is copied"
"""The user of a note by which two URLs of the same store are found out."""


class _Copyable(Operations, CopyOperations, Protocol):
    """All operations of a store that can be copied."""


class _CopyableStore(Store, Protocol):
    def take_names(self, names_key: Secret) -> None:
        """Have the store make names with this key."""


@dataclass
class Copied:
    """What was copied.

    `endings`, `sessions`: how many were new to the new store. `returned`: endings that were new to the old one. `revocations`: how many
    have moved. `taken`: tokens that were taken away from the old store. `left`: tokens that it has again, since somebody still uses it; None
    where nobody looked.
    """

    endings: int = 0
    sessions: int = 0
    returned: int = 0
    revocations: int = 0
    taken: int = 0
    left: int | None = None


class StoreCopy:
    """Copies the `source` into the `target`, both as one account sees them. `clock`: that of tokens."""

    def __init__(self, source: Store, target: Store, *, clock: Clock) -> None:
        for each in (source, target):
            if not each.is_shared:
                raise ConfigurationError(
                    "memory:// cannot be copied, or copied into: it is the memory of one process, and ends with it. Let the workers "
                    "begin with an empty store instead."
                )
            if not hasattr(each, "take_names"):
                raise ConfigurationError(
                    f"{each!r} cannot be copied: its kind of store has no CopyOperations."
                )
        self._stores = source, cast("_CopyableStore", target)
        self._source, self._target = (
            cast("_Copyable", each.operations(blocking=False)) for each in (source, target)
        )
        self._clock = clock
        self.copied = Copied()

    def steps(self, *, last: bool = False) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what is to be done, one after the other, on one event loop. `copied` says what came of it.

        `last`: nobody is to use the old store any more, so all of its tokens are taken away.

        Each step raises ConfigurationError where the target was used before under other names, or is the source itself, and
        StoreUnavailable.
        """
        # Back first: a session that has ended by a date in the new store must not be told to it as one that goes on.
        tell = [self._begin, self._tell_back, self._tell_forth]
        return [*tell, self._take_tokens, self._move, self._look_again] if last else [*tell, self._move]

    async def run(self, *, last: bool = False) -> Copied:
        """Take all steps, close the stores' connections, and return what was copied."""
        try:
            for step in self.steps(last=last):
                await step()
        finally:
            await self.aclose()
        return self.copied

    async def aclose(self) -> None:
        """Close the connections of both stores on this event loop."""
        for each in self._stores:
            await each.aclose()

    async def _begin(self) -> None:
        if await self._is_empty():
            raise ConfigurationError(
                f"{self._stores[0]!r} has nothing of this account: no session, ended or not, and no token. Is it the right store, and is "
                "MONITE_ACCOUNT that of the application?"
            )
        await self._share_names()
        await self._refuse_the_same()

    async def _tell_forth(self) -> None:
        self.copied.endings, self.copied.sessions = await self._tell(self._source, self._target, begins=True)

    async def _tell_back(self) -> None:
        self.copied.returned, _ = await self._tell(self._target, self._source, begins=False)

    async def _take_tokens(self) -> None:
        self.copied.taken = await self._relink_all(self._source)

    async def _move(self) -> None:
        async for page in _pages(self._source.pending):
            self.copied.revocations += len(await _at_once(self._move_one(each) for each in page))

    async def _look_again(self) -> None:
        overview = await self._source.overview()
        self.copied.left = (overview.live or 0) + overview.pending

    async def _is_empty(self) -> bool:
        reads: list[Callable[[str | None], Awaitable[Page[Any]]]]
        reads = [self._source.remembered, self._source.holders, self._source.pending]
        for read in reads:
            async for _ in _pages(read):
                return False
        return True

    # -- names

    async def _share_names(self) -> None:
        names_key = await self._source.names_key()
        if await self._target.names_key() == names_key:
            return
        async for _ in _pages(self._target.remembered):
            raise ConfigurationError(
                f"{self._stores[1]!r} has been used already, with names of its own, so nobody can tell it whose sessions have ended. "
                "Empty it, or take another one, and copy into it before the first process uses it."
            )
        # Tokens that it may have are the partner's, or of jobs. They would not be found again under the other names.
        await self._relink_all(self._target)
        orphans = [each async for page in _pages(self._target.pending) for each in page]
        self._stores[1].take_names(names_key)
        await _at_once(self._make_pending(each) for each in orphans)
        if await self._target.names_key() != names_key:
            raise ConfigurationError(f"{self._stores[1]!r} is being set up by somebody else. Copy again.")

    async def _refuse_the_same(self) -> None:
        mark = secrets.token_hex(16)
        await self._source.put_note(MARK, "mark", mark, seconds=60)
        if await self._target.get_note(MARK, "mark") == mark:
            raise ConfigurationError("The two URLs are those of the same store: there is nothing to copy.")

    # -- endings and sessions

    async def _tell(self, teller: _Copyable, hearer: _Copyable, *, begins: bool) -> tuple[int, int]:
        """Tell one store what another one remembers; return how many endings, and how many known sessions, were new to it."""
        endings = sessions = 0
        read_at = time.monotonic()
        async for page in _pages(teller.remembered):
            endings += sum(
                await _at_once(self._end(hearer, each, read_at) for each in page if each.has_ended)
            )
            if begins:
                known = [each for each in page if not each.has_ended]
                sessions += sum(await _at_once(self._know(hearer, each, read_at) for each in known))
            read_at = time.monotonic()
        return endings, sessions

    async def _end(self, hearer: _Copyable, each: Remembered, read_at: float) -> bool:
        """Tell a store of an ending that was read at a moment; return False where it knows that already."""
        if each.session is not None and each.user is not None:
            principal = Principal(each.user, session_id=each.session)
            if await hearer.session_state(principal) is SessionState.ENDED:
                return False
            await hearer.end_session(principal)
            return True
        # A session from just before then, of that user or of anybody, has ended where the store knows of the ending.
        ago = each.ago + time.monotonic() - read_at
        just_before = time.time() - ago - LATENCY
        somebody = Principal(each.user or secrets.token_hex(8), authenticated_at=just_before)
        if await hearer.session_state(somebody) is not SessionState.ALIVE:
            return False
        if each.user is None:
            await hearer.end_everything(ago=ago)
        else:
            await hearer.end_user(each.user, ago=ago)
        return True

    async def _know(self, hearer: _Copyable, each: Remembered, read_at: float) -> bool:
        """Tell a store of a known session; return False where it knows that already, or knows that it has ended."""
        assert each.user is not None
        principal = Principal(each.user, session_id=each.session)
        if await hearer.session_state(principal) in (SessionState.ALIVE, SessionState.ENDED):
            return False
        ago = each.ago + time.monotonic() - read_at
        await hearer.begin_session(principal, ago=max(0.0, ago - LATENCY))
        return True

    # -- tokens

    async def _relink_all(self, store: _Copyable) -> int:
        taken = 0
        async for page in _pages(store.holders):
            taken += sum(await _at_once(store.relink(user) for user in page))
        return taken

    async def _move_one(self, pending: Pending) -> None:
        """Have a pending revocation in the new store, and only then no more in the old one."""
        await self._make_pending(pending)
        await self._source.settle(pending)

    async def _make_pending(self, pending: Pending) -> None:
        """Have a revocation in the new store, unless it is there already: what is committed under no lease has to be revoked."""
        now, expires_at = self._clock(), pending.expires_at - SAFETY
        token = AccessToken(pending.token, expires_at, now, expires_at, None, self._clock)
        await self._target.commit(Lease.void(PARTNER_SLOT), token)


async def _pages(read: Callable[[str | None], Awaitable[Page[Item]]]) -> AsyncIterator[list[Item]]:
    """Yield the items of all pages that have some."""
    after: str | None = None
    while True:
        page = await read(after)
        if page.items:
            yield page.items
        after = page.next
        if after is None:
            return


async def _at_once(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Do the work, some at a time; return the results in order. The first failure is raised once those beside it are over."""
    results: list[Result] = []
    waiting = iter(work)
    while some := list(islice(waiting, AT_ONCE)):
        for done in await asyncio.gather(*some, return_exceptions=True):
            if isinstance(done, BaseException):
                raise done
            results.append(done)
    return results
