"""Small scenarios in which Monite answers with the token that lives, instead of a new one."""

from monite_auth.identity import PARTNER
from tests.simulation.actions import (
    EndUser,
    Logout,
    Revoke,
    Token,
)
from tests.simulation.scenarios.people import (
    ALICE,
    ALICE_TOO,
    ANN,
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
        "the same again: logout x mint of another session",
        script(0, Logout(ALICE)),
        script(1, Token(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        mishaps=("lost",),
        mishap_count=1,
        repeats=True,
    ),
    scenario(
        "the same again: logout of one session x use of another",
        script(0, Logout(ALICE)),
        script(1, Token(ALICE_TOO), Logout(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        scope="session",
        repeats=True,
    ),
    scenario(
        "the same again: end_user x another who acts as the same person",
        script(0, EndUser("alice")),
        script(1, Token(ANN)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        repeats=True,
    ),
    scenario(
        "the same again: logout x partner tokens for each",
        script(0, Logout(ALICE)),
        script(1, Token(BOB), Token(PARTNER)),
        processes=TWO,
        before=((0, Token(ALICE)), (0, Token(BOB))),
        repeats=True,
        security="partner_managed",
    ),
    scenario(
        "the same again: revoke x mint of another session",
        script(0, Token(ALICE), Revoke(ALICE)),
        script(1, Token(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        scope="session",
        repeats=True,
    ),
)
