"""How an operation is executed in PostgreSQL: as one statement, which is one transaction by itself.

The operations are written once. Over ThreadConnections their awaits never suspend; over LoopConnections they are those of the running
event loop.
"""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

from monite_auth.identity import PARTNER, Subject
from monite_auth.stores.dates import WallClock
from monite_auth.stores.postgres.connections import Connections
from monite_auth.stores.postgres.errors import AnotherKey, ClockSet, SchemaMissing, store_is_unsettled
from monite_auth.stores.postgres.keys import AccountKeys
from monite_auth.stores.postgres.listener import Listener
from monite_auth.stores.postgres.statements import Argument, Row, Statement, function, statement
from monite_auth.stores.sealing import Vault
from monite_auth.stores.server_clock import ServerClock
from monite_auth.tokens import AccessToken, Clock

__all__ = ["TRIES", "Execution", "Times", "times_of"]

log = logging.getLogger("monite_auth")

TRIES = 5
"""How often the data key, or the clock, may be found changed within one operation. Once is what happens when the store was emptied."""

FARTHEST = 1e10
"""Seconds, three hundred years: what is longer counts as that, since PostgreSQL's calendar ends."""

Times = tuple[float, float, float]
"""Of a token, in seconds: how long it still lives, how long its whole life is, and in how many it is to be renewed."""


READ_CLOCK = statement("SELECT clock_timestamp(), monite_auth.set_by()", "moment", "real")
NOTE_SET_BY = function("note_set_by", 2, "truth")


class Execution:
    """Executes the statements of one account, in one of the two forms of its operations.

    `connections`: those of the calling thread or event loop.
    `session_memory`: for how many seconds an ended session is remembered.
    `clock`: that of the tokens that come and go. `wall_clock`: what dates logins on this host.
    `listener`: returns what hears of mints of other processes.
    `server_clock`: the server's, as this process has seen it.
    """

    def __init__(
        self,
        connections: Callable[[], Connections],
        keys: AccountKeys,
        *,
        session_memory: float,
        requests_per_second: float,
        clock: Clock,
        wall_clock: WallClock,
        server_clock: ServerClock,
        listener: Callable[[], Listener],
    ) -> None:
        self._connections = connections
        self._keys = keys
        self._session_memory = min(session_memory, FARTHEST)
        self._requests_per_second = requests_per_second
        self._clock = clock
        self._wall_clock = wall_clock
        self._server_clock = server_clock
        self._listener = listener
        self._has_warned = False

    async def _ask(
        self, statement: Statement, arguments: Callable[[Vault], Sequence[Argument]]
    ) -> tuple[Vault, list[Row]]:
        """Execute a statement that depends on the data key in force; return the vault that its rows are from, and the rows.

        Its first arguments are the account, the stamp, and what is known of the server's clock; `arguments` returns the others.
        """
        connections = self._connections()
        has_looked = False
        for _ in range(TRIES):
            vault = await self._keys.vault(connections)
            asked_at = self._clock()
            try:
                clock = await self._clock_seen(connections, is_new=has_looked)
                return vault, await connections.run(
                    statement, [self._keys.account, vault.data_key_id, clock, *arguments(vault)]
                )
            except AnotherKey:
                await self._keys.adopt(connections, vault)
            except ClockSet:
                await self._look_at_clock(connections, asked_at)
                has_looked = True
            except SchemaMissing:
                await self._keys.set_up_again(connections)
        raise store_is_unsettled()

    async def _clock_seen(self, connections: Connections, *, is_new: bool) -> str:
        """Return what the functions want to know of the clock, see `sql/common.sql`. `is_new`: any time of the server is right."""
        while (window := self._server_clock.window()) is None:
            await self._look_at_clock(connections, -math.inf)
        earliest, latest, total = (-math.inf, math.inf, window[2]) if is_new else window
        return f"{{{earliest!r},{latest!r},{total!r},{self._wall_clock()!r}}}"

    async def _look_at_clock(self, connections: Connections, since: float) -> None:
        """See the server's clock, unless it was seen `since` then; note in the database if it was set."""
        if self._server_clock.was_seen(since):
            return
        for _ in range(TRIES):
            asked_at = self._clock()
            ((time, noted),) = await connections.run(READ_CLOCK, [])
            sighting = self._server_clock.sighting(time, asked_at)
            total = self._server_clock.total(sighting, noted)
            if total != noted:
                ((is_ours,),) = await connections.run(NOTE_SET_BY, [noted, total])
                if not is_ours:
                    continue
            self._server_clock.know(sighting, total)
            return
        raise store_is_unsettled()

    async def _value(self, statement: Statement, arguments: Callable[[Vault], Sequence[Argument]]) -> Any:
        """Execute a statement as `_ask` does, and return what is in its only row and column."""
        _, ((value,),) = await self._ask(statement, arguments)
        return value

    def _dates(self, principal: Subject) -> list[Argument]:
        """Return a principal's date, the last moment that it can mean, and what the wall clock shows now."""
        wall = self._wall_clock()
        began = self._wall_clock.began(principal) if principal is not PARTNER else None
        if began is None:
            return [None, None, wall]
        return [*(max(wall - FARTHEST, min(each, wall + FARTHEST)) for each in began), wall]

    def _warn(self) -> None:
        """Log, once, that something does not open: every hit would say the same."""
        if not self._has_warned:
            self._has_warned = True
            log.error(
                "Something in the token store was changed or moved: its seal is broken. It counts as missing."
            )


def times_of(token: AccessToken) -> Times:
    """Return the times of a token as durations, by the clock of whoever brings it."""
    left, life, renew_in = token.expires_at - token.clock(), token.life, token.renew_at - token.clock()
    return min(left, FARTHEST), min(life, FARTHEST), max(-FARTHEST, min(renew_in, FARTHEST))
