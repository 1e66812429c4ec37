"""The judge: sees every step, keeps its own record, and raises `Violation` where a promise is broken.

The record is written anew here, from the promises and not from the library: which token of a slot is good, who holds
which lease, who has logged out. The judge learns of a step only what the store answered and what went to Monite. These
are the promises as it judges them (DESIGN.md), where needed more precise:

1. *Isolation.*
   - A token that is handed out was minted for the entity user that the principal is linked to. After `relink` has
     returned, only the new link counts.
   - Each account has a judge of its own that knows only the tokens of its own Monite. A token that comes from another
     account, or goes there, is a violation.
2. *One mint.*
   - When a request to mint leaves, no other for that slot is on its way. A request counts as on its way until its answer
     arrives or its caller gives up; if its actor was lost in a crash, until the lease runs out.
   - A lease that has run out may be taken over. So two mints may overlap if one was claimed after the other's lease had
     run out. A token that comes under a lease which is no longer the slot's is not stored.
   - *No wedge.* Every call ends by its deadline, or by the end of a wait for a busy slot that began before. Afterwards
     every slot gives tokens again, renews them and revokes them, in every process that lives.
3. *Freshness.*
   - A token that is handed out lives in Monite's books, has `min_ttl` seconds left, and was not rejected in its slot.
     It is not *condemned*: nobody has decided to revoke it.
   - A value that has to die is not stored again. A value that a slot hands out is not revoked. Nothing else is thrown away.
4. *Valid beats new.*
   - A call that finds a good token ends in its first step, with that token. A session is sure to find one once it has
     claimed; before that, it has to claim.
   - No call fails while there is a good token, and none goes on waiting for one that its own process has minted. (Other
     processes learn of it when they claim again, and so do calls whose leader has died.)
5. *Logout is final.*
   - A call returns no token after a logout of its session has returned; `sessions` says which sessions an ending ends.
     A session that has not ended is never told that it has.
   - At the end, every token is dead that a slot of the session had or that an earlier mint brought, unless another slot
     hands out the same value. A token whose answer never reached the store (it was lost, or its process died) is counted
     apart: nobody has it.
   - *Shared reads.* A token may be handed out that was right when another call of the same process read it, at most
     `SHARED_FOR` seconds ago, if the call had begun before that read and nothing was ended in the process since. It is as
     if the store's answer had been on its way for so long. This goes for promises 1, 3 and 5.
6. *Nothing is lost.* A token that has become a pending revocation is dead at the end, or was handed out by another slot
   when its turn came.
7. *Logout is cheap.* It is one operation of the store, and never fails. The same goes for login, relink, revoke and the
   end of the partner token.
8. *One budget.* Every request was admitted, none during a hold. Within a second and the jitter of the network no more
   are admitted than the limit allows, however late callers come. Nothing less urgent is admitted while a user waits. One
   revocation is with one drain at a time. (A process that was stopped between its admission and its request sends late; that
   is not judged.)

And from "When things go wrong": after a refusal of our credentials nobody claims for a while; after a refusal of one entity
user, nobody claims that slot.
"""

from tests.simulation.judge.judge import Judge
from tests.simulation.judge.outages import OutageJudge
from tests.simulation.judge.violation import Violation

__all__ = ["Judge", "OutageJudge", "Violation"]
