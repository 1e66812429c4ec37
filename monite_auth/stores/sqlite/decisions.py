"""What the SQLite store decides, operation by operation, over a connection that `database` hands in.

Each function is the whole of one operation: it runs in one transaction (`peek`: one statement) and waits for
nothing. They decide as `memory` does, where the rules are easier to read.
"""

import itertools
import secrets
import sqlite3
from dataclasses import astuple, replace

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
from monite_auth.stores.budget import Admission, Budget, Priority, Ticket
from monite_auth.stores.sqlite.vault import Vault
from monite_auth.tokens import SAFETY, AccessToken, Clock

__all__ = ["PEEK", "Decisions"]

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
    LEFT JOIN sessions AS session ON session.user = :user AND session.session = :session
    LEFT JOIN endings AS ending ON ending.user = :user
    WHERE token.slot = :slot AND token.state = 'live' AND token.expires_at > :now
      AND (:session IS NULL OR (session.ended = 0 AND session.until > :now))
      AND (:at IS NULL OR ending.user IS NULL OR ending.ended_before <= :at OR ending.until <= :now)
"""

LIVE = """
    SELECT print, sealed, expires_at, issued_at, renew_at FROM tokens WHERE slot = ? AND state = 'live'
"""

SWEEPS = (
    "DELETE FROM sessions WHERE (user, session) IN (SELECT user, session FROM sessions WHERE until <= :now LIMIT :most)",
    "DELETE FROM endings WHERE user IN (SELECT user FROM endings WHERE until <= :now LIMIT :most)",
    "DELETE FROM mints WHERE slot IN (SELECT slot FROM mints WHERE until <= :now LIMIT :most)",
    "DELETE FROM notes WHERE name IN (SELECT name FROM notes WHERE until <= :now LIMIT :most)",
    f"""
    DELETE FROM tokens WHERE id IN (
        SELECT id FROM tokens
        WHERE expires_at <= :now - {SAFETY} AND (state <> 'pending' OR expires_at <= :now - {UNCOUNTED}) LIMIT :most
    )
    """,  # noqa: S608 - our own numbers
)

Row = tuple[str, bytes, float, float, float]


class Decisions:
    """The operations of one store. `vault` seals and names what is in the rows.

    `clock` is the one that all processes of the host agree on; what is in the file counts by it. `token_clock` is
    the one of the tokens that callers bring and get.
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
        self._vault = vault
        self._session_memory = session_memory
        self._rate = requests_per_second
        self._clock = clock
        self._token_clock = token_clock
        self._writes = itertools.count(1)

    # -- tokens

    def peek(self, db: sqlite3.Connection, slot: Slot, principal: Principal | None) -> AccessToken | None:
        """See Operations."""
        now = self._clock()
        user = session = at = None
        if principal is not None:
            user = self._vault.user(principal.user_id)
            session = self._vault.session(principal.user_id, principal.session_id)
            at = principal.began_at
        name = self._vault.slot(slot)
        row = db.execute(
            PEEK, {"slot": name, "user": user, "session": session, "at": at, "now": now}
        ).fetchone()
        return self._token(row, name, now) if row is not None else None

    def claim(
        self,
        db: sqlite3.Connection,
        slot: Slot,
        principal: Principal | None,
        *,
        owner: str,
        seconds: float,
        min_life: float,
    ) -> Claim:
        """See Operations."""
        now = self._clock()
        if principal is not None:
            if self._has_ended(db, principal, now):
                return Ended()
            self._remember(db, self._vault.user(principal.user_id), principal, now, ended=False)
        name = self._vault.slot(slot)
        row: Row | None = db.execute(LIVE, (name,)).fetchone()
        if (
            row is not None
            and row[2] > now
            and row[2] - now >= min_life
            and (token := self._token(row, name, now)) is not None
        ):
            return Hit(token)
        sealed = db.execute("SELECT sealed, until FROM rest WHERE until > ?", (now,)).fetchone()
        if sealed is not None and (rest := self._vault.open_rest(sealed[0], "everyone")) is not None:
            return Resting(sealed[1] - now, rest)
        held = db.execute(
            "SELECT owner, lease_until, rest, rest_until FROM mints WHERE slot = ?", (name,)
        ).fetchone()
        if held is not None:
            holder, until, sealed_rest, rest_until = held
            if now < rest_until and (rest := self._vault.open_rest(sealed_rest, name)) is not None:
                return Resting(rest_until - now, rest)
            if holder not in (None, owner) and now < until:
                return Busy(until - now)
        lease = Lease(slot, secrets.token_hex(8))
        until = now + seconds
        db.execute(
            "INSERT OR REPLACE INTO mints (slot, user, session, lease, owner, lease_until, until) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                self._vault.user(slot.user),
                self._vault.session(slot.user, slot.session),
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
        name = self._vault.slot(lease.slot)
        held = db.execute(
            "SELECT fenced FROM mints WHERE slot = ? AND lease = ?", (name, lease.id)
        ).fetchone()
        if held is not None:
            db.execute("DELETE FROM mints WHERE slot = ?", (name,))
        stored: bool = held == (0,)
        expires_at = now + (token.expires_at - token.clock())
        if stored:
            db.execute("UPDATE tokens SET state = 'superseded' WHERE slot = ? AND state = 'live'", (name,))
        elif expires_at + SAFETY <= now:
            return Committed.FENCED
        db.execute(
            "INSERT INTO tokens (id, state, slot, user, session, print, sealed, expires_at, issued_at, renew_at, due_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                secrets.randbits(63),
                "live" if stored else "pending",
                name,
                self._vault.user(lease.slot.user),
                self._vault.session(lease.slot.user, lease.slot.session),
                self._vault.print(token.fingerprint),
                self._vault.seal_token(name, token),
                expires_at,
                expires_at - token.life,
                expires_at - (token.expires_at - token.renew_at),
                now,
            ),
        )
        return Committed.STORED if stored else Committed.FENCED

    def abandon(self, db: sqlite3.Connection, lease: Lease, rest: Rest | None) -> None:
        """See Operations."""
        now = self._clock()
        name = self._vault.slot(lease.slot)
        if rest is not None and rest.everyone:
            db.execute(
                "INSERT OR REPLACE INTO rest VALUES (1, ?, ?)",
                (self._vault.seal_rest(rest, "everyone"), now + rest.seconds),
            )
        if rest is None or rest.everyone:
            db.execute("DELETE FROM mints WHERE slot = ? AND lease = ?", (name, lease.id))
            return
        until = now + rest.seconds
        db.execute(
            "UPDATE mints SET lease = NULL, owner = NULL, rest = ?, rest_until = ?, until = ? "
            "WHERE slot = ? AND lease = ?",
            (self._vault.seal_rest(rest, name), until, until, name, lease.id),
        )

    def discard(self, db: sqlite3.Connection, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        db.execute(
            "UPDATE tokens SET state = 'superseded' WHERE slot = ? AND state = 'live' AND print = ?",
            (self._vault.slot(slot), self._vault.print(fingerprint)),
        )

    # -- beginnings and endings

    def begin_session(self, db: sqlite3.Connection, principal: Principal) -> None:
        """See Operations."""
        self._remember(db, self._vault.user(principal.user_id), principal, self._clock(), ended=False)

    def end_session(self, db: sqlite3.Connection, principal: Principal) -> int:
        """See Operations."""
        now = self._clock()
        user = self._vault.user(principal.user_id)
        if principal.session_id is not None:
            self._remember(db, user, principal, now, ended=True)
        elif principal.began_at is not None:
            self._end_before(db, user, now)
        session = self._vault.session(principal.user_id, principal.session_id)
        return self._end(db, user, now, "AND (session IS NULL OR session = ?)", session)

    def end_user(self, db: sqlite3.Connection, user: str) -> int:
        """See Operations."""
        now = self._clock()
        name = self._vault.user(user)
        db.execute(
            "UPDATE sessions SET ended = 1, until = ? WHERE user = ? AND until > ?",
            (now + self._session_memory, name, now),
        )
        self._end_before(db, name, now)
        return self._end(db, name, now)

    def end_everything(self, db: sqlite3.Connection) -> Everything:
        """See Operations."""
        raise NotImplementedError

    def revoke(self, db: sqlite3.Connection, token: AccessToken) -> int:
        """See Operations."""
        raise NotImplementedError

    def condemn(self, db: sqlite3.Connection, pending: Pending) -> bool:  # noqa: ARG002
        """See Operations."""
        return True

    def relink(self, db: sqlite3.Connection, user: str | None) -> int:
        """See Operations."""
        name = self._vault.user(user)
        db.execute("UPDATE mints SET rest_until = 0 WHERE user = ?", (name,))
        return self._end(db, name, self._clock())

    def _end(
        self, db: sqlite3.Connection, user: str, now: float, slots: str = "", *values: str | None
    ) -> int:
        """Fence the user's mints and make the tokens pending, in all slots or in those that are named."""
        db.execute(f"UPDATE mints SET fenced = 1 WHERE user = ? {slots}", (user, *values))  # noqa: S608 - ours
        return db.execute(
            "UPDATE tokens SET state = 'pending', due_at = ? "  # noqa: S608 - ours
            f"WHERE user = ? AND state <> 'pending' AND expires_at > ? {slots}",
            (now, user, now - SAFETY, *values),
        ).rowcount

    def _end_before(self, db: sqlite3.Connection, user: str, now: float) -> None:
        db.execute("INSERT OR REPLACE INTO endings VALUES (?, ?, ?)", (user, now, now + self._session_memory))

    def _remember(
        self, db: sqlite3.Connection, user: str, principal: Principal, now: float, *, ended: bool
    ) -> None:
        session = self._vault.session(principal.user_id, principal.session_id)
        if session is not None:
            db.execute(
                "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?)",
                (user, session, ended, now + self._session_memory),
            )

    def _has_ended(self, db: sqlite3.Connection, principal: Principal, now: float) -> bool:
        user = self._vault.user(principal.user_id)
        session = self._vault.session(principal.user_id, principal.session_id)
        ended = db.execute(
            "SELECT EXISTS (SELECT * FROM sessions WHERE user = ? AND session = ? AND ended AND until > ?) "
            "OR EXISTS (SELECT * FROM endings WHERE user = ? AND ended_before > ? AND until > ?)",
            (user, session, now, user, principal.began_at, now),
        ).fetchone()
        return bool(ended[0])

    # -- revocations

    def due(self, db: sqlite3.Connection, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        now = self._clock()
        expired = db.execute(
            "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens INDEXED BY tokens_expiry "
            "WHERE expires_at <= ? AND state = 'pending' AND due_at <= ? LIMIT ?)",
            (now - SAFETY, now, MOST_EXPIRED),
        ).rowcount
        batch: list[Pending] = []
        ahead = self._token_clock() - now
        for row in db.execute(
            "SELECT id, slot, print, sealed, expires_at, attempts FROM tokens "
            "WHERE state = 'pending' AND due_at <= ? AND expires_at > ? ORDER BY due_at LIMIT ?",
            (now, now - SAFETY, limit),
        ).fetchall():
            number, slot, print_name, sealed, expires_at, attempts = row
            value = self._vault.open_pending(sealed, slot, print_name)
            due_at = now + seconds if value is not None else expires_at + SAFETY
            db.execute("UPDATE tokens SET due_at = ? WHERE id = ?", (due_at, number))
            if value is not None:
                batch.append(Pending(str(number), value, expires_at + SAFETY + ahead, attempts))
        first = db.execute("SELECT min(due_at) FROM tokens WHERE state = 'pending'").fetchone()[0]
        return Due(batch, expired, None if first is None else max(0.0, first - now))

    def settle(self, db: sqlite3.Connection, pending: Pending) -> None:
        """See Operations."""
        db.execute("DELETE FROM tokens WHERE id = ?", (int(pending.id),))

    def postpone(self, db: sqlite3.Connection, pending: Pending, seconds: float) -> None:
        """See Operations."""
        db.execute(
            "UPDATE tokens SET due_at = ?, attempts = attempts + 1 WHERE id = ?",
            (self._clock() + seconds, int(pending.id)),
        )

    def status(self, db: sqlite3.Connection, user: str) -> Status:
        """See Operations."""
        now = self._clock()
        live, last = db.execute(
            "SELECT count(*), max(expires_at) FROM tokens WHERE user = ? AND state = 'live' AND expires_at > ?",
            (self._vault.user(user), now),
        ).fetchone()
        return Status(live, None if last is None else last - now + self._token_clock())

    def backlog(self, db: sqlite3.Connection) -> int:
        """See Operations."""
        count: int = db.execute("SELECT count(*) FROM tokens WHERE state = 'pending'").fetchone()[0]
        return count

    # -- notes

    def remember(self, db: sqlite3.Connection, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""
        place = self._vault.note(user, name)
        sealed = self._vault.seal_note(place, value)
        db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (place, sealed, self._clock() + seconds))

    def recall(self, db: sqlite3.Connection, user: str, name: str) -> str | None:
        """See Operations."""
        place = self._vault.note(user, name)
        row = db.execute(
            "SELECT sealed FROM notes WHERE name = ? AND until > ?", (place, self._clock())
        ).fetchone()
        return self._vault.open_note(place, row[0]) if row is not None else None

    def forget(self, db: sqlite3.Connection, user: str, name: str) -> None:
        """See Operations."""
        db.execute("DELETE FROM notes WHERE name = ?", (self._vault.note(user, name),))

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
            "SELECT free_at, gate, held, held_until, renewals_until, seen_at FROM budget"
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
        db.execute("INSERT OR REPLACE INTO budget VALUES (1, ?, ?, ?, ?, ?, ?)", (*astuple(budget), now))

    def _token(self, row: Row, slot: str, now: float) -> AccessToken | None:
        """Return the token in a row, in its reader's time; None if it was not sealed for that slot."""
        print_name, sealed, expires_at, issued_at, renew_at = row
        opened = self._vault.open_token(sealed, slot, print_name)
        if opened is None:
            return None
        value, entity_user = opened
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
