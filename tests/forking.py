"""Forks for the tests: those that Python makes, and those in C that it does not see, as uWSGI's."""

import ctypes
import os
from collections.abc import Callable
from typing import NoReturn

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def fork_in_c() -> int:
    """Fork as `os.fork` does, but without Python's fork hooks."""
    return int(ctypes.PyDLL(None).fork())


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
    try:
        status = 0 if work() else 1
    except BaseException as error:  # noqa: BLE001 - nobody else is there to take it
        os.write(2, f"in the child: {error!r}\n".encode())
    finally:
        os._exit(status)


def ended_well(child: int) -> bool:
    """Wait for the end of a child, and say whether its work was well done."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
