"""Tokens and leases in SQLite: peek, claim, commit, abandon, discard. `memory` decides alike, where the rules are easier to read."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from monite_auth.identity import PARTNER, Subject
from monite_auth.stores.bounds import MOST_SLOTS, MOST_SUPERSEDED
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.sqlite.errors import Locked
from monite_auth.stores.sqlite.execution import Execution, Transaction, writing
from monite_auth.stores.sqlite.keys import EVERYONE, VaultLocked
from monite_auth.stores.sqlite.rows import EXPIRES_AT, insert_token, is_doomed
from monite_auth.stores.sqlite.sessions import ENDED_BY_DATE, begin, ending_of
from monite_auth.stores.values import (
    Busy,
    Claim,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Hit,
    Lease,
    Slot,
)
from monite_auth.tokens import SAFETY, AccessToken

__all__ = ["PEEK", "PEEK_BY_DATE", "PEEK_BY_SESSION", "SQLiteTokens"]

Value = TypeVar("Value")

LATE = 60.0
"""Seconds that a lease is remembered after it ran out: its holder may still come back with a token, and a fence has to hold
until then. The lease of a holder that is later than this counts as void."""

LIVE = f"""
    SELECT print, sealed, {EXPIRES_AT}, issued_at, renew_at FROM tokens WHERE slot = :slot AND state = 'live'
"""  # noqa: S608 - ours, as below

PEEK = f"""{LIVE}
      AND {EXPIRES_AT} > :now
"""

PEEK_BY_SESSION = f"""{PEEK}
      AND EXISTS (SELECT * FROM sessions WHERE user = :user AND session = :session AND NOT ended AND until > :now)
"""  # noqa: S608

PEEK_BY_DATE = f"""{PEEK}
      AND NOT EXISTS (SELECT * FROM sessions WHERE user = :user AND session = :session AND until > :now)
      AND NOT ({ENDED_BY_DATE})
