"""Our own stores keep the contract of stores. `monite_auth.testing` has it, for stores of other people too."""

from monite_auth.testing import SharedStoreContract, StoreContract
from tests.stores.harness import MemoryGround, PostgresGround, RedisGround, SQLiteGround


class TestMemory(StoreContract):
    ground_type = MemoryGround


class TestSQLite(SharedStoreContract):
    ground_type = SQLiteGround


class TestRedis(SharedStoreContract):
    ground_type = RedisGround


class TestPostgres(SharedStoreContract):
    ground_type = PostgresGround
