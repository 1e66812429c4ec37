"""Small scenarios about mints: races for a slot, and leaders and processes that fail."""

from tests.simulation.actions import Logout, Relink, Sleep, Token
from tests.simulation.scenarios.people import ALICE, ALICE_TOO, BOB, LONG_AGO
from tests.simulation.scenarios.scenario import ANSWERS_LOST, LEASE, TWO, Scenario, scenario, script

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "mint x logout",
        script(0, Token(ALICE)),
        script(0, Logout(ALICE), Token(ALICE)),
        mishaps=ANSWERS_LOST,
        mishap_count=1,
    ),
    scenario(
        "mint x logout, and the process dies",
        script(0, Token(ALICE)),
        script(1, Logout(ALICE), Token(ALICE)),
        processes=TWO,
        crash_count=1,
        mishaps=("lost",),
        mishap_count=1,
    ),
    scenario(
        "mint and logout x mint of another session",
        script(0, Token(ALICE), Logout(ALICE)),
        script(0, Token(ALICE_TOO)),
    ),
    scenario(
        "a session that has ended x mint of another",
        script(0, Token(ALICE)),
        script(0, Token(ALICE_TOO)),
        before=((0, Token(ALICE)), (0, Logout(ALICE))),
    ),
    scenario(
        "mint x mint x logout, two processes",
        script(0, Token(ALICE)),
        script(1, Token(ALICE)),
        script(1, Logout(ALICE)),
        processes=TWO,
    ),
    scenario(
        "mint x mint x logout, threads",
        script(0, Token(ALICE)),
        script(0, Token(ALICE)),
        script(0, Logout(ALICE)),
        processes=("threads",),
    ),
    scenario(
        "two wait for a mint x logout in another process",
        script(0, Token(ALICE)),
        script(0, Token(ALICE)),
        script(1, Logout(ALICE)),
        processes=TWO,
    ),
    scenario(
        "mint and logout x two who wait in another process",
        script(0, Token(ALICE), Logout(ALICE)),
        script(1, Token(ALICE)),
        script(1, Token(ALICE)),
        processes=TWO,
    ),
    scenario(
        "mint x crash x mint",
        script(0, Token(ALICE)),
        script(1, Token(ALICE)),
        processes=TWO,
        crash_count=1,
        mishaps=ANSWERS_LOST,
        mishap_count=1,
    ),
    scenario(
        "mint x cancel x mint",
        script(0, Token(ALICE)),
        script(0, Token(ALICE)),
        cancel_count=1,
    ),
    scenario(
        "mint x stopped loop x mint",
        script(0, Token(ALICE)),
        script(0, Token(ALICE_TOO)),
        processes=("loops",),
        stop_count=1,
    ),
    scenario(
        "mint x crash x mint and logout",
        script(0, Token(ALICE)),
        script(1, Token(ALICE), Logout(ALICE)),
        processes=TWO,
        before=((0, Token(BOB)),),
        crash_count=1,
    ),
    scenario(
        "late leader x mint",
        script(0, Token(ALICE)),
        script(0, Token(ALICE)),
        lags=(LEASE,),
    ),
    scenario(
        "late mint x logout",
        script(0, Token(ALICE)),
        script(1, Logout(ALICE)),
        processes=("threads", "threads"),
        lags=(LEASE,),
    ),
    scenario(
        "late mint x takeover x use",
        script(0, Token(ALICE)),
        script(1, Token(ALICE)),
        processes=("threads", "threads"),
        lags=(LEASE,),
    ),
    scenario(
        "relink x mint x mint",
        script(0, Token(ALICE), Token(ALICE)),
        script(0, Relink("alice")),
        mishaps=("lost",),
        mishap_count=1,
    ),
    scenario(
        "expiry x mint",
        script(0, Sleep(55.0), Token(ALICE)),
        script(1, Sleep(55.0), Token(ALICE, min_ttl=30)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE))),
        life=60,
        mishaps=("down", "lost"),
        mishap_count=1,
    ),
    scenario(
        "expired x mint: the record is old, the token new",
        script(0, Token(LONG_AGO)),
        script(1, Token(LONG_AGO), Token(LONG_AGO)),
        processes=TWO,
        before=((0, Token(LONG_AGO)), (0, Sleep(1801.0))),
        crash_count=1,
    ),
)
