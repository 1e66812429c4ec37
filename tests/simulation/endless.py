"""What is said of a scenario that has no end: which variables of its world keep on changing, and what is done again and again.

A run, or an exploration, that is much longer than all others is given up. Before that its worlds are looked at for a little
while: whatever takes new values then is what never comes to rest.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

__all__ = ["Bound"]

LOOKS = 200
"""States that are looked at: those of some dozens of turns of a task in the background."""

MOST_LINES = 12
"""Variables and kinds of steps that are named, at the most."""

PARTS = ("now", "processes", "accounts", "shared", "journals", "actors")
"""What is looked at of a world."""

OURS = ("monite_auth.", "tests.simulation.")
"""Where the objects come from that are looked into."""


class Bound:
    """Counts steps or states, and says what kept on changing where there are more than `most`."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._count = 0
        self._values: defaultdict[str, set[str]] = defaultdict(set)
        self._steps: Counter[str] = Counter()

    def is_passed(self, world: Any) -> bool:
        """Count one more. Return whether to give up."""
        self._count += 1
        if self._count <= self._most:
            return False
        seen = {id(world)}
        for part in PARTS:
            for name, value in _variables(getattr(world, part), part, seen):
                self._values[name].add(value)
        self._steps[world.last_step] += 1
        return self._count >= self._most + LOOKS

    def __str__(self) -> str:
        """Name the variables that kept on changing, and the steps, line by line."""
        changing = sorted(
            ((len(values), name) for name, values in self._values.items() if len(values) > 1), reverse=True
        )
        steps = ", ".join(f"{label} {count}" for label, count in self._steps.most_common(MOST_LINES))
        return "\n".join(
            [
                f"there are more than {self._most:,} {self._what}. In the last {LOOKS} of them these variables kept on changing:",
                *(f"  {name}: {count} values" for count, name in changing[:MOST_LINES]),
                f"They came after these steps: {steps}.",
            ]
        )


def _variables(value: Any, name: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each plain variable in `value`, and the length of each collection."""
    if value is None or isinstance(value, bool | int | float | str | bytes | Enum):
        yield name, repr(value)
    elif id(value) in seen:
        return
    elif isinstance(value, Mapping):
        seen.add(id(value))
        yield f"{name}'s length", str(len(value))
        for key, each in value.items():
            if not isinstance(key, str | int | tuple):
                continue  # it looks different in each run
            yield from _variables(each, f"{name}[{key!r:.60}]", seen)
    elif isinstance(value, list | tuple | deque | set | frozenset):
        seen.add(id(value))
        yield f"{name}'s length", str(len(value))
        if not isinstance(value, set | frozenset):
            for number, each in enumerate(value):
                yield from _variables(each, f"{name}[{number}]", seen)
    elif type(value).__module__.startswith(OURS):
        seen.add(id(value))
        for attribute in _attributes(value):
            if hasattr(value, attribute):
                yield from _variables(getattr(value, attribute), f"{name}.{attribute}", seen)


def _attributes(value: Any) -> list[str]:
    slots = [name for kind in type(value).__mro__ for name in vars(kind).get("__slots__", ())]
    return [*slots, *getattr(value, "__dict__", ())]
