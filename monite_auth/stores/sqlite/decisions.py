"""What the SQLite store decides, operation by operation, over a connection that `database` hands in.

Each function is the whole of one operation: it runs in one transaction (`peek` and `get_note`: one statement) and waits
for nothing. They decide as `memory` does, where the rules are easier to read.

All of it is about one account, whose vault is unlocked. Names are digests that only this account can make, so where rows
are found by one, they are its own; where they are not, their column `account` says whose they are.

The same value can be in several rows, since Monite may give a token again. What is decided about a pending one, is decided
about all of them.
"""

import itertools
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import astuple, replace
from typing import TypeVar

from monite_auth.identity import LEEWAY, PARTNER, Partner, Principal, Subject
from monite_auth.stores.budget import Admission, Budget, Priority, Ticket
from monite_auth.stores.sealing import SealBroken
from monite_auth.stores.sqlite.envelopes import EVERYONE
from monite_auth.stores.sqlite.vault import Vault
from monite_auth.stores.values import (
    PARTNER_SLOT,
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

__all__ = ["PEEK", "PEEK_BY_DATE", "PEEK_BY_SESSION", "Decisions"]

Value = TypeVar("Value")

LATE = 60.0
"""Seconds that a lease is remembered after it ran out: who holds it may still come back with a token, and what was
fenced has to stay so. A holder that is later than this is taken for one whose lease is void."""

UNCOUNTED = 3600.0
"""Seconds that an expired revocation is kept for a drainer to count; nobody drains for so long, and it is swept."""

MOST_EXPIRED = 1000
"""Expired revocations that one call counts and drops; the next call goes on."""

SWEEP_EVERY, SWEPT = 16, 64
"""Every so many writes, at most so many expired rows of each table are deleted: more than writes can add, and done
in a fraction of a millisecond."""

PEEK = """
    SELECT token.print, token.sealed, token.expires_at, token.issued_at, token.renew_at
    FROM tokens AS token
    WHERE token.slot = :slot AND token.state = 'live' AND token.expires_at > :now
"""

PEEK_BY_SESSION = f"""{PEEK}
      AND EXISTS (SELECT * FROM sessions WHERE user = :user AND session = :session AND NOT ended AND until > :now)
"""  # noqa: S608 - ours, as below

ENDED_BY_DATE = """
    EXISTS (SELECT * FROM endings WHERE user = :user AND ended_before > :by AND until > :now)
    OR EXISTS (SELECT * FROM accounts WHERE account = :account AND ended_before > :by)
"""

PEEK_BY_DATE = f"""{PEEK}
      AND NOT EXISTS (SELECT * FROM sessions WHERE user = :user AND session = :session AND until > :now)
      AND NOT ({ENDED_BY_DATE})
"""  # noqa: S608

SAME_VALUE = "state = 'pending' AND print = (SELECT print FROM tokens WHERE id = ?)"
"""Pending rows that have the same value as a row: what becomes of one, becomes of all."""

LIVE = """
    SELECT print, sealed, expires_at, issued_at, renew_at FROM tokens WHERE slot = ? AND state = 'live'
"""

SWEEPS = (
    "DELETE FROM sessions WHERE (user, session) IN (SELECT user, session FROM sessions WHERE until <= :now LIMIT :most)",
    "DELETE FROM endings WHERE user IN (SELECT user FROM endings WHERE until <= :now LIMIT :most)",
    "DELETE FROM mints WHERE slot IN (SELECT slot FROM mints WHERE until <= :now LIMIT :most)",
    "DELETE FROM notes WHERE name IN (SELECT name FROM notes WHERE until <= :now LIMIT :most)",
    "DELETE FROM condemned WHERE print IN (SELECT print FROM condemned WHERE until <= :now LIMIT :most)",
    f"""
    DELETE FROM tokens WHERE id IN (
        SELECT id FROM tokens
        WHERE expires_at <= :now - {SAFETY} AND (state <> 'pending' OR expires_at <= :now - {UNCOUNTED}) LIMIT :most
    )
    """,  # noqa: S608 - our own numbers
)

Row = tuple[str, bytes, float, float, float]


class Decisions:
    """The operations of one account. `vault` seals and names what is in its rows.

    `clock` is the one that all processes of the host agree on; what is in the file counts by it, and dates of logins are
    compared with it. `token_clock` is the one of the tokens that callers bring and get.
    """

    def __init__(
        self,
        vault: Vault,
        *,
        session_memory: float,
        requests_per_second: float,
        clock: Clock,
        token_clock: Clock,
    ) -> None:
        self.vault = vault
        self._session_memory = session_memory
        self._rate = requests_per_second
        self._clock = clock
        self._token_clock = token_clock
        self._writes = itertools.count(1)

    # -- tokens

    def peek(self, db: sqlite3.Connection, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Operations."""
        now = self._clock()
        name = self.vault.slot(slot)
        statement, asked = PEEK, {"slot": name, "now": now}
        session = self.vault.principal(principal) if principal is not PARTNER else None
        if principal is not PARTNER and session is not None:
            statement = PEEK_BY_SESSION
            asked |= {"user": self.vault.user(principal.user_id), "session": session}
            if principal.session_id is None:
                if self._is_too_old(principal, now):
                    return None
                statement = PEEK_BY_DATE
                asked |= {"account": self.vault.account, "by": principal.began_by}
        row = db.execute(statement, asked).fetchone()
        return self._token(row, name, now) if row is not None else None

    def claim(
        self,
        db: sqlite3.Connection,
        slot: Slot,
        principal: Subject,
        *,
        owner: str,
        seconds: float,
        min_life: float,
    ) -> Claim:
        """See Operations."""
        now = self._clock()
        if principal is not PARTNER:
            ending = self._ending_of(db, principal, now)
            if ending is not None:
                return ending
            self._begin(db, principal, now)
        name = self.vault.slot(slot)
        row: Row | None = db.execute(LIVE, (name,)).fetchone()
        if (
            row is not None
            and row[2] > now
            and row[2] - now >= min_life
            and (token := self._or_none(self._token, row, name, now)) is not None
        ):
            return Hit(token)
        sealed = db.execute(
            "SELECT sealed, until FROM rest WHERE account = ? AND until > ?", (self.vault.account, now)
        ).fetchone()
        if sealed is not None and (rest := self._or_none(self.vault.open_rest, sealed[0], EVERYONE)):
            return CoolingDown(sealed[1] - now, rest)
        held = db.execute(
            "SELECT owner, lease_until, rest, rest_until FROM mints WHERE slot = ?", (name,)
        ).fetchone()
        if held is not None:
            holder, until, sealed_rest, rest_until = held
            if now < rest_until and (rest := self._or_none(self.vault.open_rest, sealed_rest, name)):
                return CoolingDown(rest_until - now, rest)
            if holder not in (None, owner) and now < until:
                return Busy(until - now)
        lease = Lease(slot, secrets.token_hex(8))
        until = now + seconds
        db.execute(
            "INSERT OR REPLACE INTO mints (slot, account, user, session, lease, owner, lease_until, until) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                self.vault.account,
                self.vault.user(slot.user),
                self.vault.session(slot.user, slot.session),
                lease.id,
                owner,
                until,
                until + LATE,
            ),
        )
        return Claimed(lease)

    def commit(self, db: sqlite3.Connection, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        now = self._clock()
        print_name = self.vault.print(token.fingerprint)
        if self._is_doomed(db, print_name, now):
            return Committed.DOOMED
        name = self.vault.slot(lease.slot)
        held = db.execute(
            "SELECT fenced FROM mints WHERE slot = ? AND lease = ?", (name, lease.id)
        ).fetchone()
        if held is not None:
            db.execute("DELETE FROM mints WHERE slot = ?", (name,))
        if held != (0,):
            self._insert(db, "pending", lease.slot, token, now)
            return Committed.FENCED
        db.execute(
            "DELETE FROM tokens WHERE print = ? AND slot = ? AND state <> 'pending'", (print_name, name)
        )
        db.execute("UPDATE tokens SET state = 'superseded' WHERE slot = ? AND state = 'live'", (name,))
        self._insert(db, "live", lease.slot, token, now)
        return Committed.STORED

    def _insert(self, db: sqlite3.Connection, state: str, slot: Slot, token: AccessToken, now: float) -> None:
        """Put a token into the file; there is no use in a pending one that has expired."""
        expires_at = now + (token.expires_at - token.clock())
        if state == "pending" and expires_at + SAFETY <= now:
            return
        name = self.vault.slot(slot)
        db.execute(
            "INSERT INTO tokens (id, account, state, slot, user, session, print, sealed, expires_at, issued_at, renew_at, "
            "due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                secrets.randbits(63),
                self.vault.account,
                state,
                name,
                self.vault.user(slot.user),
                self.vault.session(slot.user, slot.session),
                self.vault.print(token.fingerprint),
                self.vault.seal_token(name, token),
                expires_at,
                expires_at - token.life,
                expires_at - (token.expires_at - token.renew_at),
                now,
            ),
        )

    def _is_doomed(self, db: sqlite3.Connection, print_name: str, now: float) -> bool:
        """Say whether a value that would be alive has been revoked, or is about to be."""
        found = db.execute(
            "SELECT EXISTS (SELECT * FROM condemned WHERE print = ? AND until > ?) "
            "OR EXISTS (SELECT * FROM tokens WHERE print = ? AND state = 'pending' AND expires_at > ?)",
            (print_name, now, print_name, now - SAFETY),
        ).fetchone()
        return bool(found[0])

    def abandon(self, db: sqlite3.Connection, lease: Lease, rest: Cooldown | None) -> None:
        """See Operations."""
        now = self._clock()
        name = self.vault.slot(lease.slot)
        if rest is not None and rest.everyone:
            db.execute(
                "INSERT OR REPLACE INTO rest (account, sealed, until) VALUES (?, ?, ?)",
                (self.vault.account, self.vault.seal_rest(rest, EVERYONE), now + rest.seconds),
            )
        if rest is None or rest.everyone:
            db.execute("DELETE FROM mints WHERE slot = ? AND lease = ?", (name, lease.id))
            return
        until = now + rest.seconds
        db.execute(
            "UPDATE mints SET lease = NULL, owner = NULL, rest = ?, rest_until = ?, until = ? "
            "WHERE slot = ? AND lease = ?",
            (self.vault.seal_rest(rest, name), until, until, name, lease.id),
        )

    def discard(self, db: sqlite3.Connection, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        db.execute(
            "UPDATE tokens SET state = 'superseded' WHERE slot = ? AND state = 'live' AND print = ?",
            (self.vault.slot(slot), self.vault.print(fingerprint)),
        )

    # -- beginnings and endings

    def begin_session(self, db: sqlite3.Connection, principal: Principal) -> None:
        """See Operations."""
        self._begin(db, principal, self._clock())

    def _begin(self, db: sqlite3.Connection, principal: Principal, now: float) -> None:
        """Write a session down as known, unless it has ended."""
        session = self.vault.session(principal.user_id, principal.session_id)
        if session is not None:
            db.execute(
                "INSERT INTO sessions (user, session, account, ended, until) VALUES (?, ?, ?, 0, ?) "
                "ON CONFLICT (user, session) DO UPDATE SET ended = 0, until = excluded.until WHERE NOT ended OR until <= ?",
                (
                    self.vault.user(principal.user_id),
                    session,
                    self.vault.account,
                    now + self._session_memory,
                    now,
                ),
            )

    def end_session(self, db: sqlite3.Connection, principal: Principal) -> int:
        """See Operations."""
        now = self._clock()
        user = self.vault.user(principal.user_id)
        name = self.vault.principal(principal)
        if name is not None:
            db.execute(
                "INSERT OR REPLACE INTO sessions (user, session, account, ended, until) VALUES (?, ?, ?, 1, ?)",
                (user, name, self.vault.account, self._remembered_until(now)),
            )
            if principal.session_id is None:
                self._end_before(db, user, now)
        session = self.vault.session(principal.user_id, principal.session_id)
        return self._end(db, now, "user = ? AND (session IS NULL OR session = ?)", user, session)

    def end_user(self, db: sqlite3.Connection, user: str) -> int:
        """See Operations."""
        now = self._clock()
        name = self.vault.user(user)
        self._end_sessions(db, now, "user = ?", name)
        self._end_before(db, name, now)
        return self._end(db, now, "user = ?", name)

    def relink(self, db: sqlite3.Connection, user: str | Partner) -> int:
        """See Operations."""
        name = self.vault.user(user)
        db.execute("UPDATE mints SET rest_until = 0 WHERE user = ?", (name,))
        return self._end(db, self._clock(), "user = ?", name)

    def end_everything(self, db: sqlite3.Connection) -> Everything:
        """See Operations."""
        now, account = self._clock(), self.vault.account
        db.execute("UPDATE accounts SET ended_before = ? WHERE account = ?", (now, account))
        sessions = self._end_sessions(db, now, "account = ?", account)
        return Everything(sessions, self._end(db, now, "account = ?", account))

    def _end(self, db: sqlite3.Connection, now: float, whose: str, *values: str | None) -> int:
        """Fence the mints, and make the tokens pending, of those slots that `whose` names."""
        db.execute(f"UPDATE mints SET fenced = 1 WHERE {whose}", values)  # noqa: S608 - ours
        return db.execute(
            "UPDATE tokens SET state = 'pending', due_at = ? "  # noqa: S608 - ours
            f"WHERE state <> 'pending' AND expires_at > ? AND {whose}",
            (now, now - SAFETY, *values),
        ).rowcount

    def _end_sessions(self, db: sqlite3.Connection, now: float, whose: str, value: str) -> int:
        """End those known sessions that `whose` names; return how many there were."""
        return db.execute(
            f"UPDATE sessions SET ended = 1, until = ? WHERE NOT ended AND until > ? AND {whose}",  # noqa: S608 - ours
            (self._remembered_until(now), now, value),
        ).rowcount

    def _end_before(self, db: sqlite3.Connection, user: str, now: float) -> None:
        db.execute(
            "INSERT OR REPLACE INTO endings (user, account, ended_before, until) VALUES (?, ?, ?, ?)",
            (user, self.vault.account, now, self._remembered_until(now)),
        )

    def _remembered_until(self, now: float) -> float:
        """Return until when an ending is remembered: until sessions from before it are too old by their dates."""
        return now + self._session_memory + LEEWAY

    def _ending_of(self, db: sqlite3.Connection, principal: Principal, now: float) -> Ended | None:
        """Return how the principal's session has ended, if it has."""
        user, session = self.vault.user(principal.user_id), self.vault.principal(principal)
        known = db.execute(
            "SELECT ended FROM sessions WHERE user = ? AND session = ? AND until > ?", (user, session, now)
        ).fetchone()
        if known is not None:  # and judged by its name alone
            return Ended() if known[0] else None
        if principal.began_at is None:
            return None
        asked = {"account": self.vault.account, "user": user, "by": principal.began_by, "now": now}
        if db.execute(f"SELECT {ENDED_BY_DATE}", asked).fetchone()[0]:
            return Ended()
        return Ended(too_old=True) if self._is_too_old(principal, now) else None

    def _is_too_old(self, principal: Principal, now: float) -> bool:
        """Say whether a session that is not known began before endings are remembered."""
        return principal.began_at is not None and principal.began_at <= now - self._session_memory

    # -- revocations

    def revoke(self, db: sqlite3.Connection, token: AccessToken) -> int:
        """See Operations."""
        now = self._clock()
        print_name = self.vault.print(token.fingerprint)
        live: int = db.execute(
            "SELECT count(*) FROM tokens WHERE print = ? AND state = 'live'", (print_name,)
        ).fetchone()[0]
        db.execute(
            "UPDATE tokens SET state = 'pending', due_at = ? WHERE print = ? AND state <> 'pending' AND expires_at > ?",
            (now, print_name, now - SAFETY),
        )
        if not self._is_doomed(db, print_name, now):
            self._insert(db, "pending", PARTNER_SLOT, token, now)
        return live

    def due(self, db: sqlite3.Connection, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        now, account = self._clock(), self.vault.account
        expired = db.execute(
            "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens INDEXED BY tokens_expiry "
            "WHERE expires_at <= ? AND account = ? AND state = 'pending' AND due_at <= ? LIMIT ?)",
            (now - SAFETY, account, now, MOST_EXPIRED),
        ).rowcount
        batch: dict[str, Pending] = {}
        ahead = self._token_clock() - now
        for row in db.execute(
            "SELECT id, slot, print, sealed, expires_at, attempts FROM tokens "
            "WHERE account = ? AND state = 'pending' AND due_at <= ? AND expires_at > ? ORDER BY due_at LIMIT ?",
            (account, now, now - SAFETY, limit),
        ).fetchall():
            number, slot, print_name, sealed, expires_at, attempts = row
            try:
                value = self.vault.open_pending(sealed, slot, print_name)
            except SealBroken:
                self.vault.report_lost()
                db.execute("UPDATE tokens SET due_at = ? WHERE id = ?", (expires_at + SAFETY, number))
                continue
            db.execute(f"UPDATE tokens SET due_at = ? WHERE {SAME_VALUE}", (now + seconds, number))  # noqa: S608 - ours
            batch[print_name] = Pending(str(number), value, expires_at + SAFETY + ahead, attempts)
        first = db.execute(
            "SELECT min(due_at) FROM tokens WHERE account = ? AND state = 'pending'", (account,)
        ).fetchone()[0]
        return Due(list(batch.values()), expired, None if first is None else max(0.0, first - now))

    def condemn(self, db: sqlite3.Connection, pending: Pending) -> bool:
        """See Operations."""
        row = db.execute(
            "SELECT print, expires_at FROM tokens WHERE id = ? AND state = 'pending'", (int(pending.id),)
        ).fetchone()
        if row is None:
            return False
        print_name, expires_at = row
        is_held = db.execute(
            "SELECT EXISTS (SELECT * FROM tokens WHERE print = ? AND state = 'live' AND expires_at > ?)",
            (print_name, self._clock()),
        ).fetchone()[0]
        if is_held:
            self.settle(db, pending)
            return False
        db.execute("DELETE FROM tokens WHERE print = ? AND state <> 'pending'", (print_name,))
        db.execute(
            "INSERT OR REPLACE INTO condemned (print, account, until) VALUES (?, ?, ?)",
            (print_name, self.vault.account, expires_at + SAFETY),
        )
        return True

    def settle(self, db: sqlite3.Connection, pending: Pending) -> None:
        """See Operations."""
        db.execute(f"DELETE FROM tokens WHERE {SAME_VALUE}", (int(pending.id),))  # noqa: S608 - ours

    def postpone(self, db: sqlite3.Connection, pending: Pending, seconds: float) -> None:
        """See Operations."""
        db.execute(
            f"UPDATE tokens SET due_at = ?, attempts = attempts + 1 WHERE {SAME_VALUE}",  # noqa: S608 - ours
            (self._clock() + seconds, int(pending.id)),
        )

    def status(self, db: sqlite3.Connection, user: str) -> Status:
        """See Operations."""
        now = self._clock()
        live, last = db.execute(
            "SELECT count(*), max(expires_at) FROM tokens WHERE user = ? AND state = 'live' AND expires_at > ?",
            (self.vault.user(user), now),
        ).fetchone()
        return Status(live, None if last is None else last - now + self._token_clock())

    def backlog(self, db: sqlite3.Connection) -> int:
        """See Operations."""
        count: int = db.execute(
            "SELECT count(DISTINCT print) FROM tokens WHERE account = ? AND state = 'pending'",
            (self.vault.account,),
        ).fetchone()[0]
        return count

    # -- notes

    def put_note(self, db: sqlite3.Connection, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""
        place = self.vault.note(user, name)
        sealed = self.vault.seal_note(place, value)
        db.execute(
            "INSERT OR REPLACE INTO notes (name, account, sealed, until) VALUES (?, ?, ?, ?)",
            (place, self.vault.account, sealed, self._clock() + seconds),
        )

    def get_note(self, db: sqlite3.Connection, user: str, name: str) -> str | None:
        """See Operations."""
        place = self.vault.note(user, name)
        row = db.execute(
            "SELECT sealed FROM notes WHERE name = ? AND until > ?", (place, self._clock())
        ).fetchone()
        return self.vault.open_note(place, row[0]) if row is not None else None

    def delete_note(self, db: sqlite3.Connection, user: str, name: str) -> None:
        """See Operations."""
        db.execute("DELETE FROM notes WHERE name = ?", (self.vault.note(user, name),))

    # -- the request budget

    def admit(
        self, db: sqlite3.Connection, priority: Priority, ticket: Ticket | None, *, patience: float
    ) -> Admission:
        """See Operations."""
        now = self._clock()
        budget, admission = self._budget(db, now).admit(now, self._rate, priority, ticket, patience)
        self._keep(db, budget, now)
        return admission

    def hold(self, db: sqlite3.Connection, seconds: float) -> None:
        """See Operations."""
        now = self._clock()
        self._keep(db, self._budget(db, now).hold(now, seconds), now)

    def _budget(self, db: sqlite3.Connection, now: float) -> Budget:
        row = db.execute(
            "SELECT free_at, gate, held, held_until, renewals_until, seen_at FROM budget WHERE account = ?",
            (self.vault.account,),
        ).fetchone()
        if row is None:
            return Budget()
        *state, seen_at = row
        budget = Budget(*state)
        if now >= seen_at:
            return budget
        # The clock was set back. Virtual time goes on as if it had not been, or all would wait that much longer.
        back = now - seen_at
        return replace(
            budget,
            held=budget.held + back,
            held_until=budget.held_until + back,
            renewals_until=budget.renewals_until + back,
        )

    def _keep(self, db: sqlite3.Connection, budget: Budget, now: float) -> None:
        db.execute(
            "INSERT OR REPLACE INTO budget (account, free_at, gate, held, held_until, renewals_until, seen_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self.vault.account, *astuple(budget), now),
        )

    # -- sealed values

    def _or_none(self, open_value: Callable[..., Value], *arguments: object) -> Value | None:
        """Return what was opened; None if something else has put it there."""
        try:
            return open_value(*arguments)
        except SealBroken:
            self.vault.warn()
            return None

    def _token(self, row: Row, slot: str, now: float) -> AccessToken:
        """Return the token in a row, in its reader's time; raise SealBroken if it was not sealed for that slot."""
        print_name, sealed, expires_at, issued_at, renew_at = row
        value, entity_user = self.vault.open_token(sealed, slot, print_name)
        ahead = self._token_clock() - now
        return AccessToken(
            value, expires_at + ahead, issued_at + ahead, renew_at + ahead, entity_user, self._token_clock
        )

    # -- upkeep

    def sweep(self, db: sqlite3.Connection) -> None:
        """Delete some of what has expired, every so many calls."""
        if next(self._writes) % SWEEP_EVERY == 0:
            now = self._clock()
            for statement in SWEEPS:
                db.execute(statement, {"now": now, "most": SWEPT})
