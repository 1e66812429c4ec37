"""What happens in a simulation: small scenarios whose every schedule is explored, and larger ones made by number."""

import random
from dataclasses import dataclass

from monite_auth import Principal
from monite_auth.identity import PARTNER, Subject
from tests.simulation.actions import (
    Action,
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
from tests.simulation.world import START

__all__ = ["SMALL", "Scenario", "Script", "larger", "named"]


DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Script:
    """What one caller does, one thing after the other, in the process of this number."""

    name: str
    process: int
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world to begin with, callers, and what may go wrong at any point of it.

    `processes`: the flavour of each; see `world.FLAVOURS`.
    `before`: what has happened before, each in the process of its number; nobody raced then.
    `mishaps`: what may happen to a request to Monite instead of the usual, `mishap_count` times in all.
    `crash_count`: processes that may be killed. `stop_count`: event loops that may stop for good.
    `cancel_count`: tasks that may be cancelled, before or after the operation that they wait for.
    `lags`: seconds that may pass at any point, in this order, although somebody could have gone on.
    `life`: of tokens. `retry_after`: what a 429 says.
    `looks_around`: whether a process that is in use starts a drain now and then, as it does every half minute.
    `accounts`: whose each process is, by the account's number; by default all are one's.
    `repeats`: whether Monite answers with the token that lives instead of a new one.
    `security`: the security model. `session_memory`: for how long sessions and endings are remembered, seconds.
    `afterwards`: whether to look, when all is over, if everybody gets a token.
    """

    name: str
    scripts: tuple[Script, ...]
    processes: tuple[str, ...] = ("tasks",)
    before: tuple[tuple[int, Action], ...] = ()
    mishaps: tuple[str, ...] = ()
    mishap_count: int = 0
    crash_count: int = 0
    stop_count: int = 0
    cancel_count: int = 0
    lags: tuple[float, ...] = ()
    scope: str = "user"
    requests_per_second: float = 1e15
    life: int = 1800
    retry_after: str = "1"
    looks_around: bool = False
    afterwards: bool = True
    accounts: tuple[int, ...] = ()
    repeats: bool = False
    security: str = "monite_managed"
    session_memory: float = 14 * DAY


ALICE = Principal("alice", session_id="alice-1")
ALICE_TOO = Principal("alice", session_id="alice-2")
BOB = Principal("bob", session_id="bob-1")
ANN = Principal("ann", session_id="ann-1")
LONG_AGO = Principal("alice", authenticated_at=START - 1000)
NORTH = Principal("alice", "north", "alice-1")
SOUTH = Principal("alice", "south", "alice-1")

DATED = Principal("alice", session_id="alice-3", authenticated_at=START - 1000.5)
AHEAD = Principal("alice", session_id="alice-4", authenticated_at=START + 299.5)
"""A session whose login was dated by a host with a clock that is almost as far ahead as one may be …"""
BEHIND = Principal("alice", session_id="alice-5", authenticated_at=START - 299.5)
"""… and by one that is as far behind."""
JOB = Principal("alice", authenticated_at=START - 0.5)
"""Work for alice, as `broker.for_job` has it: asked for just before anything happens here …"""
LATER_JOB = Principal("alice", authenticated_at=START + 0.5)
"""… and just after it."""
YOUNG = Principal("alice", authenticated_at=START + 700.5)
THIS_SECOND = Principal("alice", authenticated_at=START)
"""A login at some time within the second in which everything happens."""

MEMORY, LEEWAY = 600.0, 300.0
"""Seconds for which sessions are remembered, where that is not for days, and by which stores remember endings longer."""

LEASE = 5.0
"""Of a mint, by default."""

TIME_TO_RENEW = Sleep(1800 - 5 - 300)
"""Until a token of 1,800 s is in its last fifth."""

ANSWERS_LOST = ("lost", "down", "hang")
TWO = ("tasks", "tasks")


def _script(process: int, *actions: Action) -> Script:
    return Script("", process, actions)


def _scenario(name: str, *scripts: Script, **more: object) -> Scenario:
    numbered = tuple(Script(f"c{n}", each.process, each.actions) for n, each in enumerate(scripts, 1))
    return Scenario(name, numbered, **more)  # type: ignore[arg-type]  # as written in the table below


SMALL = [
    _scenario(
        "mint x logout",
        _script(0, Token(ALICE)),
        _script(0, Logout(ALICE), Token(ALICE)),
        mishaps=ANSWERS_LOST,
        mishap_count=1,
    ),
    _scenario(
        "mint x logout, and the process dies",
        _script(0, Token(ALICE)),
        _script(1, Logout(ALICE), Token(ALICE)),
        processes=TWO,
        crash_count=1,
        mishaps=("lost",),
        mishap_count=1,
    ),
    _scenario(
        "mint and logout x mint of another session",
        _script(0, Token(ALICE), Logout(ALICE)),
        _script(0, Token(ALICE_TOO)),
    ),
    _scenario(
        "a session that has ended x mint of another",
        _script(0, Token(ALICE)),
        _script(0, Token(ALICE_TOO)),
        before=((0, Token(ALICE)), (0, Logout(ALICE))),
    ),
    _scenario(
        "mint x mint x logout, two processes",
        _script(0, Token(ALICE)),
        _script(1, Token(ALICE)),
        _script(1, Logout(ALICE)),
        processes=TWO,
    ),
    _scenario(
        "mint x mint x logout, threads",
        _script(0, Token(ALICE)),
        _script(0, Token(ALICE)),
        _script(0, Logout(ALICE)),
        processes=("threads",),
    ),
    _scenario(
        "renew x logout x use",
        _script(0, Token(ALICE)),
        _script(0, Logout(ALICE)),
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
        mishaps=("lost",),
        mishap_count=1,
    ),
    _scenario(
        "renew x use, and Monite is down",
        _script(0, Token(ALICE)),
        _script(1, Token(ALICE), Token(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE)), (0, TIME_TO_RENEW)),
        mishaps=("down", "refused", "credentials"),
        mishap_count=1,
    ),
    _scenario(
        "renew x logout: the older token dies too",
        _script(0, Token(ALICE, min_ttl=600)),
        _script(1, Logout(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
    ),
    _scenario(
        "renew x cancel",
        _script(0, Token(ALICE)),
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
        cancel_count=1,
    ),
    _scenario(
        "renew x a call that wants more life, and Monite hangs",
        _script(0, Token(ALICE)),
        _script(1, Token(ALICE, min_ttl=600)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE)), (0, TIME_TO_RENEW)),
        mishaps=("hang", "down"),
        mishap_count=1,
    ),
    _scenario(
        "a call that wants more life x cancel",
        _script(0, Token(ALICE, min_ttl=600)),
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
        cancel_count=1,
    ),
    _scenario(
        "two sessions: logout x use",
        _script(0, Logout(ALICE), Token(ALICE)),
        _script(1, Token(ALICE_TOO), Token(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE_TOO))),
    ),
    _scenario(
        "mint x crash x mint",
        _script(0, Token(ALICE)),
        _script(1, Token(ALICE)),
        processes=TWO,
        crash_count=1,
        mishaps=ANSWERS_LOST,
        mishap_count=1,
    ),
    _scenario(
        "mint x cancel x mint",
        _script(0, Token(ALICE)),
        _script(0, Token(ALICE)),
        cancel_count=1,
    ),
    _scenario(
        "mint x stopped loop x mint",
        _script(0, Token(ALICE)),
        _script(0, Token(ALICE_TOO)),
        processes=("loops",),
        stop_count=1,
    ),
    _scenario(
        "mint x crash x mint and logout",
        _script(0, Token(ALICE)),
        _script(1, Token(ALICE), Logout(ALICE)),
        processes=TWO,
        before=((0, Token(BOB)),),
        crash_count=1,
    ),
    _scenario(
        "late leader x mint",
        _script(0, Token(ALICE)),
        _script(0, Token(ALICE)),
        lags=(LEASE,),
    ),
    _scenario(
        "late mint x logout",
        _script(0, Token(ALICE)),
        _script(1, Logout(ALICE)),
        processes=("threads", "threads"),
        lags=(LEASE,),
    ),
    _scenario(
        "late mint x takeover x use",
        _script(0, Token(ALICE)),
        _script(1, Token(ALICE)),
        processes=("threads", "threads"),
        lags=(LEASE,),
    ),
    _scenario(
        "logout x drain x drain",
        _script(0, Logout(ALICE)),
        _script(1, Drain()),
        _script(1, Drain()),
        processes=TWO,
        before=((0, Token(ALICE)),),
        mishaps=("lost", "down", "throttled", "credentials"),
        mishap_count=1,
    ),
    _scenario(
        "logout x drain x crash x drain",
        _script(0, Logout(ALICE)),
        _script(1, Drain()),
        processes=TWO,
        before=((0, Token(ALICE)),),
        crash_count=1,
        cancel_count=1,
        mishaps=("lost", "down"),
        mishap_count=1,
    ),
    _scenario(
        "reject x renew x use",
        _script(0, Token(ALICE), Reject(ALICE)),
        _script(0, Token(ALICE), Token(ALICE)),
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW)),
        mishaps=("lost",),
        mishap_count=1,
    ),
    _scenario(
        "reject x reject x use",
        _script(0, Token(ALICE), Reject(ALICE), Token(ALICE)),
        _script(1, Token(ALICE), Reject(ALICE), Token(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)),),
    ),
    _scenario(
        "relink x mint x mint",
        _script(0, Token(ALICE), Token(ALICE)),
        _script(0, Relink("alice")),
        mishaps=("lost",),
        mishap_count=1,
    ),
    _scenario(
        "end_user x mint in two tenants",
        _script(0, Token(SOUTH)),
        _script(0, EndUser("alice")),
        before=((0, Token(NORTH)),),
        mishaps=("lost",),
        mishap_count=1,
    ),
    _scenario(
        "logout in two tenants x use",
        _script(0, Logout(NORTH), Token(SOUTH)),
        _script(0, Token(SOUTH)),
        before=((0, Token(NORTH)), (0, Token(SOUTH))),
        mishaps=("lost",),
        mishap_count=1,
    ),
    _scenario(
        "logout of one session x mint of another",
        _script(0, Logout(ALICE), Token(ALICE)),
        _script(0, Token(ALICE_TOO)),
        before=((0, Token(ALICE)),),
        scope="session",
        mishaps=("lost",),
        mishap_count=1,
    ),
    _scenario(
        "logout by time of login x mint",
        _script(0, Token(LONG_AGO)),
        _script(0, Logout(LONG_AGO), Token(LONG_AGO)),
        mishaps=("lost",),
        mishap_count=1,
    ),
    _scenario(
        "expiry x mint",
        _script(0, Sleep(55.0), Token(ALICE)),
        _script(1, Sleep(55.0), Token(ALICE, min_ttl=30)),
        processes=TWO,
        before=((0, Token(ALICE)), (1, Token(ALICE))),
        life=60,
        mishaps=("down", "lost"),
        mishap_count=1,
    ),
    _scenario(
        "wrong credentials x mint x mint",
        _script(0, Token(ALICE), Token(ALICE)),
        _script(1, Token(BOB)),
        processes=TWO,
        mishaps=("credentials", "refused"),
        mishap_count=1,
    ),
    _scenario(
        "throttled mint x mint x logout",
        _script(0, Token(ALICE)),
        _script(1, Token(BOB)),
        _script(1, Logout(BOB)),
        processes=TWO,
        requests_per_second=40,
        mishaps=("throttled",),
        mishap_count=1,
    ),
    _scenario(
        "expired x mint: the record is old, the token new",
        _script(0, Token(LONG_AGO)),
        _script(1, Token(LONG_AGO), Token(LONG_AGO)),
        processes=TWO,
        before=((0, Token(LONG_AGO)), (0, Sleep(1801.0))),
        crash_count=1,
    ),
    _scenario(
        "a user waits x renewal x revocation",
        _script(0, Token(ALICE)),
        _script(1, Token(BOB)),
        _script(1, Drain()),
        processes=TWO,
        before=((0, Token(ALICE)), (0, TIME_TO_RENEW), (0, Token(BOB)), (0, EndUser("bob"))),
        requests_per_second=40,
    ),
    _scenario(
        "late answers x holds",
        _script(0, Token(ALICE)),
        _script(1, Token(BOB)),
        processes=TWO,
        mishaps=(LATE, "throttled"),
        mishap_count=2,
        retry_after="1",
    ),
    _scenario(
        "a long hold x logout",
        _script(0, Token(BOB)),
        _script(0, Logout(ALICE)),
        before=((0, Token(ALICE)),),
        mishaps=("throttled",),
        mishap_count=1,
        retry_after="60",
    ),
    # sessions that were begun, and dates
    _scenario(
        "end_user x logins that were never used",
        _script(0, EndUser("alice"), Token(AHEAD)),
        _script(1, Token(BEHIND)),
        processes=TWO,
        before=((0, Login(AHEAD)), (0, Login(BEHIND)), (0, Token(ALICE))),
    ),
    _scenario(
        "login x end_user x use",
        _script(0, Login(AHEAD), Token(AHEAD)),
        _script(1, EndUser("alice"), Token(AHEAD)),
        processes=TWO,
    ),
    _scenario(
        "end_user x login on a host that is behind",
        _script(0, EndUser("alice"), Login(BEHIND), Token(BEHIND)),
        _script(1, Token(BEHIND)),
        processes=TWO,
        before=((0, Token(BOB)),),
    ),
    _scenario(
        "logout x login of the same session x use of another",
        _script(0, Logout(DATED), Login(DATED), Token(DATED)),
        _script(1, Token(ALICE)),
        processes=TWO,
        before=((0, Login(DATED)), (0, Token(ALICE))),
    ),
    _scenario(
        "end_user x a session that nobody knows",
        _script(0, EndUser("alice"), Token(DATED)),
        _script(1, Token(DATED)),
        processes=TWO,
    ),
    _scenario(
        "job x end_user x a later job",
        _script(0, Token(JOB)),
        _script(1, EndUser("alice"), Token(JOB), Token(LATER_JOB)),
        processes=TWO,
        before=((0, Token(ALICE)),),
    ),
    _scenario(
        "end_user x login within the same second x its logout",
        _script(0, EndUser("alice"), Token(THIS_SECOND)),
        _script(1, Logout(THIS_SECOND), Token(THIS_SECOND)),
        processes=TWO,
        before=((0, Sleep(0.25)),),
    ),
    _scenario(
        "sessions that are older than what is remembered",
        _script(0, Token(DATED), Token(BEHIND)),
        _script(1, Token(JOB), Token(YOUNG)),
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
    # accounts
    _scenario(
        "two accounts: mint and logout x mint",
        _script(0, Token(ALICE), Logout(ALICE), Token(ALICE)),
        _script(1, Token(ALICE)),
        processes=TWO,
        accounts=(0, 1),
    ),
    _scenario(
        "two accounts: end_everything x use x drain",
        _script(0, EndEverything(), Token(ALICE)),
        _script(1, Token(ALICE), Drain()),
        processes=TWO,
        accounts=(0, 2),
        before=((0, Token(ALICE)), (1, Token(ALICE)), (1, Token(PARTNER))),
    ),
    _scenario(
        "two accounts: wrong credentials of one x mint",
        _script(0, Token(BOB), Token(ALICE)),
        _script(1, Token(BOB)),
        processes=TWO,
        accounts=(0, 2),
        mishaps=("credentials",),
        mishap_count=1,
    ),
    # the same token again
    _scenario(
        "the same again: logout x mint of another session",
        _script(0, Logout(ALICE)),
        _script(1, Token(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        mishaps=("lost",),
        mishap_count=1,
        repeats=True,
    ),
    _scenario(
        "the same again: logout of one session x use of another",
        _script(0, Logout(ALICE)),
        _script(1, Token(ALICE_TOO), Logout(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        scope="session",
        repeats=True,
    ),
    _scenario(
        "the same again: end_user x another who acts as the same person",
        _script(0, EndUser("alice")),
        _script(1, Token(ANN)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        repeats=True,
    ),
    _scenario(
        "the same again: logout x partner tokens for each",
        _script(0, Logout(ALICE)),
        _script(1, Token(BOB), Token(PARTNER)),
        processes=TWO,
        before=((0, Token(ALICE)), (0, Token(BOB))),
        repeats=True,
        security="partner_managed",
    ),
    _scenario(
        "the same again: revoke x mint of another session",
        _script(0, Token(ALICE), Revoke(ALICE)),
        _script(1, Token(ALICE_TOO)),
        processes=TWO,
        before=((0, Token(ALICE)),),
        scope="session",
        repeats=True,
    ),
    # emergencies
    _scenario(
        "end_everything x mint x the partner",
        _script(0, EndEverything(), Token(PARTNER)),
        _script(0, Token(DATED)),
        before=((0, Token(PARTNER)), (0, Token(ALICE))),
    ),
    _scenario(
        "revoke x use",
        _script(0, Token(ALICE), Revoke(ALICE, as_text=True), Token(ALICE)),
        _script(1, Token(ALICE)),
        processes=TWO,
        before=((0, Token(ALICE)),),
    ),
    _scenario(
        "end of the partner token x mint",
        _script(0, EndPartnerToken(), Token(PARTNER)),
        _script(1, Token(PARTNER)),
        processes=TWO,
        before=((0, Token(PARTNER)),),
    ),
]
"""Scenarios of which every schedule is explored."""

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
        requests_per_second=pick((1e15, 1e15, 1e15, 40.0)),
        life=pick((1800, 1800, 60)),
        retry_after=pick(("1", "3", "60")),
        looks_around=chance() < 0.2,
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
            found.append(Token(who, min_ttl=dice.choice((0, 0, 0, 20, 600))))
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


def named(name: str) -> Scenario:
    """Return the small scenario of this name, or the larger one of this number."""
    return larger(int(name)) if name.isdigit() else next(each for each in SMALL if each.name == name)
