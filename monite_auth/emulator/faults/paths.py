"""Which paths a fault can be meant for: how those of Monite's operations begin, whether they are served or not."""

import difflib
import re
from functools import cache

from monite_auth.emulator.specification.facts import PREFIX, operations

# A step in braces stands for any one.
STEP = re.compile(r"\{\w+\}")
# The beginning of an id, and what people write for any id elsewhere.
ID = re.compile(r"[0-9A-Fa-f-]{0,36}")
ANY_ID = re.compile(r"\*+|:\w+|<[^/]*>|.*[{}].*|[0-9A-Fa-f-]{32,36}")


def can_hit(path: str) -> bool:
    """Return whether one of Monite's paths begins so. Paths are those below /v1, as the gate sees them: decoded, without the query."""
    *whole, last = path.split("/")
    return any(
        len(steps) > len(whole)
        and all(_is_step(given, step) for given, step in zip(whole, steps, strict=False))
        and _begins_step(last, steps[len(whole)])
        for steps in _templates()
    )


def nearest(path: str) -> str:
    """Return the beginning of one of Monite's paths that is most like a path that is none."""
    below = (
        re.sub(rf"^(\w+://[^/]*)?({PREFIX}(?=/|$))?", "", path.lower()).partition("?")[0].partition("#")[0]
    )
    meant = "".join(f"/{ANY_ID.sub('{id}', step)}" for step in below.split("/") if step)
    if not meant:
        return "/"
    beginnings = {"/".join(steps[:length]) for steps in _templates() for length in range(2, len(steps) + 1)}
    return difflib.get_close_matches(meant, sorted(beginnings), n=1, cutoff=0)[0]


@cache
def _templates() -> tuple[tuple[str, ...], ...]:
    paths = {STEP.sub("{id}", operation.path) for operation in operations()}
    return tuple(tuple(path.split("/")) for path in sorted(paths))


def _is_step(given: str, step: str) -> bool:
    if STEP.fullmatch(given) or given == step:
        return True
    return step == "{id}" and given != "" and ID.fullmatch(given) is not None


def _begins_step(given: str, step: str) -> bool:
    if STEP.fullmatch(given):
        return True
    return ID.fullmatch(given) is not None if step == "{id}" else step.startswith(given)
