"""The judge: sees every step, keeps a plain record of what ought to be so, and raises `Violation` where it is not.

The record is written anew here, from the promises and not from the library: which token of a slot is good, who
holds which lease, who has logged out. It learns of steps only what the store answered and what went to Monite.

What is judged, by promise (DESIGN.md), and where it had to be made precise:

1. *Isolation.* A token that is handed out was minted for the entity user that the principal is linked to; after
   `relink` has returned, only the new link counts. Each account has a judge of its own, who knows only the tokens of
   its own Monite: one that comes from elsewhere, or goes there, is a violation.
2. *One mint.* When a request to mint leaves, no other for that slot is on its way. One that is on its way counts
   until its answer arrives or its caller gives up. If its actor was lost (crash), it counts until the lease runs
   out; a lease that has run out may be taken over, so two mints may overlap when one was claimed after the other's
   lease had run out. What comes under a lease that is no longer the slot's is not stored.
   *No wedge.* Every call ends by its deadline (or by the end of the wait for a busy slot that was begun before), and
   afterwards every slot gives tokens again, renews them, and revokes them, in every process that lives.
3. *Freshness.* A token that is handed out lives in Monite's books, has `min_ttl` seconds, was not rejected in its slot,
   and is not *condemned*: its revocation was not decided. A value that has to die is not stored again, one that a slot
   hands out is not revoked, and nothing else is thrown away.
4. *Valid beats new.* A call that finds a good token ends in its first step, with it. No call fails while there is
   one, and none goes on waiting for one that its own process has minted. (Other processes learn of it when they
   claim again, and so do those who wait for a leader that has died.) A session is sure to find a token once it has
   claimed; before, it has to claim.
5. *Logout is final.* A call of a session returns no token after a logout of that session has returned (`sessions` says
   which sessions an ending ends), and a session that has not ended is never told that it has. When all is over, every
   token that the session's slots had or that a mint from before brought is dead, unless another slot hands out the
   same. A token whose answer never reached the store (it was lost, or its process died) is counted apart: nobody has it.
6. *Nothing is lost.* A token that has become a pending revocation is dead when all is over, or was handed out by another
   slot when its turn had come.
7. *Logout is cheap.* It is one operation of the store, and never fails; so are login, relink, revoke and the end of the
   partner token.
8. *One budget.* Every request was admitted, none was admitted during a hold, admissions keep the limit's pace, and
   nothing less urgent is admitted while a user waits. One revocation is with one drainer at a time. (The pace is
   judged where nobody was held up: a process that was stopped between its admission and its request sends late.)

And from "When things go wrong": after a refusal of our credentials nobody claims for a while, after a refusal of
one entity user nobody claims that slot.
"""

from tests.simulation.judge.judge import Judge
from tests.simulation.judge.violation import Violation

__all__ = ["Judge", "Violation"]
