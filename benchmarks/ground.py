"""What all benchmarks stand on: a local Monite, the stores that this machine has, a folder, and how much to measure."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monite_auth.emulator import Emulator, Monite, serve
from tests.postgres_server import PostgresServer, is_installed
from tests.redis_server import RedisServer

__all__ = ["Ground", "open_ground"]


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground of one run.

    `stores`: a URL for each kind of store. `folder`: for files, gone afterwards.
    `smallest`: whether each benchmark only shows that it works, with the fewest repetitions that it can do. Its numbers mean nothing.
    """

    emulator: Emulator
    stores: dict[str, str]
    folder: Path
    smallest: bool

    def count(self, full: int, smallest: int) -> int:
        """Return how often to do something: as often as a measurement needs, or as seldom as a trial can."""
        return smallest if self.smallest else full

    @property
    def seconds(self) -> float:
        """How long to measure something that is over in microseconds, in seconds."""
        return 0.02 if self.smallest else 0.5


@contextlib.contextmanager
def open_ground(*, smallest: bool) -> Iterator[Ground]:
    """Start Monite's emulator, and Redis and PostgreSQL where they are installed, and stop them afterwards."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores = {"memory": "memory://", "sqlite": f"sqlite:///{folder}/tokens.db"}
        if shutil.which("redis-server"):
            stores["redis"] = stack.enter_context(RedisServer("--appendonly", "yes")).url
        if is_installed():
            stores["postgres"] = stack.enter_context(PostgresServer(fsync="on")).url
        emulator = stack.enter_context(serve(Monite(requests_per_second=1_000_000)))
        yield Ground(emulator, stores, folder, smallest)
