"""The clock of this boot: every process of the host shares it, in containers too, and nobody sets it.

The wall clock can be set back by an hour, by NTP or by hand. What was counted by it would last an hour longer.
"""

import ctypes
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

__all__ = ["BOOT", "BootClock", "since_boot", "this_boot"]


class BootClock(NamedTuple):
    """A clock that processes share. `boot` names what it counts from, and `elapsed` returns the seconds since then."""

    boot: str
    elapsed: Callable[[], float]


def _running_clock() -> Callable[[], float]:
    """Return the clock that goes on while the machine sleeps, as a token's life does, where the system has one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC_RAW)
    return time.monotonic


since_boot: Callable[[], float] = _running_clock()
"""Returns the seconds since this host was booted. It is chosen once, since it is read for each token."""


def _name() -> str:
    """Return what the system calls this boot, or ""."""
    if sys.platform == "darwin":
        return _darwin_name()
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _darwin_name() -> str:
    name = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(name))
    system = ctypes.CDLL(None)
    failed = system.sysctlbyname(b"kern.bootsessionuuid", name, ctypes.byref(size), None, ctypes.c_size_t(0))
    return "" if failed else name.value.decode()


_NAME = _name()

BOOT = _NAME or secrets.token_hex(16)
"""Names this boot; where the system has no name for it, this process and its children."""


def this_boot() -> BootClock:
    """Return the clock that all processes of this host share.

    Where the system has no name for its boots, as on Windows, nobody could tell whether two processes count from the same one.
    There it is the wall clock.
    """
    return BootClock(_NAME, since_boot) if _NAME else BootClock("", time.time)
