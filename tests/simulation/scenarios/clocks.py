"""Small scenarios about clocks: the wall clocks of hosts are set, or differ, and the store's clock jumps ahead.

That the store's clock is set back is nothing that the store of the simulation can meet: it counts by a clock that nobody sets.
"""

from tests.simulation.actions import Drain, EndUser, Job, Login, Logout, Sleep, Token
from tests.simulation.scenarios.people import ALICE, BEHIND, DATED
from tests.simulation.scenarios.scenario import TWO, Scenario, scenario, script

__all__ = ["SCENARIOS"]

HOUR, MINUTES = 3600.0, 300.0

JUMP = 60.0
"""Seconds that the store's clock jumps ahead: longer than any lease or cooldown, and shorter than a token lives."""

UNEVEN = (0, Sleep(0.25))
"""A pause after which the date of a job has a fraction, so that it does not stand for its whole second."""


def job_and_ending(name: str, *steps: float, **more: object) -> Scenario:
    """Return a scenario in which a job of alice ends and goes on, while the wall clock is set at any step."""
    return scenario(
        name,
        script(0, Job("alice", 2 * MINUTES)),
        script(0, Sleep(1.5), EndUser("alice")),
        **{"before": (UNEVEN,), "wall_steps": steps, **more},
    )


SCENARIOS: tuple[Scenario, ...] = (
    job_and_ending("a wall clock is set back x job x end_user", -MINUTES),
    job_and_ending("a wall clock is set forward x job x end_user", MINUTES),
    job_and_ending("a wall clock is set forward and back x job x end_user", HOUR, -HOUR),
    job_and_ending("a wall clock is set back and forward x job x end_user", -HOUR, HOUR),
    scenario(
        "wall clocks that differ x job x end_user",
        script(0, Sleep(1.5), EndUser("alice"), Token(ALICE)),
        script(1, Job("alice", 5.0)),
        processes=TWO,
        before=(UNEVEN,),
        walls=(0.0, MINUTES),
        wall_steps=(-HOUR,),
    ),
    scenario(
        "a wall clock is set x sessions that are known",
        script(0, Token(DATED), EndUser("alice"), Token(DATED), Login(BEHIND), Token(BEHIND)),
        before=((0, Login(DATED)),),
        wall_steps=(HOUR, -HOUR),
    ),
    scenario(
        "a wall clock is set x mint x crash",
        script(0, Token(ALICE)),
        script(1, Token(ALICE)),
        processes=TWO,
        crash_count=1,
        wall_steps=(-HOUR,),
    ),
    scenario(
        "a wall clock is set x a token to its end",
        script(0, Token(ALICE), Sleep(1801.0), Token(ALICE)),
        wall_steps=(-HOUR,),
    ),
    scenario(
        "a wall clock is set x logout x drain",
        script(0, Logout(ALICE), Token(ALICE)),
        script(0, Drain()),
        before=((0, Token(ALICE)),),
        mishaps=("lost",),
        mishap_count=1,
        wall_steps=(HOUR, -HOUR),
    ),
    scenario(
        "the store's clock jumps x mint x mint",
        script(0, Token(ALICE)),
        script(1, Token(ALICE)),
        processes=TWO,
        mishaps=("lost", "credentials"),
        mishap_count=1,
        store_jumps=(JUMP,),
    ),
    scenario(
        "the store's clock jumps x logout x drain",
        script(0, Logout(ALICE), Token(ALICE)),
        script(0, Drain()),
        before=((0, Token(ALICE)),),
        mishaps=("lost",),
        mishap_count=1,
        store_jumps=(JUMP,),
    ),
)
