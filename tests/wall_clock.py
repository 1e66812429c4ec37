"""A wall clock of its own for a program that a test starts. libfaketime does it; no other clock is touched."""

from pathlib import Path

import pytest


class WallClock:
    """What the program takes for the time of day, kept in a file. `environment`: its variables for that."""

    def __init__(self, file: Path, setting: str) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not libraries:
            pytest.skip("libfaketime is not installed; `make servers` says how")
        self._file = file
        self.set(setting)
        self.environment = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_FMT": "%s",
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Without it threads that wait for Python's interpreter lock do not wait, and take all of a processor.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "FAKETIME_TIMESTAMP_FILE": str(file),
        }

    def set(self, setting: str) -> None:
        """Set the clock: to a moment at which it stands still, in epoch seconds, or off by `+` or `-` seconds."""
        new = self._file.with_suffix(".new")
        new.write_text(setting)
        new.replace(self._file)
