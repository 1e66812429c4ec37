"""SQLite, in a file that others lock, and on a disk that is full."""

import os
import random
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from tests.chaos.stores.protocol import Deck, Wait
from tests.chaos.troubles import Troubles

DISK = 64 << 20
"""Bytes of the disk that is filled: room for everything that an experiment stores."""


class SQLiteUnderTest:
    """A file that somebody else keeps locked (a backup, or an open shell), on a disk that is full now and then.

    The disk is one of its own, in memory. Only root may mount it, so elsewhere the disk is never full.
    """

    def __init__(self, folder: Path) -> None:
        self._disk = folder / "disk"
        self._disk.mkdir()
        mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(self._disk))
        may_mount = os.geteuid() == 0 and shutil.which("mount") is not None
        self._is_mounted = (
            may_mount and subprocess.run(mount, check=False, capture_output=True).returncode == 0
        )
        self.path = self._disk / "store.db"
        self.url = f"sqlite:///{self.path}"
        self.troubles = Troubles()
        self._deck = Deck(("locked", "locked", "disk full") if self._is_mounted else ("locked",))

    def interrupt(self, chance: random.Random, wait: Wait) -> None:
        if self._deck.draw(chance) == "locked":
            with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                with self.troubles.during("store locked"):
                    wait(chance.uniform(0.2, 2.5))
                connection.execute("ROLLBACK")
            return
        filling = self._disk / "filling"
        with self.troubles.during("disk of the store full"), filling.open("wb") as file:
            fill(file.fileno())
            wait(chance.uniform(0.5, 3.0))
            filling.unlink()

    def close(self) -> None:
        if self._is_mounted:
            subprocess.run(("umount", "--lazy", str(self._disk)), check=True)


def fill(file: int) -> None:
    """Write into a file until there is no room left on its disk."""
    for size in (1 << 20, 1 << 12):
        try:
            while True:
                os.write(file, bytes(size))
        except OSError:
            pass  # no room for so much
