"""Small scenarios about several accounts in one store."""

from monite_auth.identity import PARTNER
from tests.simulation.actions import (
    Drain,
    EndEverything,
    Logout,
    Token,
)
from tests.simulation.scenarios.people import (
    ALICE,
    BOB,
)
from tests.simulation.scenarios.scenario import (
    TWO,
    Scenario,
    scenario,
    script,
)

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "two accounts: mint and logout x mint",
        script(0, Token(ALICE), Logout(ALICE), Token(ALICE)),
        script(1, Token(ALICE)),
        processes=TWO,
        accounts=(0, 1),
    ),
    scenario(
        "two accounts: end_everything x use x drain",
        script(0, EndEverything(), Token(ALICE)),
        script(1, Token(ALICE), Drain()),
        processes=TWO,
        accounts=(0, 2),
        before=((0, Token(ALICE)), (1, Token(ALICE)), (1, Token(PARTNER))),
    ),
    scenario(
        "two accounts: wrong credentials of one x mint",
        script(0, Token(BOB), Token(ALICE)),
        script(1, Token(BOB)),
        processes=TWO,
        accounts=(0, 2),
        mishaps=("credentials",),
        mishap_count=1,
    ),
)
