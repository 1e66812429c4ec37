"""Larger scenarios, made by number: two to four callers in up to three processes."""

import random

from monite_auth import Principal
from monite_auth.identity import PARTNER, Subject
from tests.simulation.actions import (
    Action,
    Call,
    Drain,
    EndEverything,
    EndPartnerToken,
    EndUser,
    Login,
    Logout,
    Reject,
    Relink,
    Revoke,
    Sleep,
    Token,
)
from tests.simulation.monite_model import LATE
from tests.simulation.scenarios.people import (
    AHEAD,
    ALICE,
    ALICE_TOO,
    ANN,
    BEHIND,
    BOB,
    DATED,
    JOB,
    LATER_JOB,
    LONG_AGO,
    NORTH,
    SOUTH,
    THIS_SECOND,
)
from tests.simulation.scenarios.scenario import (
    DAY,
    LEASE,
    MEMORY,
    TIME_TO_RENEW,
    Scenario,
    Script,
)

__all__ = ["larger"]

_POOLS: tuple[tuple[Subject, ...], ...] = (
    (ALICE, ALICE_TOO),
    (ALICE, ALICE_TOO, BOB),
    (ALICE, BOB, PARTNER),
    (NORTH, SOUTH, ALICE_TOO),
    (LONG_AGO, Principal("alice", authenticated_at=999_500.0), BOB),
    (Principal("alice", session_id="alice-1", authenticated_at=999_000.0), ALICE_TOO, NORTH),
    (DATED, AHEAD, BEHIND),
    (AHEAD, BEHIND, JOB, PARTNER),
    (JOB, LATER_JOB, THIS_SECOND, ALICE),
    (ALICE, ALICE_TOO, ANN),
    (ALICE, ANN, PARTNER),
)

_PAUSES = (0.5, LEASE, 30.0, 1800.0 - 5.0 - 200.0, 1800.0)


def larger(number: int) -> Scenario:
    """Make a scenario of two to four callers in up to three processes, the same for the same number."""
    dice = random.Random(number)
    pick, chance = dice.choice, dice.random
    pool = pick(_POOLS)
    processes = tuple(pick(("tasks", "tasks", "loops", "threads")) for _ in range(pick((1, 2, 2, 3))))
    scripts = tuple(
        Script(f"c{n}", int(chance() * len(processes)), tuple(_actions(dice, pool)))
        for n in range(1, pick((2, 2, 3, 4)) + 1)
    )
    accounts = tuple(pick((0, 1, 2)) for _ in processes) if len(processes) > 1 and chance() < 0.25 else ()
    before: list[tuple[int, Action]] = []
    for who in pool:
        if who is not PARTNER and chance() < 0.2:
            before.append((0, Login(who)))
        if chance() < 0.25:
            before.append((0, Token(who)))
    if before and chance() < 0.5:
        before.append((0, TIME_TO_RENEW))
    return Scenario(
        str(number),
        scripts,
        processes,
        before=tuple(before),
        mishaps=("lost", "down", "hang", "throttled", LATE, "credentials", "refused"),
        mishap_count=pick((0, 1, 1, 2)),
        crash_count=pick((0, 0, 1)) if len(processes) > 1 else 0,
        stop_count=pick((0, 1)),
        cancel_count=pick((0, 0, 1)),
        lags=pick(((), (), (LEASE,), (LEASE, 1.5))),
        scope=pick(("user", "user", "session")),
        requests_per_second=pick((1e15, 1e15, 1e15, 2.0)),
        life=pick((1800, 1800, 60)),
        retry_after=pick(("1", "3", "60")),
        sweeps=chance() < 0.2,
        afterwards=chance() < 0.03,
        accounts=accounts,
        repeats=chance() < 0.3,
        security=pick(("monite_managed",) * 7 + ("partner_managed",)),
        session_memory=pick((14 * DAY,) * 7 + (MEMORY,)),
    )


def _actions(dice: random.Random, pool: tuple[Subject, ...]) -> list[Action]:
    found: list[Action] = []
    for _ in range(dice.choice((1, 1, 1, 2))):
        who = dice.choice(pool)
        kind = dice.random()
        if kind < 0.50:
            token = Token(who, min_ttl=dice.choice((0, 0, 0, 20, 600)))
            found.append(Call(who) if kind < 0.10 else token)
        elif kind < 0.53:
            found += [Token(who), Revoke(who, as_text=dice.random() < 0.5)]
        elif kind < 0.55:
            found.append(EndEverything())
        elif who is PARTNER:
            found.append(EndPartnerToken() if kind < 0.65 else Token(who))
        elif kind < 0.62:
            found.append(Login(who))
        elif kind < 0.73:
            found.append(Logout(who))
        elif kind < 0.78:
            found.append(EndUser(who.user_id))
        elif kind < 0.82:
            found.append(Relink(who.user_id, who.tenant))
        elif kind < 0.90:
            found += [Token(who), Reject(who)]
        elif kind < 0.94:
            found.append(Drain())
        else:
            found.append(Sleep(dice.choice(_PAUSES)))
    return found
