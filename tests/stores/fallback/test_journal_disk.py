"""A slow disk under the journal: a logout waits for its record, and neither an event loop nor whoever only reads waits for it."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from monite_auth.engine.runtime import run
from monite_auth.stores import SessionState
from monite_auth.stores.fallback.journal.directory import JournalDirectory
from monite_auth.stores.fallback.journal.journal import FileJournal
from tests.forking import needs_fork
from tests.scripted import ALICE, BOB, numbered
from tests.stores.fallback.outage import Outage
from tests.waiting import PATIENCE, auntil, until

pytestmark = needs_fork


class SlowDisk(JournalDirectory):
    """A directory in which files come, and go, once that is allowed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.is_asked, self.goes_on = threading.Event(), threading.Event()

    def create(self, name: str) -> int:
        self._wait()
        return super().create(name)

    def remove(self, name: str) -> None:
        self._wait()
        super().remove(name)

    def _wait(self) -> None:
        self.is_asked.set()
        assert self.goes_on.wait(PATIENCE)

    @property
    def files(self) -> list[Path]:
        return list(self.path.glob("*"))


@pytest.fixture
def disk(directory: Path) -> Iterator[SlowDisk]:
    disk = SlowDisk(directory)
    yield disk
    disk.goes_on.set()


def before(disk: SlowDisk, *, patience: float) -> Outage:
    """Return a world whose store records no logouts, and whose journal is on this disk."""
    world = Outage(numbered())
    journal = FileJournal(disk, "account.", world.settings.credentials, world.clock, patience=patience)
    world.fallback.keep(lambda: journal)
    world.shared.refuses = frozenset({"end_session"})
    return world


def test_promise_7_a_logout_on_an_event_loop_waits_for_its_record_and_the_loop_does_not(disk):
    world = before(disk, patience=PATIENCE)
    operations = world.fallback.operations(blocking=False)

    async def main() -> None:
        leaving = asyncio.create_task(operations.end_session(ALICE))
        await auntil(disk.is_asked.is_set)
        assert await operations.session_state(BOB) is SessionState.ALIVE
        assert not leaving.done()
        assert disk.files == []
        disk.goes_on.set()
        await leaving
        assert len(disk.files) == 1

    asyncio.run(main())


def test_promise_7_a_logout_in_a_thread_waits_for_its_record_and_other_threads_do_not(disk):
    world = before(disk, patience=PATIENCE)
    with ThreadPoolExecutor(1) as threads:
        leaving = threads.submit(world.logout)
        until(disk.is_asked.is_set)
        assert run(world.store.session_state(BOB)) is SessionState.ALIVE
        assert not leaving.done()
        assert disk.files == []
        disk.goes_on.set()
        leaving.result()
    assert len(disk.files) == 1


@pytest.mark.parametrize("blocking", [True, False], ids=["threads", "tasks"])
def test_promise_7_a_logout_does_not_wait_for_a_disk_that_hangs(disk, blocking, caplog):
    world = before(disk, patience=0.01)
    operations = world.fallback.operations(blocking=blocking)

    async def leave() -> None:
        await operations.end_session(ALICE)
        await operations.end_session(BOB)

    run(leave()) if blocking else asyncio.run(leave())
    assert disk.files == []
    assert not world.fallback.journal_is_durable
    assert [each.message for each in caplog.records if "the disk does not answer" in each.message]
    disk.goes_on.set()
    until(lambda: world.fallback.journal_is_durable)
    (journal,) = disk.files
    assert journal.read_bytes().count(b"\n+") == 2


def test_what_an_event_loop_has_repeated_is_not_left_to_others_when_the_store_is_closed(disk):
    world = before(disk, patience=PATIENCE)
    operations = world.fallback.operations(blocking=False)
    disk.goes_on.set()

    async def main() -> None:
        await operations.end_session(ALICE)
        world.shared.refuses = frozenset()
        world.back()
        disk.is_asked.clear()
        disk.goes_on.clear()
        await operations.backlog()
        assert world.fallback.waiting == 0
        closing = asyncio.create_task(world.fallback.aclose())
        await auntil(disk.is_asked.is_set)
        assert not closing.done()
        disk.goes_on.set()
        await closing
        assert disk.files == []

    asyncio.run(main())
