"""Event logs of the workers: one file per process, one line per event, written at once, so that `kill -9` loses none.

Times are of the monotonic clock, which all processes of a machine share.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple


class Event(NamedTuple):
    """Something that happened in a process at a moment. `facts` depend on the kind; see `recorder` and `worker`."""

    process: str
    kind: str
    at: float
    facts: dict[str, Any]


class EventLog:
    """The log that one worker writes. A line is a single write, so threads and signals cannot tear it apart."""

    def __init__(self, path: Path) -> None:
        self._open(path)

    def move_to(self, path: Path) -> None:
        """Go on in a log of this process's own: it was forked from the one that began this log."""
        self.close()
        self._open(path)

    def _open(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, kind: str, **facts: Any) -> None:
        os.write(self._file, json.dumps({"kind": kind, "at": time.monotonic(), **facts}).encode() + b"\n")

    def close(self) -> None:
        os.close(self._file)


class EventLogs:
    """All event logs in a folder, read as they grow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self.events: list[Event] = []

    def path(self, process: str) -> Path:
        return self._folder / f"{process}.events"

    def forked_by(self, process: str) -> set[str]:
        """Return the names of those that this process has forked and that have begun a log."""
        return {path.stem for path in self._folder.glob(f"{process}.*.events")}

    def has_stopped(self, process: str) -> bool:
        """Say whether a process has come to its end, as far as was read."""
        return any(event.process == process and event.kind == "stopped" for event in self.events)

    def read_new(self) -> list[Event]:
        """Return the new events, each process's in its own order, and add them to `events`."""
        new = [event for path in sorted(self._folder.glob("*.events")) for event in self.read(path.stem)]
        self.events += new
        return new

    def read(self, process: str) -> list[Event]:
        """Return the new events of one process. There may be no log: its writer may have died before it began."""
        path = self.path(process)
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            whole, newline, _unfinished = file.read().rpartition(b"\n")
        self._read[path] = self._read.get(path, 0) + len(whole) + len(newline)
        lines = (json.loads(line) for line in whole.splitlines())
        return [Event(process, line.pop("kind"), line.pop("at"), line) for line in lines]
