"""The operations of a shared store, timed: telemetry is told of those that made somebody wait."""

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, cast

from monite_auth.stores.protocol import Operations
from monite_auth.telemetry import Silence, Telemetry
from monite_auth.telemetry.facts import StoreWaited

__all__ = ["observed"]

NOTICED = 0.01
"""Seconds from which an operation is told of. Redis and SQLite take a tenth of that, so nothing is told of a store that is well."""

NAMES = tuple(
    name
    for kind in Operations.__mro__
    for name, value in vars(kind).items()
    if not name.startswith("_") and callable(value)
)
"""The names of all operations."""


def observed(
    operations: Operations, telemetry: Telemetry, *, timer: Callable[[], float] = time.perf_counter
) -> Operations:
    """Return the operations, so that telemetry is told of those that take long; where nobody listens, as they are.

    `timer`: returns seconds from any moment on.
    """
    if isinstance(telemetry, Silence):
        return operations
    return cast(Operations, _Observed(operations, telemetry, timer))


class _Observed:
    """Has every operation of `operations`."""

    def __init__(self, operations: Operations, telemetry: Telemetry, timer: Callable[[], float]) -> None:
        for name in NAMES:
            setattr(self, name, _timed(name, getattr(operations, name), telemetry, timer))


def _timed(
    name: str, operation: Callable[..., Awaitable[Any]], telemetry: Telemetry, timer: Callable[[], float]
) -> Callable[..., Awaitable[Any]]:
    @wraps(operation)
    async def timed(*arguments: Any, **options: Any) -> Any:
        began = timer()
        try:
            answer = await operation(*arguments, **options)
        except GeneratorExit:  # its event loop is gone, and nothing may be locked
            raise
        except BaseException:
            tell(timer() - began)
            raise
        tell(timer() - began)
        return answer

    def tell(took: float) -> None:
        if took >= NOTICED:
            telemetry.tell(StoreWaited(name, took))

    return timed
