"""Requests of one user who means to fill a store: what each does to it, and how much of the user is in the store after that."""

from collections.abc import Callable, Coroutine
from typing import Any

from monite_auth import AccessToken, EntityUser, Principal, Secret
from monite_auth.stores import Claimed, Operations, Slot
from monite_auth.tokens import Clock

__all__ = ["KINDS", "Attack"]

EVE = EntityUser("e0e00000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")


class Attack:
    """Hostile requests of eve, one after the other. `run` drives an operation to its end."""

    def __init__(
        self, operations: Operations, run: Callable[[Coroutine[Any, Any, Any]], Any], clock: Clock
    ) -> None:
        self._operations = operations
        self._run = run
        self._clock = clock
        self._number = 0

    def send(self, kind: str, times: int) -> None:
        """Send so many requests of a kind, none of which is like another."""
        for _ in range(times):
            self._number += 1
            KINDS[kind](self, self._number)

    def log_in(self, number: int) -> None:
        """Use a new session."""
        self._claim(None, f"session-{number}", min_life=0)

    def log_out(self, number: int) -> None:
        """End a session that the store does not know."""
        self._run(self._operations.end_session(self._eve(None, f"session-{number}")))

    def ask_for_a_tenant(self, number: int) -> None:
        """Ask for a tenant that the directory does not know."""
        claim = self._claim(f"tenant-{number}", "session", min_life=0)
        self._run(self._operations.abandon(claim.lease))

    def have_a_tenant(self, number: int) -> None:
        """Ask for a tenant that the directory has accepted unseen."""
        self._mint(f"tenant-{number}", number)

    def replace(self, number: int) -> None:
        """Have a token replaced: it was rejected, or is too short-lived."""
        self._mint(None, number)

    def _mint(self, tenant: str | None, number: int) -> None:
        claim = self._claim(tenant, "session", min_life=1e9)
        now = self._clock()
        value = Secret(f"token-{number}-".ljust(512, "x"))
        token = AccessToken(value, now + 1800, now, now + 1400, EVE, self._clock)
        self._run(self._operations.commit(claim.lease, token))

    def _claim(self, tenant: str | None, session: str, *, min_life: float) -> Claimed:
        slot, eve = Slot("eve", tenant, None), self._eve(tenant, session)
        claim: Claimed = self._run(
            self._operations.claim(slot, eve, owner="eve", seconds=5, min_life=min_life)
        )
        return claim

    def _eve(self, tenant: str | None, session: str) -> Principal:
        return Principal("eve", tenant=tenant, session_id=session)


KINDS: dict[str, Callable[[Attack, int], None]] = {
    "logins": Attack.log_in,
    "logouts": Attack.log_out,
    "tenants that are refused": Attack.ask_for_a_tenant,
    "tenants that are accepted": Attack.have_a_tenant,
    "replaced tokens": Attack.replace,
}
