"""Functions that an application hands in: called by threads and by event loops alike, and their answers checked."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from functools import cached_property, partial, wraps
from typing import Any, Generic, TypeVar, cast

from monite_auth.errors import BlockingCallError, ConfigurationError
from monite_auth.processes.flows import ends_when_left
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.processes.threads import Threads

__all__ = ["AppFunction", "ViewFunction", "checked_answer", "is_on_event_loop", "kind_of"]

Result = TypeVar("Result")
Answer = TypeVar("Answer")

MOST_THREADS = 32
"""Threads for the calls of one function on event loops, at the most; as many as asyncio's own executor has on a large machine."""


class AppFunction(Generic[Result]):
    """A function of the application, `def` or `async def`.

    `name`: the name of the argument or setting that it was handed in as; errors say it.

    On an event loop a `def` runs in a thread, since it may ask a database: one of its own, since all of asyncio's may be blocked by
    calls that wait for its answer. A blocking call cannot wait for an `async def`, and raises BlockingCallError. An adapter
    overrides both methods if its framework has ways of its own.
    """

    def __init__(self, name: str, function: Callable[..., Awaitable[Result] | Result]) -> None:
        self.name = name
        self.is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__ counts too
        )
        self.function = function if self.is_async else _never_stopping(name, function)

    def call(self, *arguments: Any) -> Result:
        """Call the function; raises BlockingCallError if it is an `async def`."""
        if self.is_async:
            raise BlockingCallError(
                f"{self.name} is an async function, so only async calls can ask it: use the a… methods, atoken() or "
                f"aclient() say, or give {self.name} as a def."
            )
        return cast("Result", self.function(*arguments))

    async def acall(self, *arguments: Any) -> Result:
        """Await the function, or run it in a thread of its own. A thread goes on if nobody waits for it any more."""
        if self.is_async:
            with ends_when_left():
                return await cast("Awaitable[Result]", self.function(*arguments))
        call = partial(copy_context().run, self.function, *arguments)
        return cast("Result", await asyncio.wrap_future(self._threads().submit(call)))

    @cached_property
    def _threads(self) -> PerProcess[Threads]:
        return PerProcess(lambda: Threads(MOST_THREADS, name=f"monite_auth {self.name}"))


def _never_stopping(name: str, function: Callable[..., Result]) -> Callable[..., Result]:
    """Return a function whose StopIteration, of a `next()` that finds nothing, is an error like any other.

    Before Python 3.12 asyncio cannot carry a StopIteration out of a thread, and the task that waits for the thread never ends.
    """

    @wraps(function)
    def asked(*arguments: Any) -> Result:
        try:
            return function(*arguments)
        except StopIteration as error:
            raise RuntimeError(
                f"{name} raised StopIteration: a next() in it found nothing. Give it a default: next(…, None)."
            ) from error

    return asked


class ViewFunction(AppFunction[Result]):
    """A function that is called as frameworks call views: for a blocking call, an `async def` gets an event loop of its own.

    `to_sync`: the framework's function that makes an `async def` blocking. `instead`: the call that an async view has to
    use, for the error: it cannot wait for a blocking one.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Awaitable[Result] | Result],
        *,
        to_sync: Callable[[Any], Callable[..., Any]],
        instead: str,
    ) -> None:
        super().__init__(name, function)
        self._to_sync = to_sync
        self._instead = instead

    def call(self, *arguments: Any) -> Result:
        """Call the function; raises BlockingCallError if it is an `async def` and this thread runs an event loop."""
        if not self.is_async:
            return super().call(*arguments)
        if is_on_event_loop():
            raise BlockingCallError(
                f"{self.name} is an async function, and an async view cannot wait for it in a blocking call: use "
                f"{self._instead}, or another of the a… methods."
            )
        return cast("Result", self._to_sync(self.function)(*arguments))


def is_on_event_loop() -> bool:
    """Return whether this thread runs an event loop, which a blocking call would hold up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def checked_answer(asked: str, found: object, kind: type[Answer], wanted: str) -> Answer | None:
    """Return the answer of a function of the application, if it is of this kind or None.

    `asked`: the name of the argument or setting that the function was handed in as. `wanted`: what it should return, for
    the error. Raises ConfigurationError, which names the answer's type and none of its contents: they may be personal.
    """
    if found is None or isinstance(found, kind):
        return found
    hint = ""
    if inspect.iscoroutine(found):
        found.close()  # nobody will await it
        hint = f" Give the async def itself as {asked}, not a def that returns its coroutine."
    raise ConfigurationError(f"{asked} returned {kind_of(found)}; it has to be {wanted} or None.{hint}")


def kind_of(found: object) -> str:
    """Return the type of something in words, for an error; its contents may be personal."""
    if isinstance(found, type):
        return f"the class {found.__name__}"
    if type(found) is tuple:
        return f"a tuple ({', '.join(type(each).__name__ for each in found)})"
    name = type(found).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
