"""Small scenarios about the request budget, and about answers that ask for a pause."""

from tests.simulation.actions import Call, Drain, EndUser, Logout, Sleep, Token
from tests.simulation.monite_model import LATE
from tests.simulation.scenarios.people import ALICE, ANN, BOB
from tests.simulation.scenarios.scenario import TIME_TO_RENEW, TWO, Scenario, scenario, script

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "wrong credentials x mint x mint",
        script(0, Token(ALICE), Token(ALICE)),
        script(1, Token(BOB)),
        processes=TWO,
        mishaps=("credentials", "refused"),
        mishap_count=1,
    ),
    scenario(
        "throttled mint x mint x logout",
        script(0, Token(ALICE)),
        script(1, Token(BOB)),
        script(1, Logout(BOB)),
        processes=TWO,
        requests_per_second=40,
        mishaps=("throttled",),
        mishap_count=1,
    ),
    scenario(
        "a user waits x renewal x revocation",
        script(0, Token(ALICE)),
        script(1, Token(ANN)),
        script(1, Drain()),
        processes=TWO,
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW), (0, Token(BOB)), (0, EndUser("bob"))),
        requests_per_second=40,
    ),
    scenario(
        "one request a second x mint x mint x late",
        script(0, Token(BOB)),
        script(1, Token(ANN)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        requests_per_second=1,
        lags=(3.0,),
        afterwards=False,
    ),
    scenario(
        "one request a second x call x mint x revocation",
        script(0, Call(ALICE)),
        script(1, Token(ANN)),
        script(1, Drain()),
        processes=TWO,
        before=((0, Token(ALICE)), (0, Sleep(2.0)), (0, Token(BOB)), (0, EndUser("bob"))),
        requests_per_second=1,
        afterwards=False,
    ),
    scenario(
        "call x call x renewal",
        script(0, Call(ALICE)),
        script(1, Call(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW), (0, Token(BOB))),
        requests_per_second=40,
    ),
    scenario(
        "call x logout, throttled",
        script(0, Call(ALICE)),
        script(0, Token(BOB), Logout(ALICE)),
        script(1, Logout(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        requests_per_second=40,
        mishaps=("throttled",),
        mishap_count=1,
    ),
    scenario(
        "late answers x holds",
        script(0, Token(ALICE)),
        script(1, Token(BOB)),
        processes=TWO,
        mishaps=(LATE, "throttled"),
        mishap_count=2,
        retry_after="1",
    ),
    scenario(
        "a long hold x logout",
        script(0, Token(BOB)),
        script(0, Logout(ALICE)),
        before=((0, Token(ALICE)),),
        mishaps=("throttled",),
        mishap_count=1,
        retry_after="60",
    ),
)
