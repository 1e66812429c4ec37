"""Ends and beginnings that are not ours: a process forks, an event loop shuts down."""

import os
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress

__all__ = ["call_in_child", "close_with_loop"]


def call_in_child(method: Callable[[], None]) -> None:
    """Have the bound `method` called in every child that this process forks, as long as its object lives.

    A child must not share its parent's locks and sockets, nor wait for work that only the parent does.
    """
    reference = weakref.WeakMethod(method)

    def call() -> None:
        if (living := reference()) is not None:
            living()

    if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
        os.register_at_fork(after_in_child=call)


def close_with_loop(aclose: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """Have `aclose` awaited when the running event loop shuts down; keep what this returns for as long.

    Event loops close the async generators that were started on them (`asyncio.run` sees to it), and this is one.
    So connections do not outlive a loop where nobody closes the broker, as in an app's tests.
    """

    async def wait_for_the_end() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await aclose()

    waiting = wait_for_the_end()
    with suppress(StopIteration):
        waiting.__anext__().send(None)  # run up to the yield, which tells the loop
    return waiting
