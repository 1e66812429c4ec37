"""Runs all benchmarks: `python -m benchmarks`. Compare the ratios within one run, since machines are noisy."""

import contextlib
import shutil
import tempfile
from pathlib import Path

from benchmarks import browser_api, budget, calls, cold, growth, hits, loops, size
from benchmarks.table import say
from monite_auth.emulator import Fault, Monite, serve
from tests.redis_server import RedisServer


def main() -> None:
    """Run all benchmarks with all stores that this machine has."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores = {"memory": "memory://", "sqlite": f"sqlite:///{folder}/tokens.db"}
        if shutil.which("redis-server"):
            stores["redis"] = stack.enter_context(RedisServer("--appendonly", "yes")).url
        monite = Monite(requests_per_second=1_000_000)
        emulator = stack.enter_context(serve(monite))
        hits.run(emulator, stores, folder)
        calls.run(emulator)
        browser_api.run(stores)
        size.run(folder, stores.get("redis"))
        growth.run(folder, stores.get("redis"))
        loops.run(emulator, stores)
        monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=cold.ENDPOINT))
        cold.run(emulator.api_url, stores)
        monite.faults.clear()
        budget.run(emulator, stores)
    say("\nTimes depend on this machine and moment. Compare the ratios.")


if __name__ == "__main__":
    main()
