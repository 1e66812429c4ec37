"""Small scenarios about logouts and emergencies, and about the drains that follow them."""

from monite_auth.identity import PARTNER
from tests.simulation.actions import (
    Drain,
    EndEverything,
    EndPartnerToken,
    EndUser,
    Logout,
    Revoke,
    Token,
)
from tests.simulation.scenarios.people import (
    ALICE,
    ALICE_TOO,
    DATED,
    LONG_AGO,
    NORTH,
    SOUTH,
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
        "two sessions: logout x use",
        script(0, Logout(ALICE), Token(ALICE)),
        script(1, Token(ALICE_TOO), Token(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE_TOO))),
    ),
    scenario(
        "logout x drain x drain",
        script(0, Logout(ALICE)),
        script(1, Drain()),
        script(1, Drain()),
        processes=TWO,
        before=((0, Token(ALICE)),),
        mishaps=("lost", "down", "throttled", "credentials"),
        mishap_count=1,
    ),
    scenario(
        "logout x drain x crash x drain",
        script(0, Logout(ALICE)),
        script(1, Drain()),
        processes=TWO,
        before=((0, Token(ALICE)),),
        crash_count=1,
        cancel_count=1,
        mishaps=("lost", "down"),
        mishap_count=1,
    ),
    scenario(
        "end_user x mint in two tenants",
        script(0, Token(SOUTH)),
        script(0, EndUser("alice")),
        before=((0, Token(NORTH)),),
        mishaps=("lost",),
        mishap_count=1,
    ),
    scenario(
        "logout in two tenants x use",
        script(0, Logout(NORTH), Token(SOUTH)),
        script(0, Token(SOUTH)),
        before=((0, Token(NORTH)), (0, Token(SOUTH))),
        mishaps=("lost",),
        mishap_count=1,
    ),
    scenario(
        "logout of one session x mint of another",
        script(0, Logout(ALICE), Token(ALICE)),
        script(0, Token(ALICE_TOO)),
        before=((0, Token(ALICE)),),
        scope="session",
        mishaps=("lost",),
        mishap_count=1,
    ),
    scenario(
        "logout by time of login x mint",
        script(0, Token(LONG_AGO)),
        script(0, Logout(LONG_AGO), Token(LONG_AGO)),
        mishaps=("lost",),
        mishap_count=1,
    ),
    scenario(
        "end_everything x mint x the partner",
        script(0, EndEverything(), Token(PARTNER)),
        script(0, Token(DATED)),
        before=((0, Token(PARTNER)), (0, Token(ALICE))),
    ),
    scenario(
        "revoke x use",
        script(0, Token(ALICE), Revoke(ALICE, as_text=True), Token(ALICE)),
        script(1, Token(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)),),
    ),
    scenario(
        "end of the partner token x mint",
        script(0, EndPartnerToken(), Token(PARTNER)),
        script(1, Token(PARTNER)),
        processes=TWO,
        before=((0, Token(PARTNER)),),
    ),
)
