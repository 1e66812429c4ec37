"""Flows: functions that are written once as `async def`, and run in a thread where nothing that they await suspends."""

from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["Flow", "run"]

Result = TypeVar("Result")
Flow = Coroutine[Any, Any, Result]


def run(flow: Flow[Result]) -> Result:
    """Run a flow to its end in the calling thread."""
    try:
        flow.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    flow.close()
    raise RuntimeError("A flow suspended outside an event loop; it awaited something that is no runtime's.")
