"""Waiting for what other threads and tasks bring about, without sleeping longer than it takes."""

import asyncio
import threading
import time


def until(condition, *, seconds=20.0):
    """Wait for a condition that other threads bring about."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        pause.wait(0.002)


async def auntil(condition, *, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.002)


def threads_waiting(flight):
    """Return how many threads wait for the end of a flight."""
    return len(flight._finished._cond._waiters)
