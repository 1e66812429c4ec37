"""A queue of tasks that all processes share: a pipe. Whichever worker reads first does the task.

A task is a few bytes, written and read at once, so no two workers get the same one. A task that a killed worker had
taken is lost; the experiment sees that in the event logs and puts it into the queue again.
"""

import array
import enum
import fcntl
import os
import struct
import termios

TASK = struct.Struct("!II")


class TaskKind(enum.IntEnum):
    """What to do with a session."""

    OPEN = 1
    """Log in, and use it."""
    END = 2
    """Log out."""
    USE_AFTER_END = 3
    """Try to use a session that has ended."""
    CHECK = 4
    """Make sure that a session that stays still works."""


class TaskQueue:
    """The pipe. `files`: its two ends, for a child to inherit."""

    def __init__(self, files: tuple[int, int]) -> None:
        self.files = files
        self._out, self._in = files

    @classmethod
    def new(cls) -> "TaskQueue":
        files = os.pipe()
        for file in files:
            os.set_blocking(file, False)
        return cls(files)

    def put(self, kind: TaskKind, session: int) -> None:
        os.write(self._in, TASK.pack(kind, session))

    def take(self) -> tuple[TaskKind, int] | None:
        """Return the next task and the number of its session, or None where the queue is empty."""
        try:
            kind, session = TASK.unpack(os.read(self._out, TASK.size))
        except BlockingIOError:
            return None
        return TaskKind(kind), session

    def __len__(self) -> int:
        waiting = array.array("i", [0])
        fcntl.ioctl(self._out, termios.FIONREAD, waiting)
        return waiting[0] // TASK.size

    def close(self) -> None:
        for file in self.files:
            os.close(file)
