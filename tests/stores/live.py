"""Places on live servers, Redis' and PostgreSQL's, in real time."""

from pathlib import Path
from typing import Any

from monite_auth import Principal, Secret
from monite_auth.errors import StoreUnavailable
from monite_auth.stores import Slot
from monite_auth.stores.postgres import PostgresStore
from monite_auth.stores.redis import RedisStore
from monite_auth.tokens import steady_clock
from tests.stores.harness import Driver, Ground
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
