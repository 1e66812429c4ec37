"""Names settings in messages as their reader has set them: `MONITE_CLIENT_ID`, where it came from the environment."""

import re
from collections.abc import Collection

__all__ = ["as_set"]

NAME = re.compile(r"^\w+|\b[a-z]+_\w+")
"""Where a problem may name a setting: as its first word, or with an underscore. Elsewhere `account` is a word as any other."""


def as_set(problem: str, names: Collection[str], prefix: str) -> str:
    """Return a problem of Settings with each of `names` in upper case, behind `prefix`."""
    return NAME.sub(lambda found: prefix + found[0].upper() if found[0] in names else found[0], problem)
