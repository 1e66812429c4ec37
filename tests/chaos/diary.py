"""The workers' diaries: one file per process, one line per event, written at once, so that `kill -9` loses none.

Times are of the monotonic clock, which all processes of a machine share.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple


class Event(NamedTuple):
    """Something that happened in a process at a moment. `facts` depend on the kind; see `witness` and `worker`."""

    process: str
    kind: str
    at: float
    facts: dict[str, Any]


class Diary:
    """Where a worker writes. A line is a single write, which threads and signals do not tear apart."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, kind: str, **facts: Any) -> None:
        os.write(self._file, json.dumps({"kind": kind, "at": time.monotonic(), **facts}).encode() + b"\n")

    def close(self) -> None:
        os.close(self._file)


class Library:
    """All diaries of a place, read as they grow."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._read: dict[Path, int] = {}
        self.events: list[Event] = []

    def path(self, process: str) -> Path:
        return self._place / f"{process}.diary"

    def read_on(self) -> list[Event]:
        """Return what is new, each process's in its own order."""
        news = [event for path in sorted(self._place.glob("*.diary")) for event in self.read(path.stem)]
        self.events += news
        return news

    def read(self, process: str) -> list[Event]:
        """Return what is new in one diary, if there is one: its writer may have died before it began."""
        path = self.path(process)
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            whole, newline, _unfinished = file.read().rpartition(b"\n")
        self._read[path] = self._read.get(path, 0) + len(whole) + len(newline)
        lines = (json.loads(line) for line in whole.splitlines())
        return [Event(process, line.pop("kind"), line.pop("at"), line) for line in lines]
