"""Small scenarios about renewals, and about calls that want more life than the token at hand has."""

from tests.simulation.actions import Logout, Reject, Token
from tests.simulation.scenarios.people import ALICE
from tests.simulation.scenarios.scenario import TIME_TO_RENEW, TWO, Scenario, scenario, script

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "renew x logout x use",
        script(0, Token(ALICE)),
        script(0, Logout(ALICE)),
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
        mishaps=("lost",),
        mishap_count=1,
    ),
    scenario(
        "renew x use, and Monite is down",
        script(0, Token(ALICE)),
        script(1, Token(ALICE), Token(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE)), (0, TIME_TO_RENEW)),
        mishaps=("down", "refused", "credentials"),
        mishap_count=1,
    ),
    scenario(
        "renew x logout: the older token dies too",
        script(0, Token(ALICE, min_ttl=600)),
        script(1, Logout(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
    ),
    scenario(
        "renew x cancel",
        script(0, Token(ALICE)),
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
        cancel_count=1,
    ),
    scenario(
        "renew x a call that wants more life, and Monite hangs",
        script(0, Token(ALICE)),
        script(1, Token(ALICE, min_ttl=600)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE)), (0, TIME_TO_RENEW)),
        mishaps=("hang", "down"),
        mishap_count=1,
    ),
    scenario(
        "a call that wants more life x cancel",
        script(0, Token(ALICE, min_ttl=600)),
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
        cancel_count=1,
    ),
    scenario(
        "reject x renew x use",
        script(0, Token(ALICE), Reject(ALICE)),
        script(0, Token(ALICE), Token(ALICE)),
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
        mishaps=("lost",),
        mishap_count=1,
    ),
    scenario(
        "reject x reject x use",
        script(0, Token(ALICE), Reject(ALICE), Token(ALICE)),
        script(1, Token(ALICE), Reject(ALICE), Token(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)),),
    ),
)
