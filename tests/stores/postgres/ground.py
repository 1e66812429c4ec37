"""Places on live PostgreSQL servers."""

from pathlib import Path
from typing import Any

from monite_auth import Secret
from monite_auth.errors import StoreUnavailable
from monite_auth.stores.postgres import PostgresStore
from monite_auth.tokens import steady_clock
from tests.stores.harness import Driver, Ground
from tests.waiting import PATIENCE

KEY = Secret("key number 0 of the tests")


class LiveGround(Ground):
    """A place on some server, in real time. Its stores wait for long: a server that is slow on a busy machine is no outage."""

    def __init__(self, url: str) -> None:
        super().__init__(Path())
        self.url = url

    def clock(self) -> float:
        return steady_clock()

    def open(self, **options: Any) -> PostgresStore:
        return PostgresStore(
            self.url, **{"keys": (KEY,), "requests_per_second": 30, "timeout": PATIENCE, **options}
        )


def works(driver: Driver) -> bool:
    try:
        driver.peek()
    except StoreUnavailable:
        return False
    return True
