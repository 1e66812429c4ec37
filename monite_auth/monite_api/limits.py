"""The request limit that an answer of Monite's names in its headers."""

import re
from collections.abc import Mapping

from monite_auth.monite_api.headers import LIMIT, LIMIT_PER_SECOND, POLICY

__all__ = ["named_limit"]

Policy = tuple[str, dict[str, str]]
"""A quota, and the parameters that say of what."""

LONGEST = 1000
"""Characters of a header that are read. A list of policies is far shorter."""

_NUMBER = re.compile(r"[1-9][0-9]{0,6}")

_STRING = r'"(?:[^"\\]|\\["\\])*"'

_PARAMETER = re.compile(rf' *; *([a-z*][a-z0-9_.*-]*)(?:=({_STRING}|[^\s;,"]+))?')

_POLICY = re.compile(rf' *({_STRING}|[^\s;,"]+)((?:{_PARAMETER.pattern})*) *(?:,|$)')
"""One of a list of policies, and its parameters (RFC 9651): `"burst";q=30;w=1`, or `30;w=1` as in earlier drafts."""


def named_limit(headers: Mapping[str, str]) -> int | None:
    """Return the requests a second that the headers of an answer allow, or None where they say nothing that can be one.

    Of several policies, the strictest of those for one second counts. Another window is no limit per second.

    `headers`: names in lower case.
    """
    if found := _NUMBER.fullmatch(headers.get(LIMIT_PER_SECOND, "").strip()):
        return int(found[0])
    return _limit(headers.get(LIMIT, "").strip()) or _strictest(_policies(headers.get(POLICY, "").strip()))


def _limit(value: str) -> int | None:
    """Return the limit of "30", of "30, 30;w=1", or of more policies: one of them is the limit that the header begins with."""
    if _NUMBER.fullmatch(value):
        return int(value)
    first, *policies = _policies(value) or [("", {})]
    return _strictest(policies) if first in [(quota, {}) for quota, _ in policies] else None


def _policies(value: str) -> list[Policy]:
    """Return the policies of a header; none if it is no list of policies."""
    policies, at = list[Policy](), 0
    while at < len(value):
        found = _POLICY.match(value, at, LONGEST)
        if found is None:
            return []
        parameters = dict(_PARAMETER.findall(found[2]))
        policies.append((parameters.pop("q", found[1]), parameters))
        at = found.end()
    return policies


def _strictest(policies: list[Policy]) -> int | None:
    """Return the lowest quota of requests in one second."""
    return min(
        (
            int(quota)
            for quota, parameters in policies
            if parameters.get("w") == "1"
            and parameters.get("qu", '"requests"') == '"requests"'
            and _NUMBER.fullmatch(quota)
        ),
        default=None,
    )
