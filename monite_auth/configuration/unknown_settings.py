"""Names of settings that are misspelt. Without a warning, the setting would silently keep its default."""

import logging
from collections.abc import Collection, Iterable

__all__ = ["did_you_mean", "meaningless", "warn_of_meaningless"]

log = logging.getLogger("monite_auth")

ALIKE = 0.75
"""How similar two names are if one is a misspelling of the other: CLIENT_SECRETS is one, WEBHOOK_SECRET is not."""

OF_OUR_TOOLS = "MONITE_SIMULATION_"
"""The prefix of the variables of the project's own test tools."""

_told: set[str] = set()


def did_you_mean(name: str, known: Collection[str]) -> str | None:
    """Return the known name that `name` may be a misspelling of, or None."""
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    near = get_close_matches(name.upper(), known, n=1, cutoff=ALIKE)
    return near[0] if near else None


def meaningless(names: Iterable[object], known: Collection[str]) -> dict[str, str]:
    """Return the `MONITE_…` names that are no settings, each with what to do about it; `known` are without prefix."""
    found = {}
    for name in names:
        if not isinstance(name, str) or not name.startswith("MONITE_") or name.startswith(OF_OUR_TOOLS):
            continue
        setting = name.removeprefix("MONITE_")
        if setting in known:
            continue
        near = did_you_mean(setting, known)
        every = ", ".join(f"MONITE_{each}" for each in sorted(known))
        advice = f"Did you mean MONITE_{near}?" if near else f"Known are: {every}."
        found[name] = f"{advice} If another program uses it, ignore this."
    return found


def warn_of_meaningless(names: Iterable[object], known: Collection[str]) -> None:
    """Log a warning for each of `meaningless`, once per process.

    No error, since an environment is shared: other programs, and the app itself, may have a `MONITE_…` of their own.
    """
    for name, advice in meaningless(names, known).items():
        if name not in _told:
            _told.add(name)
            log.warning("%s means nothing to monite-auth. %s", name, advice)
