"""The operations of the PostgreSQL store, and why each may be executed twice.

*When the answer is lost.* A statement whose answer does not come was carried out as a whole, or not at all. After a connection that
broke, `connections` has executed the same statement once more. Each can bear that:

| operation | what the second finds, or what one without an answer leaves |
|---|---|
| peek, session_state, get_note, status, backlog, overview, names_key, remembered, pending, holders | reads only |
| claim | The caller has chosen the lease's ID, so the second renews the first. A lease that nobody knows of runs out, or is claimed again by its owner. |
| commit | The slot has this very token: it is stored already. After a logout between the two, the token is pending already. |
| abandon | Another lease, or none; the same cooldown. |
| discard | Another token, or none. |
| begin_session | The session is known already. |
| end_session, end_user, relink, end_everything | No tokens, so it counts none. They are due all the same, and the next drain finds them. |
| revoke | The value is pending already. |
| due | Revocations that nobody was told of are due again when their time is over. |
| condemn, settle | The value is condemned; nothing is left to take off. |
| postpone | One attempt is counted too many. |
| put_note, delete_note | The note as the first left it. |
| admit, peek_in_turn, hold, lower_limit | The budget as the first left it: a moment that was booked, or a place in the window, passes unused. |
"""

from monite_auth.stores.postgres.calls import PostgresCalls
from monite_auth.stores.postgres.copies import PostgresCopies
from monite_auth.stores.postgres.notes import PostgresNotes
from monite_auth.stores.postgres.revocations import PostgresRevocations
from monite_auth.stores.postgres.sessions import PostgresSessions
from monite_auth.stores.postgres.status import PostgresStatus

__all__ = ["PostgresOperations"]


class PostgresOperations(
    PostgresCalls, PostgresSessions, PostgresRevocations, PostgresNotes, PostgresStatus, PostgresCopies
):
    """All operations of one account, in one of their two forms; see `monite_auth.stores.Operations`."""