"""  # noqa: S608

Row = tuple[str, bytes, float, float, float]


class SQLiteTokens(Execution):
    """See TokenOperations."""

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Operations. It runs where it was called, on an event loop too, if it need not wait."""
        peek = partial(self.peek_within, slot, principal)
        try:
            return self._read_at_once(peek)
        except (Locked, VaultLocked, SealBroken):
            return await self._read_or_none(peek)

    def peek_within(self, slot: Slot, principal: Subject, on: Transaction) -> AccessToken | None:
        """Peek within a transaction."""
        name = on.vault.slot(slot)
        statement, asked = PEEK, {"slot": name, "now": on.now, "ahead": on.ahead}
        session = on.vault.principal(principal) if principal is not PARTNER else None
        if principal is not PARTNER and session is not None:
            statement = PEEK_BY_SESSION
            asked |= {"user": on.vault.user(principal.user_id), "session": session}
            if principal.session_id is None and (began := on.began(principal)) is not None:
                if began.at <= on.now - self._session_memory:
                    return None
                statement = PEEK_BY_DATE
                asked |= {"account": on.account, "by": began.by}
        row = on.db.execute(statement, asked).fetchone()
        return self._token(on, row, name) if row is not None else None

    @writing
    def claim(
        self,
        on: Transaction,
        slot: Slot,
        principal: Subject,
        *,
        owner: str,
        seconds: float,
        min_life: float,
    ) -> Claim:
        """See Operations."""
        if principal is not PARTNER:
            ending = ending_of(on, principal, self._session_memory)
            if ending is not None:
                return ending
            began = on.began(principal)
            begin(on, principal, self._session_memory, at=on.now if began is None else min(on.now, began.by))
        name = on.vault.slot(slot)
        row: Row | None = on.db.execute(LIVE, {"slot": name, "ahead": on.ahead}).fetchone()
        if row is not None and row[2] > on.now and row[2] - on.now >= min_life:
            token = self._or_none(self._token, on, row, name)
            if token is not None:
                return Hit(token)
        return (
            self._cooling_down(on, name)
            or _busy(on, name, owner)
            or Claimed(_take_lease(on, slot, owner, seconds))
        )

    def _cooling_down(self, on: Transaction, slot: str) -> CoolingDown | None:
        """Return the cooldown that is in force, everyone's or the slot's."""
        for place, statement, key in (
            (EVERYONE, "SELECT sealed, until FROM rest WHERE account = ? AND until > ?", on.account),
            (slot, "SELECT rest, rest_until FROM mints WHERE slot = ? AND rest_until > ?", slot),
        ):
            row = on.db.execute(statement, (key, on.now)).fetchone()
            if row is not None:
                cooldown = self._or_none(on.vault.open_cooldown, row[0], place)
                if cooldown is not None:
                    return CoolingDown(row[1] - on.now, cooldown)
        return None

    @writing
    def commit(self, on: Transaction, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        fingerprint = on.vault.fingerprint_name(token.fingerprint)
        if is_doomed(on, fingerprint):
            return Committed.DOOMED
        slot = on.vault.slot(lease.slot)
        held = on.db.execute(
            "SELECT fenced FROM mints WHERE slot = ? AND lease = ?", (slot, lease.id)
        ).fetchone()
        if held is not None:
            on.db.execute("DELETE FROM mints WHERE slot = ?", (slot,))
        if held != (0,):
            insert_token(on, "pending", lease.slot, token)
            return Committed.FENCED
        on.db.execute(
            "DELETE FROM tokens WHERE print = ? AND slot = ? AND state <> 'pending'", (fingerprint, slot)
        )
        on.db.execute("UPDATE tokens SET state = 'superseded' WHERE slot = ? AND state = 'live'", (slot,))
        insert_token(on, "live", lease.slot, token)
        _revoke_too_many(on, lease.slot)
        return Committed.STORED

    @writing
    def abandon(self, on: Transaction, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See Operations."""
        slot = on.vault.slot(lease.slot)
        if cooldown is not None and cooldown.everyone:
            on.db.execute(
                "INSERT OR REPLACE INTO rest (account, sealed, until) VALUES (?, ?, ?)",
                (on.account, on.vault.seal_cooldown(EVERYONE, cooldown), on.now + cooldown.seconds),
            )
        if cooldown is None or cooldown.everyone:
            on.db.execute("DELETE FROM mints WHERE slot = ? AND lease = ?", (slot, lease.id))
            return
        until = on.now + cooldown.seconds
        on.db.execute(
            "UPDATE mints SET lease = NULL, owner = NULL, rest = ?, rest_until = ?, until = ? "
            "WHERE slot = ? AND lease = ?",
            (on.vault.seal_cooldown(slot, cooldown), until, until, slot, lease.id),
        )

    @writing
    def discard(self, on: Transaction, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        on.db.execute(
            "UPDATE tokens SET state = 'superseded' WHERE slot = ? AND state = 'live' AND print = ?",
            (on.vault.slot(slot), on.vault.fingerprint_name(fingerprint)),
        )

    def _token(self, on: Transaction, row: Row, slot: str) -> AccessToken:
        """Return the token in a row, in its reader's time; raise SealBroken if it was not sealed for that slot."""
        fingerprint_name, sealed, expires_at, issued_at, renew_at = row
        value, entity_user = on.vault.open_token(sealed, slot, fingerprint_name)
        ahead = self._token_clock() - on.now
        return AccessToken(
            value, expires_at + ahead, issued_at + ahead, renew_at + ahead, entity_user, self._token_clock
        )

    def _or_none(self, open_value: Callable[..., Value], *arguments: object) -> Value | None:
        """Return what was opened; None if something else has put it there."""
        try:
            return open_value(*arguments)
        except SealBroken:
            self._keys.warn()
            return None


def _revoke_too_many(on: Transaction, slot: Slot) -> None:
    """Make the oldest tokens pending where the slot or its user has too many."""
    many: int = on.db.execute(  # of one index, so that most users cost nothing more
        "SELECT count(*) FROM tokens WHERE user = ? AND state <> 'pending'", (on.vault.user(slot.user),)
    ).fetchone()[0]
    if many > MOST_SUPERSEDED:
        _revoke_oldest(on, slot, "superseded", "AND slot = ?", on.vault.slot(slot), keep=MOST_SUPERSEDED)
    if many > MOST_SLOTS:
        for state in ("live", "superseded"):
            _revoke_oldest(on, slot, state, keep=MOST_SLOTS)


def _revoke_oldest(on: Transaction, slot: Slot, state: str, which: str = "", *values: str, keep: int) -> None:
    """Make tokens of the slot's user pending that are in a state, but for the youngest: so many are kept."""
    on.db.execute(
        "UPDATE tokens SET state = 'pending', due_at = ? WHERE id IN (SELECT id FROM tokens "  # noqa: S608 - ours
        f"WHERE user = ? AND state = ? AND state <> 'pending' AND expires_at > ? {which} "
        "ORDER BY issued_at DESC LIMIT -1 OFFSET ?)",
        (on.now, on.vault.user(slot.user), state, on.now - SAFETY, *values, keep),
    )


def _busy(on: Transaction, slot: str, owner: str) -> Busy | None:
    """Return the lease of another owner that is in force."""
    row = on.db.execute("SELECT owner, lease_until FROM mints WHERE slot = ?", (slot,)).fetchone()
    if row is None or row[0] in (None, owner) or row[1] <= on.now:
        return None
    return Busy(row[1] - on.now)


def _take_lease(on: Transaction, slot: Slot, owner: str, seconds: float) -> Lease:
    lease = Lease(slot, secrets.token_hex(8))
    until = on.now + seconds
    on.db.execute(
        "INSERT OR REPLACE INTO mints (slot, account, user, session, lease, owner, lease_until, until) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            on.vault.slot(slot),
            on.account,
            on.vault.user(slot.user),
            on.vault.session(slot.user, slot.session),
            lease.id,
            owner,
            until,
            until + LATE,
        ),
    )
    return lease
