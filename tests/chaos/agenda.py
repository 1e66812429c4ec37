"""What is to be done next, by whichever worker comes first: a pipe that all processes share.

A task is a few bytes, written and read at once, so no two workers get the same one. A worker that is killed may take
a task along; whoever handed it in notices by the diaries.
"""

import array
import enum
import fcntl
import os
import struct
import termios

TASK = struct.Struct("!II")


class Deed(enum.IntEnum):
    """What to do with a session."""

    OPEN = 1
    END = 2
    HAUNT = 3  # try an ended session again
    CHECK = 4  # make sure that a session that stays still works


class Agenda:
    """The pipe. `files`: its two ends, for a child to inherit."""

    def __init__(self, files: tuple[int, int]) -> None:
        self.files = files
        self._out, self._in = files

    @classmethod
    def new(cls) -> "Agenda":
        files = os.pipe()
        for file in files:
            os.set_blocking(file, False)
        return cls(files)

    def put(self, deed: Deed, number: int) -> None:
        os.write(self._in, TASK.pack(deed, number))

    def take(self) -> tuple[Deed, int] | None:
        try:
            deed, number = TASK.unpack(os.read(self._out, TASK.size))
        except BlockingIOError:
            return None
        return Deed(deed), number

    def __len__(self) -> int:
        waiting = array.array("i", [0])
        fcntl.ioctl(self._out, termios.FIONREAD, waiting)
        return waiting[0] // TASK.size

    def close(self) -> None:
        for file in self.files:
            os.close(file)
