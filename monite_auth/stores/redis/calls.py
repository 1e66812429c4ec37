"""The token and the turn of a call, in Redis: one script, where one script may reach both."""

from monite_auth.identity import Subject
from monite_auth.stores.budget import Priority
from monite_auth.stores.protocol import InTurn
from monite_auth.stores.redis.budget import RedisBudget, admission_of
from monite_auth.stores.redis.records import split_answer
from monite_auth.stores.redis.tokens import RedisTokens
from monite_auth.stores.values import Slot

__all__ = ["RedisCalls"]


class RedisCalls(RedisTokens, RedisBudget):
    """See CallOperations."""

    async def peek_in_turn(self, slot: Slot, principal: Subject, *, patience: float) -> InTurn:
        """See CallOperations. In a cluster the two may lie on different nodes, so it only peeks."""
        if self._is_cluster:
            return InTurn(await self.peek(slot, principal), None)
        at = self._clock()
        keys, arguments = self._peek_of(slot, principal)
        turn = self._turn_of(Priority.CALL, None, patience)
        vault, answer = await self._ask(
            "peek_in_turn", slot.user, keys, lambda vault: [*arguments(vault), *turn], in_budget=True
        )
        if answer is None:
            return InTurn(None, None)
        now, record = split_answer(answer[0])
        token = await self._opened(vault, slot, record, now, at)
        return InTurn(token, admission_of(answer[1:]))
