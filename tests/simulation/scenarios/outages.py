"""Small scenarios about outages of the store that processes share, with logouts before, in and after them."""

from tests.simulation.actions import EndUser, Login, Logout, Sleep, Token
from tests.simulation.scenarios.people import ALICE, ALICE_TOO, BOB
from tests.simulation.scenarios.scenario import TWO, Scenario, scenario, script
from tests.simulation.shared_store import CUT, DOWN, FULL, POISONED, READ_ONLY

__all__ = ["SCENARIOS"]

TRUST = 3.0
"""Seconds for which sessions are served in an outage here: longer than the store is left alone."""


def outage(name: str, *scripts: object, **more: object) -> Scenario:
    """Return a scenario with an outage: the store goes down at any step, and comes back at any later one."""
    return scenario(name, *scripts, **{"troubles": (DOWN,), "afterwards": False, **more})  # type: ignore[arg-type]


SCENARIOS: tuple[Scenario, ...] = (
    outage(
        "outage x logout x use",
        script(0, Token(ALICE)),
        script(0, Logout(ALICE)),
        before=((0, Token(ALICE)),),
    ),
    outage(
        "outage x logout and use",
        script(0, Logout(ALICE), Token(ALICE)),
        before=((0, Token(ALICE)),),
        afterwards=True,
    ),
    outage(
        "outage x use, and after it",
        script(0, Token(ALICE), Sleep(1.5), Token(ALICE), Sleep(6.0), Token(ALICE)),
        before=((0, Token(ALICE)),),
    ),
    outage(
        "outage x mint and logout",
        script(0, Token(ALICE), Logout(ALICE), Token(ALICE)),
        before=((0, Login(ALICE)),),
    ),
    outage(
        "outage x logout in another process",
        script(0, Sleep(1.5), Token(ALICE), Token(ALICE)),
        script(1, Logout(ALICE), Token(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE))),
    ),
    outage(
        "two outages x logout in another process",
        script(0, Token(ALICE), Sleep(1.5), Token(ALICE)),
        script(1, Logout(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE))),
        trouble_count=2,
    ),
    outage(
        "outage x logout, and the process dies",
        script(0, Logout(ALICE)),
        script(1, Sleep(1.5), Token(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(BOB))),
        crash_count=1,
        has_journal=True,
    ),
    outage(
        "outage x mint, and the process dies",
        script(0, Token(ALICE), Sleep(1.5), Token(ALICE)),
        processes=TWO,
        before=((0, Login(ALICE)), (1, Token(BOB))),
        crash_count=1,
        has_journal=True,
    ),
    outage(
        "outage x a session that another process has seen",
        script(0, Token(ALICE)),
        script(1, Token(ALICE), Sleep(TRUST), Token(ALICE)),
        processes=TWO,
        before=((1, Token(ALICE)),),
        outage_trust=TRUST,
    ),
    outage(
        "outage x end_user x a login elsewhere",
        script(0, Sleep(0.5), EndUser("alice")),
        script(1, Login(ALICE_TOO), Sleep(1.5), Token(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)),),
    ),
    outage(
        "a full store x logout and use",
        script(0, Logout(ALICE), Token(ALICE_TOO)),
        before=((0, Token(ALICE)), (0, Login(ALICE_TOO))),
        troubles=(FULL,),
    ),
    outage(
        "a store that takes no writes x use x logout",
        script(0, Token(ALICE), Sleep(0.5), Token(ALICE)),
        script(0, Sleep(0.5), Logout(ALICE)),
        before=((0, Login(ALICE)),),
        troubles=(READ_ONLY,),
        lasting_trouble=READ_ONLY,
    ),
    outage(
        "a store that takes no writes x logout in another process",
        script(0, Sleep(0.5), Token(ALICE)),
        script(1, Logout(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE))),
        troubles=(FULL, READ_ONLY),
    ),
    outage(
        "a part that is down x logout x another user",
        script(0, Logout(ALICE), Token(ALICE)),
        script(0, Sleep(0.5), Token(BOB)),
        before=((0, Token(ALICE)), (0, Token(BOB))),
        troubles=(POISONED,),
    ),
    outage(
        "a part that is down x use x another user",
        script(0, Token(ALICE)),
        script(0, Sleep(0.5), Token(BOB)),
        before=((0, Token(ALICE)), (0, Token(BOB))),
        troubles=(POISONED,),
    ),
    outage(
        "answers cut off x mint x logout",
        script(0, Token(ALICE)),
        script(1, Logout(ALICE)),
        processes=TWO,
        before=((0, Login(ALICE)),),
        troubles=(CUT,),
    ),
)
