"""What happens in a run: people come and go, many log in at once, the token store goes down, and then Monite does."""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from benchmarks.dashboard.ground import Ground
from monite_auth.emulator import Fault

__all__ = ["Chapter", "Story"]

CROWD = 250
"""People who log in within three seconds: eight seconds of Monite's request limit."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the story. `begin`, `end`: epoch seconds."""

    title: str
    begin: float
    end: float


class Visitor:
    """A session of one person, who looks at the invoices every few seconds."""

    def __init__(self, apps: list[str]) -> None:
        self._apps = apps
        self._client = httpx.AsyncClient(timeout=60)
        self._is_leaving = asyncio.Event()
        self._life = asyncio.create_task(self._visit())

    async def leave(self) -> None:
        """Log out."""
        self._is_leaving.set()
        await self._life

    async def _visit(self) -> None:
        # One in five is Viktor, who may only look.
        is_viktor = random.random() < 0.2  # noqa: S311 - nobody depends on it
        await self._ask("POST", "/login", user_id="viktor" if is_viktor else "anna")
        while not self._is_leaving.is_set():
            await self._ask("GET", "/invoices")
            if is_viktor:
                await self._ask("POST", "/invoices", description="One more")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_leaving.wait(), random.uniform(8, 16))  # noqa: S311
        await self._ask("POST", "/logout")
        await self._client.aclose()

    async def _ask(self, method: str, path: str, **form: str) -> None:
        app = random.choice(self._apps)  # noqa: S311 - as a load balancer does
        with contextlib.suppress(httpx.HTTPError):
            await self._client.request(method, app + path, data=form or None)


@dataclass(slots=True)
class Story:
    """Tells the story, and notes when each chapter began and ended."""

    ground: Ground
    chapters: list[Chapter] = field(default_factory=list)
    _people: list[Visitor] = field(default_factory=list)

    async def tell(self) -> None:
        """Live through all of it: some five minutes."""
        self._throttle()  # Prometheus sees how a series grows, and not how it begins
        await self._come(40, within=15)
        await asyncio.sleep(15)
        with self._chapter(f"{CROWD} people log in at once"), self._slow():
            self._throttle()
            await self._come(CROWD, within=3)
            await asyncio.sleep(22)
        await self._go(130, within=15)
        await asyncio.sleep(15)
        with self._chapter("The token store is down"):
            self.ground.store.stop()
            await self._go(60, within=40)
            await self._come(5, within=10)
            await asyncio.sleep(35)
            self.ground.store.start()
        await asyncio.sleep(30)
        with self._chapter("Monite is down"), self._down():
            await self._go(40, within=20)
            await self._come(5, within=5)
            await asyncio.sleep(10)
        await asyncio.sleep(45)
        await self._go(len(self._people), within=10)

    async def _come(self, count: int, *, within: float) -> None:
        for _ in range(count):
            self._people.append(Visitor(self.ground.apps))
            await asyncio.sleep(within / count)

    async def _go(self, count: int, *, within: float) -> None:
        """Have those log out who have been there longest."""
        leaving, self._people = self._people[:count], self._people[count:]
        under_way = []
        for each in leaving:
            under_way.append(asyncio.create_task(each.leave()))
            await asyncio.sleep(within / count)
        await asyncio.gather(*under_way)

    @contextlib.contextmanager
    def _chapter(self, title: str) -> Iterator[None]:
        begin = time.time()
        yield
        self.chapters.append(Chapter(title, begin, time.time()))

    def _throttle(self) -> None:
        """Have Monite refuse a request as one too many."""
        self.ground.emulator.monite.faults.add(
            Fault(kind="throttle", retry_after=1, path="/auth/token", times=1)
        )

    @contextlib.contextmanager
    def _slow(self) -> Iterator[None]:
        """Have Monite take 0.3 s for a token."""
        faults = self.ground.emulator.monite.faults
        slow = faults.add(Fault(kind="latency", seconds=0.3, path="/auth/token"))
        yield
        faults.remove(slow.id)

    @contextlib.contextmanager
    def _down(self) -> Iterator[None]:
        faults = self.ground.emulator.monite.faults
        faults.add(Fault(kind="status", status=503))
        yield
        faults.clear()
