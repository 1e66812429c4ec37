"""Small scenarios about sessions that were begun, and about dates."""

from tests.simulation.actions import EndUser, Login, Logout, Sleep, Token
from tests.simulation.scenarios.people import (
    AHEAD,
    ALICE,
    BEHIND,
    BOB,
    DATED,
    JOB,
    LATER_JOB,
    THIS_SECOND,
    YOUNG,
)
from tests.simulation.scenarios.scenario import LEEWAY, MEMORY, TWO, Scenario, scenario, script

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    scenario(
        "end_user x logins that were never used",
        script(0, EndUser("alice"), Token(AHEAD)),
        script(1, Token(BEHIND)),
        processes=TWO,
        before=((0, Login(AHEAD)), (0, Login(BEHIND)), (0, Token(ALICE))),
    ),
    scenario(
        "login x end_user x use",
        script(0, Login(AHEAD), Token(AHEAD)),
        script(1, EndUser("alice"), Token(AHEAD)),
        processes=TWO,
    ),
    scenario(
        "end_user x login on a host that is behind",
        script(0, EndUser("alice"), Login(BEHIND), Token(BEHIND)),
        script(1, Token(BEHIND)),
        processes=TWO,
        before=((0, Token(BOB)),),
    ),
    scenario(
        "logout x login of the same session x use of another",
        script(0, Logout(DATED), Login(DATED), Token(DATED)),
        script(1, Token(ALICE)),
        processes=TWO,
        before=((0, Login(DATED)), (0, Token(ALICE))),
    ),
    scenario(
        "end_user x a session that nobody knows",
        script(0, EndUser("alice"), Token(DATED)),
        script(1, Token(DATED)),
        processes=TWO,
    ),
    scenario(
        "job x end_user x a later job",
        script(0, Token(JOB)),
        script(1, EndUser("alice"), Token(JOB), Token(LATER_JOB)),
        processes=TWO,
        before=((0, Token(ALICE)),),
    ),
    scenario(
        "end_user x login within the same second x its logout",
        script(0, EndUser("alice"), Token(THIS_SECOND)),
        script(1, Logout(THIS_SECOND), Token(THIS_SECOND)),
        processes=TWO,
        before=((0, Sleep(0.25)),),
    ),
    scenario(
        "sessions that are older than what is remembered",
        script(0, Token(DATED), Token(BEHIND)),
        script(1, Token(JOB), Token(YOUNG)),
        processes=TWO,
        before=(
            (0, Login(BEHIND)),
            (0, Token(DATED)),
            (0, Sleep(MEMORY / 2)),
            (0, Logout(BEHIND)),
            (0, Token(ALICE)),
            (0, Sleep(MEMORY + LEEWAY)),
        ),
        session_memory=MEMORY,
    ),
)
