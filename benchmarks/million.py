"""Measures the store in PostgreSQL with few users and with a million: a hit, a logout, a drain, and the room on the disk.

Most users are rows that no one asks for, written by PostgreSQL itself: to mint for a million takes an hour. Those who are asked for, who
log out and whose tokens are revoked were minted for.
"""

import random
import statistics
import time

from benchmarks.ground import Ground
from benchmarks.people import broker_for
from benchmarks.report import Report
from benchmarks.size import give_token
from benchmarks.timing import microseconds
from benchmarks.users import visits
from monite_auth import PostgresStore, Principal, Secret
from monite_auth.engine.runtime import run as drive
from tests.postgres_server import PostgresServer, is_installed

__all__ = ["run"]

USERS = (1_000, 1_000_000)
ASKED = 1_000
"""Of whom so many are asked for, and log out."""

KEYS = (Secret("a key of the benchmarks, long enough"),)

BATCH = 100
"""Revocations that a drainer takes at a time."""

FILL_TOKENS = """
    INSERT INTO monite_auth.tokens (account, state, slot, user_name, session_name, print, sealed, expires_at, issued_at, renew_at, due_at)
    SELECT account, state, left(encode(sha256(('slot' || n)::bytea), 'base64'), length(slot)),
        left(encode(sha256(('user' || n)::bytea), 'base64'), length(user_name)), session_name,
        left(encode(sha256(('print' || n)::bytea), 'base64'), length(print)), sealed,
        expires_at + n % 1800 * interval '1 second', issued_at, renew_at, due_at
    FROM generate_series(1, {users}) AS n, (SELECT * FROM monite_auth.tokens LIMIT 1) AS one
"""
FILL_SESSIONS = """
    INSERT INTO monite_auth.sessions (user_name, session_name, account, ended, until, began)
    SELECT left(encode(sha256(('user' || n)::bytea), 'base64'), length(user_name)),
        left(encode(sha256(('session' || n)::bytea), 'base64'), length(session_name)), account, ended, until, began
    FROM generate_series(1, {users}) AS n, (SELECT * FROM monite_auth.sessions LIMIT 1) AS one
"""
SIZE = """
    SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'monite_auth'::regnamespace AND relkind = 'r'
"""


def run(ground: Ground, report: Report) -> None:
    """Print what each costs, by the number of users that have a token."""
    if not is_installed():
        return
    rows = [_measure(ground, users) for users in USERS[: ground.count(len(USERS), 1)]]
    for number, name in ((1, "a hit"), (2, "a logout"), (3, "a revocation taken and settled")):
        report.ratio(
            f"{name} among a million users / among a thousand, postgres", rows[-1][number] / rows[0][number]
        )
    report.table(
        "PostgreSQL with many users",
        [
            "users",
            "token(), µs",
            "logout(), ms",
            "due() and settle() of one revocation, ms",
            "MB on the disk",
            "bytes per user",
        ],
        [
            (f"{users:,}", hit, logout, drain, f"{size / 1e6:,.1f}", f"{size / users:,.0f}")
            for users, hit, logout, drain, size in rows
        ],
    )


def _measure(ground: Ground, users: int) -> tuple[int, float, float, float, int]:
    """Return the users, and the µs of a hit, the ms of a logout and of a revocation, and the bytes on the disk."""
    asked = ground.count(ASKED, 20)
    people = [Principal(f"user-{number}", session_id=f"session-{number}") for number in range(asked)]
    with (
        PostgresServer(fsync="on", autovacuum="on", shared_buffers="128MB", max_wal_size="4GB") as server,
        broker_for(ground.emulator.api_url, server.url) as broker,
    ):
        operations = broker.store.operations(blocking=True)
        for person in people:
            give_token(operations, person)
        for statement in (FILL_TOKENS, FILL_SESSIONS):
            server.query(statement.format(users=max(0, users - asked)))
        server.query("VACUUM ANALYZE")
        server.query("CHECKPOINT")
        ((size,),) = server.query(SIZE)
        visitors = random.Random(7).choices(people, k=asked)  # noqa: S311 - no secret
        hit = microseconds(visits(broker, visitors), seconds=ground.seconds)
        took = []
        for person in people:
            began = time.perf_counter()
            broker.logout(person)
            took.append((time.perf_counter() - began) * 1e3)
        return users, hit, statistics.median(took), _drain(server.url, people), int(size)


def _drain(url: str, people: list[Principal]) -> float:
    """Return the ms that a drainer needs for each revocation of these people, without Monite's time.

    They are users of another account, so that no broker drains meanwhile.
    """
    store = PostgresStore(url, keys=KEYS)
    operations = store.operations(blocking=True)
    for person in people:
        give_token(operations, person)
        drive(operations.end_session(person))
    began, done = time.perf_counter(), 0
    while batch := drive(operations.due(BATCH, seconds=60)).batch:
        for pending in batch:
            drive(operations.settle(pending))
        done += len(batch)
    assert done == len(people)
    took = time.perf_counter() - began
    store.close()
    return took * 1e3 / done
