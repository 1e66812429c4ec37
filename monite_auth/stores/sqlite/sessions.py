"""Sessions in SQLite: how they begin, and all ways to end them and to take tokens away."""

import math

from monite_auth.identity import LEEWAY, Partner, Principal
from monite_auth.stores.bounds import MOST_ENDINGS, MOST_SESSIONS
from monite_auth.stores.sqlite.execution import Execution, Transaction, reading, writing
from monite_auth.stores.sqlite.rows import insert_token, is_doomed
from monite_auth.stores.values import PARTNER_SLOT, Ended, Everything, SessionState
from monite_auth.tokens import SAFETY, AccessToken

__all__ = ["ENDED_BY_DATE", "SQLiteSessions", "begin", "ending_of"]

ENDED_BY_DATE = """
    EXISTS (SELECT * FROM endings WHERE user = :user AND ended_before > :by AND until > :now)
    OR EXISTS (SELECT * FROM accounts WHERE account = :account AND ended_before > :by)
"""

UNDATED = "INSERT OR REPLACE INTO sessions (user, session, account, ended, until)"
"""Notes the end of a user's unknown sessions that have no date, in a row whose session is the user's own name."""


class SQLiteSessions(Execution):
    """See SessionOperations."""

    @writing
    def begin_session(self, on: Transaction, principal: Principal, *, ago: float = 0.0) -> None:
        """See Operations."""
        begin(on, principal, self._session_memory, at=on.now)
        if ago > 0 and principal.session_id is not None:
            self._date_back(on, principal, on.now - ago)

    def _date_back(self, on: Transaction, principal: Principal, began: float) -> None:
        """Note that a session began at that moment, though it seemed to begin later; it may turn out to have ended since."""
        of_session = {
            "user": on.vault.user(principal.user_id),
            "session": on.vault.principal(principal),
            "account": on.account,
            "by": began,
            "now": on.now,
        }
        on.db.execute(
            "UPDATE sessions SET began = min(began, :by) WHERE user = :user AND session = :session AND NOT ended",
            of_session,
        )
        if on.db.execute(f"SELECT {ENDED_BY_DATE}", of_session).fetchone()[0]:
            self._end_session(on, principal, 0.0)

    @reading
    def session_state(self, on: Transaction, principal: Principal) -> SessionState:
        """See Operations."""
        user, session = on.vault.user(principal.user_id), on.vault.principal(principal)
        known = on.db.execute(
            "SELECT 1 FROM sessions WHERE user = ? AND session = ? AND NOT ended AND until > ?",
            (user, session, on.now),
        ).fetchone()
        ending = ending_of(on, principal, self._session_memory)
        return SessionState.of(principal, ending, is_known=known is not None)

    @writing
    def end_session(self, on: Transaction, principal: Principal, *, ago: float = 0.0) -> int:
        """See Operations."""
        return self._end_session(on, principal, ago)

    def _end_session(self, on: Transaction, principal: Principal, ago: float) -> int:
        user = on.vault.user(principal.user_id)
        name = on.vault.principal(principal)
        if name is not None:
            on.db.execute(
                "INSERT OR REPLACE INTO sessions (user, session, account, ended, until) VALUES (?, ?, ?, 1, ?)",
                (user, name, on.account, self._remembered_until(on)),
            )
            if principal.session_id is None:
                self._end_before(on, user, on.now - ago)
            self._let_go_endings(on, user, name)
        session = on.vault.session(principal.user_id, principal.session_id)
        return _take_away(on, "user = ? AND (session IS NULL OR session = ?)", user, session)

    @writing
    def end_user(self, on: Transaction, user: str, *, ago: float = 0.0) -> int:
        """See Operations."""
        name = on.vault.user(user)
        self._end_sessions(on, "user = ?", name, ago)
        self._end_before(on, name, on.now - ago)
        self._let_go_endings(on, name, None)
        return _take_away(on, "user = ?", name)

    @writing
    def relink(self, on: Transaction, user: str | Partner) -> int:
        """See Operations."""
        name = on.vault.user(user)
        on.db.execute("UPDATE mints SET rest_until = 0 WHERE user = ?", (name,))
        return _take_away(on, "user = ?", name)

    @writing
    def end_everything(self, on: Transaction, *, ago: float = 0.0) -> Everything:
        """See Operations."""
        on.db.execute(
            "UPDATE accounts SET ended_before = max(ended_before, ?) WHERE account = ?",
            (on.now - ago, on.account),
        )
        sessions = self._end_sessions(on, "account = ?", on.account, ago)
        return Everything(sessions, _take_away(on, "account = ?", on.account))

    @writing
    def revoke(self, on: Transaction, token: AccessToken) -> int:
        """See Operations."""
        name = on.vault.fingerprint_name(token.fingerprint)
        live: int = on.db.execute(
            "SELECT count(*) FROM tokens WHERE print = ? AND state = 'live'", (name,)
        ).fetchone()[0]
        on.db.execute(
            "UPDATE tokens SET state = 'pending', due_at = ? WHERE print = ? AND state <> 'pending' AND expires_at > ?",
            (on.now, name, on.now - SAFETY),
        )
        if not is_doomed(on, name):
            insert_token(on, "pending", PARTNER_SLOT, token)
        return live

    def _end_sessions(self, on: Transaction, whose: str, value: str, ago: float) -> int:
        """End the known sessions that `whose` names and that did not begin since `ago` seconds ago; return how many.

        Where sessions of a user may have been let go, the unknown ones without a date end, too.
        """
        # What ended was known before, so all that was let go is older than what is here.
        on.db.execute(
            f"{UNDATED} SELECT user, user, account, 1, ? FROM sessions WHERE until > ? AND {whose} "  # noqa: S608 - ours
            "GROUP BY user HAVING count(*) >= ?",
            (self._remembered_until(on), on.now, value, MOST_SESSIONS),
        )
        # One that seems to begin later than now was dated before the clock was set back.
        return on.db.execute(
            "UPDATE sessions SET ended = 1, until = ? "  # noqa: S608 - ours
            f"WHERE NOT ended AND until > ? AND (began <= ? OR began > ?) AND {whose}",
            (self._remembered_until(on), on.now, on.now - ago if ago > 0 else math.inf, on.now, value),
        ).rowcount

    def _end_before(self, on: Transaction, user: str, moment: float) -> None:
        """Note that the user's sessions from before a moment have ended."""
        on.db.execute(
            "INSERT INTO endings (user, account, ended_before, until) VALUES (?, ?, ?, ?) ON CONFLICT (user) DO UPDATE SET "
            "account = excluded.account, ended_before = max(ended_before, excluded.ended_before), until = excluded.until",
            (user, on.account, moment, self._remembered_until(on)),
        )

    def _let_go_endings(self, on: Transaction, user: str, latest: str | None) -> None:
        """Forget a user's oldest endings where there are too many. Dates tell from then on which sessions have ended."""
        let_go = _let_go_oldest(on, user, latest, ended=True, most=MOST_ENDINGS)
        if let_go:
            # One that others wrote may be remembered for longer than this store's memory.
            over = min(on.now, max(let_go) - self._session_memory - LEEWAY)
            self._end_before(on, user, over)
            on.db.execute(
                f"{UNDATED} VALUES (?, ?, ?, 1, ?)", (user, user, on.account, self._remembered_until(on))
            )

    def _remembered_until(self, on: Transaction) -> float:
        """Return until when an ending is remembered: until sessions from before it are too old by their dates."""
        return on.now + self._session_memory + LEEWAY


