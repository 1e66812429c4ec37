"""Processes that die at a line of ours: at one of those that run from a moment on."""

import os
import sys
import threading
import traceback

DIED, FAILED, LIVED = 9, 1, 0
OURS = f"{os.sep}monite_auth"


class Death:
    """Counts the lines of ours that run once it has begun, and ends the process at one of them."""

    def __init__(self, at):
        self.at = at
        self.lines = 0
        self._has_begun = False

    def watch_threads(self):
        """Count the lines of threads that start from now on, too; once it has begun."""
        threading.settrace(self.trace)

    def begin(self):
        if self.at == 0:
            os._exit(DIED)
        self._has_begun = True
        sys.settrace(self.trace)
        frame = sys._getframe()
        while frame is not None:  # functions that have begun already
            frame.f_trace = self.trace
            frame = frame.f_back

    def trace(self, frame, event, _argument):
        if event == "line" and self._has_begun and OURS in frame.f_code.co_filename:
            self.lines += 1
            if self.lines == self.at:
                os._exit(DIED)
        return self.trace


def die_in_a_child(act, at):
    """Have a child `act`, and die at a line of that. Return how it ended and, where it lived, how many lines it has run."""
    reads, writes = os.pipe()
    if not (child := os.fork()):
        death = Death(at)
        try:
            act(death)
        except BaseException:  # noqa: BLE001 - the child must not go on as its parent does
            traceback.print_exc()
            os._exit(FAILED)
        sys.settrace(None)
        os.write(writes, str(death.lines).encode())
        os._exit(LIVED)
    os.close(writes)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reads) as pipe:
        return os.waitstatus_to_exitcode(status), int(pipe.read() or 0)
