"""The report of a run: what was asked and checked, and each kind of failure with where it is and a curl line."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.conformance.deviations import PERMITTED
from tests.conformance.findings import Finding, first_cover

#: A kind of failure has so many answers of each operation, and curl lines of so many operations.
SHOWN = 3


@dataclass(slots=True)
class Report:
    """What a run has asked, checked and found."""

    served: frozenset[str]
    cases: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    statuses: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    findings: list[Finding] = field(default_factory=list)
    #: The lists whose parameters were tried, and those that had nothing to try them on. One caller's try is enough.
    judged: set[str] = field(default_factory=set)
    unjudged: dict[str, Finding] = field(default_factory=dict)

    def answered(self, part: str, operation: str, status: int) -> None:
        """Count a case of a part of the run."""
        self.cases[part] += 1
        self.statuses[operation][status] += 1

    def checked(self, check: str, finding: Finding | None = None) -> None:
        """Count a check, and keep what it found."""
        self.checks[check] += 1
        if finding:
            self.findings.append(finding)

    def could_not_judge(self, operation: str, caller: str, reason: str) -> None:
        """Note why a caller could not judge a list. It is a finding, unless another caller can."""
        self.unjudged[operation] = Finding("unjudged_query", operation, caller, 0, reason, "")

    @property
    def found(self) -> list[Finding]:
        """Everything that was found."""
        unjudged = (each for operation, each in sorted(self.unjudged.items()) if operation not in self.judged)
        return [*self.findings, *unjudged]

    @property
    def unknown(self) -> list[Finding]:
        """The findings that no deviation explains."""
        return [each for each in self.found if not first_cover(PERMITTED, each)]

    @property
    def never_succeeded(self) -> list[str]:
        """The operations that are served, and that no case of the run has seen succeed."""
        return sorted(
            operation
            for operation in self.served
            if not any(200 <= status < 300 for status in self.statuses[operation])
        )

    @property
    def is_good(self) -> bool:
        return not self.unknown and not self.never_succeeded

    def lines(self) -> Iterator[str]:
        """Yield the report, the numbers first."""
        yield f"{len(self.served)} operations, {self.cases.total()} cases, {self.checks.total()} checks"
        yield from _table("cases", self.cases)
        yield from _table("checks", self.checks)
        counts = Counter(first_cover(PERMITTED, each) for each in self.found)
        for deviation in PERMITTED:
            yield f"permitted: {counts[deviation]} times {deviation.check}: {deviation.reason}"
        for each in self.never_succeeded:
            yield f"never succeeded: {each} answered {dict(self.statuses[each])}"
        yield from self._failures()
        yield "The emulator conforms." if self.is_good else "The emulator does not conform."

    def _failures(self) -> Iterator[str]:
        kinds: defaultdict[tuple[str, int], defaultdict[str, list[Finding]]]
        kinds = defaultdict(lambda: defaultdict(list))
        for each in self.unknown:
            kinds[each.check, each.status][each.operation].append(each)
        for (check, status), operations in sorted(kinds.items()):
            total = sum(map(len, operations.values()))
            yield f"\n{check}, status {status}: {total} times, in {len(operations)} operations"
            for place, (operation, findings) in enumerate(sorted(operations.items())):
                yield f"  {operation}, {len(findings)} times, as {findings[0].caller}"
                for said, count in Counter(_one_line(each.answer) for each in findings).most_common(SHOWN):
                    yield f"    answered {count} times: {said}"
                if place < SHOWN:
                    yield f"    {_one_line(findings[0].message)}"
                    yield f"    {findings[0].curl}"


def _table(title: str, counts: Counter[str]) -> Iterator[str]:
    yield f"{title}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _one_line(message: str, length: int = 400) -> str:
    words: Sequence[str] = message.split()
    return " ".join(words)[:length]
