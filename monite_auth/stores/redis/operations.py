"""The operations of the Redis store, and why each may be sent twice.

*When the answer is lost.* A script whose answer does not come has run, or has not, or will in a moment. The caller is told
StoreUnavailable; after a connection that broke at once, `connections` has sent the same command once more. Every script can
bear to have run, and to run twice:

| operation | script (`lua/`) | what the second run finds, or what a run without an answer leaves |
|---|---|---|
| peek, status, backlog, overview, get_note | peek, status, backlog, overview, users, live, budget, get_note | reads only |
| names_key, remembered, pending, holders | users, remembered, pending, holders | reads only |
| claim | claim | The caller has chosen the lease's ID, so the second run renews the first. A lease that nobody knows of runs out, or is claimed again by its owner. |
| commit | hold_value | The same place holds the same value. If the commit never comes, the value is held until its token would have expired. |
| commit | commit | The lease is gone, and the token is there under that lease: it is stored already. After a logout between the two, neither is there, and the token is pending, once: records bear its name. |
| abandon | abandon, cooldown | Another lease, or none; the same cooldown. |
| discard | discard | Another token, or none. |
| begin_session | begin | The session is known already. |
| end_session, end_user, relink | end | No tokens, so it counts none. They are due all the same, and the next drain finds them. |
| end_everything | everything, end | The same users, without tokens. |
| revoke | condemn, take, enqueue | The value is condemned, out of its place, and pending. |
| due | due | Revocations that nobody was told of are due again when their time is over. |
| condemn | condemn | The value is condemned. |
| condemn | holds_value, release_value | The same holders, or fewer. |
| settle, condemn | settle | Nothing is left to take off. |
| postpone | postpone | One attempt is counted too many. |
| session_state | session_state | Nothing was written. |
| put_note, delete_note | put_note, delete_note | The note as the first run left it. |
| admit | budget | A moment that was booked, or a place in the window, passes unused. |
| peek_in_turn | peek_in_turn | As after admit. |
| hold | budget | The hold counts until when, not how long; the pace goes down once. |
| lower_limit | budget | The same limit. |
"""

from monite_auth.stores.redis.calls import RedisCalls
from monite_auth.stores.redis.copies import RedisCopies
from monite_auth.stores.redis.notes import RedisNotes
from monite_auth.stores.redis.revocations import RedisRevocations
from monite_auth.stores.redis.sessions import RedisSessions
from monite_auth.stores.redis.status import RedisStatus

__all__ = ["RedisOperations"]


class RedisOperations(RedisCalls, RedisSessions, RedisRevocations, RedisNotes, RedisStatus, RedisCopies):
    """All operations of one account, in one of their two forms; see `monite_auth.stores.Operations`."""
