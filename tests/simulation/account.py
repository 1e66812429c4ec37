"""An account in the simulated world: its settings and people, its view of the store, its Monite, and its judge."""

from functools import lru_cache
from typing import TYPE_CHECKING

from monite_auth import EntityUser, MemoryStore, Principal, Settings
from tests.simulation.judge import Judge, OutageJudge
from tests.simulation.monite_model import MoniteModel

if TYPE_CHECKING:
    from tests.simulation.world import Stage, World


__all__ = ["PEOPLE", "START", "Account", "People"]

START = 1_000_000.0
"""The time at which a simulation begins, epoch seconds."""


def _person(number: int) -> EntityUser:
    return EntityUser(f"00000000-0000-4000-8000-{number:012}", "e0000000-0000-4000-8000-000000000001")


PEOPLE: dict[tuple[str, str | None], EntityUser] = {
    ("alice", None): _person(1),
    ("alice", "north"): _person(2),
    ("alice", "south"): _person(3),
    ("bob", None): _person(4),
    ("bob", "north"): _person(5),
    ("alice", "elsewhere"): _person(6),
    ("zoe", None): _person(7),
    ("ann", None): _person(1),
}
"""The entity users of the principals, by user and tenant. alice is linked to `elsewhere` in scenarios with `relink`. zoe comes
when all is over. ann is another user of the application, who acts as the same person as alice."""


_ACCOUNTS = (
    ("sandbox", "0f7e1a52-6c1d-4b0e-9a53-000000000001"),
    ("eu", "0f7e1a52-6c1d-4b0e-9a53-000000000001"),
    ("sandbox", "0f7e1a52-6c1d-4b0e-9a53-000000000002"),
)
"""The accounts, by number: 1 is in another environment than 0, and 2 has another client ID."""


@lru_cache
def _settings_for(
    number: int, scope: str, security: str, requests_per_second: float, session_memory: float
) -> Settings:
    """Return the settings of an account: the default ones, as far as a scenario does not say otherwise."""
    environment, client_id = _ACCOUNTS[number]
    return Settings(
        environment=environment,
        client_id=client_id,
        client_secret="the-client-secret",
        token_scope="session" if scope == "session" else "user",
        security_model=security,
        requests_per_second=min(requests_per_second, 1_000_000),
        session_memory=session_memory,
    )


class Account:
    """An account: its settings and people, what it sees of the store that all share, its Monite, and who judges it."""

    __slots__ = ("judge", "monite", "people", "settings", "store")

    def __init__(self, world: "World", number: int, stage: "Stage", store: MemoryStore) -> None:
        self.settings = _settings_for(
            number, stage.scope, stage.security, stage.requests_per_second, stage.session_memory
        )
        self.people = dict(PEOPLE)
        self.store = store.of(self.settings.account_name).operations(blocking=True)
        self.monite = MoniteModel(
            world.clock,
            base_url=self.settings.base_url,
            client_id=self.settings.client_id,
            life=stage.life,
            retry_after=stage.retry_after,
            repeats=stage.repeats,
        )
        judged = (world, self.settings, self.monite, self.people)
        self.judge = (
            OutageJudge(*judged, trust=stage.outage_trust, has_journal=stage.has_journal)
            if stage.troubles
            else Judge(*judged)
        )


class People:
    """The application's directory of an account."""

    def __init__(self, people: dict[tuple[str, str | None], EntityUser]) -> None:
        self._people = people

    def find(self, principal: Principal) -> EntityUser | None:
        return self._people.get((principal.user_id, principal.tenant))

    async def afind(self, principal: Principal) -> EntityUser | None:
        return self.find(principal)
