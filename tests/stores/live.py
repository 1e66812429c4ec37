"""Places on live servers, Redis' and PostgreSQL's, in real time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from monite_auth import Principal, Secret
from monite_auth.errors import StoreUnavailable
from monite_auth.stores import Cooldown, Slot
from monite_auth.stores.postgres import PostgresStore
from monite_auth.stores.redis import RedisStore
from monite_auth.tokens import steady_clock
from tests.stores.harness import ALICE, BOB, BOBS, PERSON, Driver, Ground
from tests.waiting import PATIENCE

KEY, OTHER_KEY, THIRD_KEY = (Secret(f"key number {number} of the tests") for number in range(3))


class LiveGround(Ground):
    """A place on some server. Its stores wait for long: a server that is slow on a busy machine is no outage."""

    def __init__(self, url: str) -> None:
        super().__init__(Path())
        self.url = url

    def clock(self) -> float:
        return steady_clock()

    def open(self, **options: Any) -> RedisStore | PostgresStore:
        kind = PostgresStore if self.url.startswith("postgres") else RedisStore
        return kind(self.url, **{"keys": (KEY,), "requests_per_second": 30, "timeout": PATIENCE, **options})


def user(number: int) -> tuple[Slot, Principal]:
    return Slot(f"user-{number}", None, None), Principal(f"user-{number}", session_id=f"session-{number}")


def works(driver: Driver) -> bool:
    try:
        driver.peek()
    except StoreUnavailable:
        return False
    return True


def content_of_all_kinds(driver: Driver, content: Callable[[], str]) -> str:
    """Have the store keep something of each kind; return its `content` before and after all of it has ended."""
    driver.put("the-token")
    driver.put("the-second-token")
    driver.put("of-one-session", slot=Slot("alice", "abroad", "alice-1"))
    of_bob = Cooldown(30, "x", "what Monite said of bob")
    driver.run(driver.ops.abandon(driver.lease(slot=BOBS, principal=BOB), of_bob))
    of_all = Cooldown(30, "x", "what it told all", everyone=True)
    driver.run(driver.ops.abandon(driver.lease(min_life=1e9), of_all))
    driver.run(driver.ops.put_note("alice", "link:abroad", "who-alice-is", seconds=60))
    before = content()
    driver.run(driver.ops.end_session(ALICE))
    driver.run(driver.ops.end_user("bob"))
    return before + content()


def told_of_all_kinds(driver: Driver) -> list[str]:
    """Return what `content_of_all_kinds` must not tell."""
    fingerprint = driver.token("the-token").fingerprint
    told = ["alice", "bob", "token", "abroad", "of-one", "said", "told", "link", "who-", fingerprint]
    return [*told, KEY.reveal(), str(PERSON.entity_id), str(PERSON.entity_user_id)]
