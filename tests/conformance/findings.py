"""What a run has found, and whether it is known: findings, and the deviations that are permitted or still open."""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import httpx


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer that a check did not accept."""

    check: str
    operation: str  # "GET /payables"
    caller: str
    status: int
    message: str
    curl: str
    #: The body of the answer.
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Deviation:
    """What the emulator does otherwise than the document says.

    Args:
        check: the name of the check that finds it.
        reason: why it is so, in a sentence.
        statuses: the statuses of the answers; empty stands for all.
        operations: the operations, as shell patterns.
        says: a regular expression that the answer contains.

    """

    check: str
    reason: str
    statuses: tuple[int, ...] = ()
    operations: tuple[str, ...] = ("*",)
    says: str = ""

    def covers(self, finding: Finding) -> bool:
        """Say whether a finding is this deviation."""
        return (
            finding.check == self.check
            and (not self.statuses or finding.status in self.statuses)
            and any(fnmatchcase(finding.operation, pattern) for pattern in self.operations)
            and re.search(self.says, finding.answer) is not None
        )

    @property
    def row(self) -> str:
        """The line about it in the table of docs/emulator.md."""
        statuses = ", ".join(map(str, self.statuses)) or "any"
        operations = (
            "all" if self.operations == ("*",) else ", ".join(f"`{each}`" for each in self.operations)
        )
        return f"| `{self.check}` | {statuses} | {operations} | {self.reason} |"


def first_cover(deviations: Iterable[Deviation], finding: Finding) -> Deviation | None:
    """Return the first deviation that a finding is."""
    return next((each for each in deviations if each.covers(finding)), None)


def curl(request: httpx.Request) -> str:
    """Return the command that sends a request again."""
    return " ".join(_curl(request))


def _curl(request: httpx.Request) -> Iterator[str]:
    yield f"curl -X {request.method}"
    for name, value in request.headers.items():
        if name == "authorization" or name.startswith("x-") or name == "content-type":
            yield "-H " + shlex.quote(f"{name}: {value}")
    if request.content:
        yield "-d " + shlex.quote(request.content.decode())
    yield shlex.quote(str(request.url))