def _take_away(on: Transaction, whose: str, *values: str | None) -> int:
    """Fence the mints, and make the tokens pending, of the slots that `whose` names; return how many tokens."""
    on.db.execute(f"UPDATE mints SET fenced = 1 WHERE {whose}", values)  # noqa: S608 - ours
    return on.db.execute(
        "UPDATE tokens SET state = 'pending', due_at = ? "  # noqa: S608 - ours
        f"WHERE state <> 'pending' AND expires_at > ? AND {whose}",
        (on.now, on.now - SAFETY, *values),
    ).rowcount


def begin(on: Transaction, principal: Principal, memory: float, *, at: float) -> None:
    """Write a session down as known for `memory` seconds, unless it has ended or has no ID. It began `at`, if it is new."""
    session = on.vault.session(principal.user_id, principal.session_id)
    if session is not None:
        user = on.vault.user(principal.user_id)
        on.db.execute(
            "INSERT INTO sessions (user, session, account, ended, until, began) VALUES (:user, :session, :account, 0, :until, :at) "
            "ON CONFLICT (user, session) DO UPDATE SET ended = 0, until = excluded.until, "
            "began = CASE WHEN until <= :now THEN excluded.began ELSE began END WHERE NOT ended OR until <= :now",
            {
                "user": user,
                "session": session,
                "account": on.account,
                "until": on.now + memory,
                "at": at,
                "now": on.now,
            },
        )
        _let_go_oldest(on, user, session, ended=False, most=MOST_SESSIONS)


def _let_go_oldest(on: Transaction, user: str, latest: str | None, *, ended: bool, most: int) -> list[float]:
    """Delete two of a user's sessions where there are too many: more than are added. Return until when they were remembered.

    `latest`: the session that was just written. It stays, even if others are remembered for longer.
    """
    whose = {"user": user, "ended": ended, "most": most, "latest": latest}
    many = on.db.execute("SELECT count(*) FROM sessions WHERE user = :user AND ended = :ended", whose)
    if many.fetchone()[0] <= most:
        return []
    deleted = on.db.execute(
        "DELETE FROM sessions WHERE user = :user AND session IN (SELECT session FROM sessions "
        "WHERE user = :user AND ended = :ended AND session IS NOT :latest ORDER BY until LIMIT 2) RETURNING until",
        whose,
    )
    return [until for (until,) in deleted]


def ending_of(on: Transaction, principal: Principal, memory: float) -> Ended | None:
    """Return how the principal's session has ended, if it has. Endings are remembered for `memory` seconds."""
    user, session = on.vault.user(principal.user_id), on.vault.principal(principal)
    known = on.db.execute(
        "SELECT ended FROM sessions WHERE user = ? AND session = ? AND until > ?", (user, session, on.now)
    ).fetchone()
    if known is not None:  # and judged by its name alone
        return Ended() if known[0] else None
    began = on.began(principal)
    if began is None:
        is_over = principal.session_id is not None and _is_undated_over(on, user)
        return Ended(too_old=True) if is_over else None
    asked = {"account": on.account, "user": user, "by": began.by, "now": on.now}
    if on.db.execute(f"SELECT {ENDED_BY_DATE}", asked).fetchone()[0]:
        return Ended()
    return Ended(too_old=True) if began.at <= on.now - memory else None


def _is_undated_over(on: Transaction, user: str) -> bool:
    """Say whether the unknown sessions of the user that have no date have ended."""
    found = on.db.execute(
        "SELECT EXISTS (SELECT * FROM sessions WHERE user = ? AND session = user AND until > ?)",
        (user, on.now),
    ).fetchone()
    return bool(found[0])
