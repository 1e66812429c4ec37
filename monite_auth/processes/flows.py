"""Flows: functions that are written once as `async def`, and run in a thread where nothing that they await suspends."""

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["Flow", "ends_when_left", "run"]

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


@contextmanager
def ends_when_left() -> Iterator[None]:
    """Await others' code in here: a flow that is closed ends (GeneratorExit), although they fail while they clean up.

    A library does, since there is no event loop any more, and a flow of ours would take that for an answer and go on.
    """
    try:
        yield
    except Exception as error:
        if _is_about_being_left(error):
            raise GeneratorExit from None
        raise


def _is_about_being_left(error: BaseException) -> bool:
    """Return whether a flow was closed before this was raised."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, GeneratorExit):
        seen = seen.__context__
    return seen is not None
