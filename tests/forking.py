"""Forks for the tests: those that Python makes, and those in C that it does not see, as uWSGI's."""

import ctypes
import faulthandler
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from typing import NoReturn

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def fork_in_c() -> int:
    """Fork as `os.fork` does, but without Python's fork hooks.

    A child of a process in which a thread wants Python's global lock at that very moment can find that lock broken: it hangs as soon as
    a thread of it waits for another, and only Python's own hook could mend that. Such a child is no use, so another is made.
    """
    fork = ctypes.PyDLL(None).fork
    while True:
        told, tell = os.pipe()
        time.sleep(0.02)  # all who want the lock have it, and nothing comes between this and the fork
        child = int(fork())
        if child == 0:
            for _ in range(20):
                thread = threading.Thread(target=int)
                thread.start()
                thread.join()
            os.write(tell, b".")
        os.close(tell)
        works = child == 0 or select.select([told], [], [], 10)[0]
        os.close(told)
        if works:
            return child
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


PATIENCE = 100
"""Seconds for what a child does. After that it says what it is at, and dies: nobody would see it from its parent."""

FORKS: dict[str, Callable[[], int]] = {"by Python": os.fork, "in C": fork_in_c} if hasattr(os, "fork") else {}


def child_of(fork: Callable[[], int], work: Callable[[], object]) -> bool:
    """Say whether `work` returns something true in a child; what it raises there is seen in the test's output."""
    child = fork()
    if child == 0:
        end_with(work)
    return ended_well(child)


def end_with(work: Callable[[], object]) -> NoReturn:
    """Do the work of a child, and end it."""
    status = 1
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    faulthandler.register(signal.SIGALRM, file=2, chain=True)
    signal.alarm(PATIENCE)
    try:
        status = 0 if work() else 1
    except BaseException as error:  # noqa: BLE001 - nobody else is there to take it
        os.write(2, f"in the child: {error!r}\n".encode())
    finally:
        os._exit(status)


def ended_well(child: int) -> bool:
    """Wait for the end of a child, and say whether its work was well done."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
