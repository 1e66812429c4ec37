"""The stores that the workers share, and the troubles that each can have."""

from collections.abc import Callable
from pathlib import Path

from tests.chaos.stores.cluster import ClusterUnderTest
from tests.chaos.stores.postgres import PostgresUnderTest
from tests.chaos.stores.protocol import StoreUnderTest
from tests.chaos.stores.redis import RedisUnderTest
from tests.chaos.stores.sqlite import SQLiteUnderTest

__all__ = ["STORES", "StoreUnderTest"]

STORES: dict[str, Callable[[Path], StoreUnderTest]] = {
    "sqlite": SQLiteUnderTest,
    "redis": RedisUnderTest,
    "cluster": ClusterUnderTest,
    "postgres": PostgresUnderTest,
}
"""The kinds, by the name that chooses each."""
