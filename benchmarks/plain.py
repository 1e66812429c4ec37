"""The obvious implementation, for comparison: read, take a lock in the store, read again, mint."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

__all__ = ["PLAIN", "plain"]

PLAIN = ("sqlite", "redis")
"""The stores that this has."""

PATIENCE = 60.0
"""Seconds that a caller waits for the lock."""


@contextmanager
def plain(api_url: str, store_url: str) -> Iterator[Callable[[str], str]]:
    """Yield a function that returns a user's token. Any thread may call it."""
    kind, _, path = store_url.partition("://")
    with httpx.Client(
        base_url=api_url, limits=httpx.Limits(max_connections=None), timeout=PATIENCE
    ) as client:

        def mint() -> str:
            answer = client.post(
                "/auth/token",
                headers={"x-monite-version": "2024-05-25"},
                json={
                    "grant_type": "entity_user",
                    "client_id": DEMO_CLIENT_ID,
                    "client_secret": DEMO_CLIENT_SECRET,
                    "entity_user_id": ANNA_ID,
                },
            )
            token: str = answer.raise_for_status().json()["access_token"]
            return token

        yield (_with_redis(store_url, mint) if kind == "redis" else _with_sqlite(Path(path[1:]), mint))


def _with_redis(url: str, mint: Callable[[], str]) -> Callable[[str], str]:
    import redis  # noqa: PLC0415 - redis is an optional extra

    pool = redis.BlockingConnectionPool.from_url(url, timeout=PATIENCE, decode_responses=True)
    client = redis.Redis.from_pool(pool)

    def token(user: str) -> str:
        if (found := client.get(f"plain:{user}")) is None:
            with client.lock(f"lock:{user}", timeout=PATIENCE):
                if (found := client.get(f"plain:{user}")) is None:
                    found = mint()
                    client.set(f"plain:{user}", found)
        return str(found)

    return token


def _with_sqlite(path: Path, mint: Callable[[], str]) -> Callable[[str], str]:
    file = path.with_name("plain.db")
    mine = threading.local()

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS tokens (user TEXT PRIMARY KEY, token TEXT) WITHOUT ROWID"
        )
        return connection

    def find(connection: sqlite3.Connection, user: str) -> str | None:
        row = connection.execute("SELECT token FROM tokens WHERE user = ?", (user,)).fetchone()
        return str(row[0]) if row else None

    def token(user: str) -> str:
        if not hasattr(mine, "connection"):
            mine.connection = connect()
        connection = mine.connection
        if (found := find(connection, user)) is None:
            connection.execute("BEGIN IMMEDIATE")
            if (found := find(connection, user)) is None:
                found = mint()
                connection.execute("INSERT INTO tokens VALUES (?, ?)", (user, found))
            connection.execute("COMMIT")
        return found

    with closing(connect()):
        pass
    return token
