"""The clock of this boot: every process of the host shares it, and nobody sets it."""

import secrets
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["BOOT", "since_boot"]


def since_boot() -> float:
    """Return the seconds since this host was booted.

    CLOCK_BOOTTIME goes on while a machine sleeps, as a token's life does; other systems have no such clock.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return secrets.token_hex(16)


BOOT = _boot()
"""Names this boot; where the system has no name for it, this process and its children."""
