"""What tests of SQLite do again and again: names, tokens and claims, a look at the file, and other processes."""

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

from monite_auth import AccessToken, Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.stores import Slot
from monite_auth.stores.sqlite import SQLiteStore
from monite_auth.tokens import steady_clock
from tests.stores.harness import PERSON, SQLiteGround
from tests.waiting import PATIENCE

KEY = SQLiteGround.keys[0]


def principal(name: str) -> Principal:
    return Principal(name, session_id=f"{name}-1")


def slot(name: str) -> Slot:
    return Slot(name, None, None)


def token(value: str, life: float = 1800.0) -> AccessToken:
    now = steady_clock()
    return AccessToken(Secret(value), now + life, now, now + life * 0.8, PERSON)


def patient_store(path: Path | str) -> SQLiteStore:
    """Open the store of a file. It waits for long where others have the file locked: on a busy machine they may keep it so."""
    return SQLiteStore(path, keys=[KEY], busy_timeout=PATIENCE)


def claim(store: SQLiteStore, name: str = "alice", owner: str = "me", min_life: float = 0.0):
    operation = store.operations(blocking=True).claim(
        slot(name), principal(name), owner=owner, seconds=PATIENCE, min_life=min_life
    )
    return run(operation)


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start another process."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def output(code, *arguments):
    """Return what another process prints."""
    with python(code, *arguments) as process:
        out, err = process.communicate(timeout=4 * PATIENCE)
    assert (process.returncode, err) == (0, "")
    return out


def intact(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
