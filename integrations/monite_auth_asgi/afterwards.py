"""Work that goes on when the request is over, or cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["call_when_task_is_free", "shielded", "start"]

_tasks: set[asyncio.Task[None]] = set()
"""Logouts under way: event loops hold tasks weakly."""


def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start work as a task of its own."""
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def shielded(work: Coroutine[Any, Any, None]) -> None:
    """Await work that goes on when the request is cancelled, however often cancel scopes repeat that."""
    await asyncio.shield(start(work))


_latest: WeakKeyDictionary[asyncio.Task[Any], Callable[[], None]] = WeakKeyDictionary()
"""What is to be called for the last request of each task that serves requests."""


def call_when_task_is_free(call: Callable[[], None]) -> None:
    """Have something called when the current task is done, or serves another request.

    By then every middleware outside of ours has finished with this request.
    """
    task = asyncio.current_task()
    if task is None:
        return
    before = _latest.get(task)
    _latest[task] = call
    if before is None:
        task.add_done_callback(lambda task: _latest.pop(task)())
    else:
        before()
