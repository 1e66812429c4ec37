"""Waiting for something that other threads and tasks bring about, without sleeping longer than it takes."""

import asyncio
import threading
import time
from collections.abc import Callable

__all__ = ["PATIENCE", "auntil", "until"]

PAUSE = 0.002
"""Seconds between two checks of a condition."""

PATIENCE = 60.0
"""Seconds after which a wait is taken for one without an end. It costs nothing where a test passes, and a machine may be busy."""


def until(condition: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Wait for a condition that other threads bring about; raises AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        pause.wait(PAUSE)


async def auntil(condition: Callable[[], object], *, seconds: float = PATIENCE) -> None:
    """Wait for a condition that other tasks bring about; see `until`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(PAUSE)
