"""The request limit that an answer of Monite's names in its headers."""

import re
from collections.abc import Mapping

from monite_auth.monite_api.headers import LIMIT, LIMIT_PER_SECOND

__all__ = ["named_limit"]

_NUMBER = re.compile(r"[1-9][0-9]{0,6}")

_PER_SECOND = re.compile(rf"({_NUMBER.pattern})(?: *, *\1 *; *w=1)?")
"""A limit, and perhaps the policy that it comes from: "30", or "30, 30;w=1". Another window is no limit per second."""


def named_limit(headers: Mapping[str, str]) -> int | None:
    """Return the requests a second that the headers of an answer allow, or None where they say nothing that can be one.

    `headers`: names in lower case.
    """
    if found := _NUMBER.fullmatch(headers.get(LIMIT_PER_SECOND, "").strip()):
        return int(found[0])
    if found := _PER_SECOND.fullmatch(headers.get(LIMIT, "").strip()):
        return int(found[1])
    return None
