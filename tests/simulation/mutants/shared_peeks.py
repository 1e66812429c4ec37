"""Promise 5, logout is final: mistakes about who may share what another caller has read from the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from monite_auth import AccessToken
from monite_auth.engine.revocation_epoch import RevocationEpoch
from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.surroundings import Surroundings
from monite_auth.identity import Subject
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.world import World

__all__ = ["MUTANTS"]

_result, _read = SharedPeek.result, SharedPeek.read


class _NeverAdvances(RevocationEpoch):
    @contextmanager
    def ending(self) -> Iterator[None]:
        yield


class EndingsNotNoted(Mutant):
    about = "what another caller has read counts although a logout came after it"
    promise = "5 logout is final"
    scenarios = ("mint x mint x logout, threads",)

    def surroundings(self, world: World, **facts: Any) -> Surroundings:
        return super().surroundings(world, **{**facts, "epoch": _NeverAdvances()})


def _result_for_anybody(self: SharedPeek, subject: Subject, now: float) -> AccessToken | None:
    return _result(self, self._result.subject if self._result is not None else subject, now)


class ReadsSharedWithOtherSessions(Mutant):
    about = "what another caller has read counts for other sessions too"
    promise = "5 logout is final"
    scenarios = ("a session that has ended x mint of another",)
    replaced = ((SharedPeek, "result", _result_for_anybody),)


@dataclass(frozen=True, slots=True)
class _OfAllProcesses(Surroundings):
    results: dict[Subject, Any] = field(default_factory=dict)
    """What callers of any process have read."""


def _result_of_any_process(self: SharedPeek, subject: Subject, now: float) -> AccessToken | None:
    self._result = self._surroundings.results.get(subject, self._result)  # type: ignore[attr-defined]
    return _result(self, subject, now)


async def _read_for_all_processes(self: SharedPeek, subject: Subject, *more: Any) -> AccessToken | None:
    token = await _read(self, subject, *more)
    if self._result is not None:
        self._surroundings.results[subject] = self._result  # type: ignore[attr-defined]
    return token


class ReadsSharedBetweenProcesses(Mutant):
    about = "what a caller of another process has read counts, although a logout there came after it"
    promise = "5 logout is final"
    scenarios = ("mint and logout x two who wait in another process",)
    replaced = ((SharedPeek, "result", _result_of_any_process), (SharedPeek, "read", _read_for_all_processes))

    def __init__(self) -> None:
        self._results: WeakKeyDictionary[World, dict[Subject, Any]] = WeakKeyDictionary()

    def surroundings(self, world: World, **facts: Any) -> Surroundings:
        return _OfAllProcesses(**facts, results=self._results.setdefault(world, {}))


MUTANTS: tuple[type[Mutant], ...] = (
    EndingsNotNoted,
    ReadsSharedWithOtherSessions,
    ReadsSharedBetweenProcesses,
)
