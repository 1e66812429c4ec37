"""The processes of a run: a local Monite, Redis, two of the example app, and a Prometheus that scrapes both."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Emulator, Monite, serve
from tests.environment import environment_with
from tests.redis_server import RedisServer, free_port
from tests.waiting import until

__all__ = ["ROOT", "SCRAPED_EVERY", "Ground", "Prometheus", "open_ground"]

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs/monitoring/prometheus.yml"

SCRAPED_EVERY = 2
"""Seconds between two scrapes: an hour's story is told in five minutes here."""

LIMIT = 60
"""Requests in a second that the local Monite takes: tokens have half of it (MONITE_REQUESTS_PER_SECOND), calls of pages the rest."""

TOKEN_LIFE = 150
"""Seconds, instead of Monite's half an hour, so that tokens are renewed within the run."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Asks a Prometheus server."""

    url: str

    def series(self, expression: str, begin: float, end: float, step: int) -> list[dict[str, Any]]:
        """Return the answer to a range query: for each series its `metric` (labels) and `values` (pairs of time and text)."""
        parameters: dict[str, str | float] = {
            "query": expression,
            "start": begin,
            "end": end,
            "step": step,
        }
        answer = httpx.get(f"{self.url}/api/v1/query_range", params=parameters).raise_for_status().json()
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def answers(self) -> bool:
        """Return whether the server is ready, and has scraped every target."""
        with contextlib.suppress(httpx.HTTPError):
            targets = (
                httpx.get(f"{self.url}/api/v1/targets").raise_for_status().json()["data"]["activeTargets"]
            )
            return bool(targets) and all(each["health"] == "up" for each in targets)
        return False


@dataclass(frozen=True, slots=True)
class Ground:
    """What a run stands on. `apps`: the addresses of the example app's processes."""

    emulator: Emulator
    store: RedisServer
    apps: list[str]
    prometheus: Prometheus


@contextlib.contextmanager
def open_ground(folder: Path) -> Iterator[Ground]:
    """Start everything, and stop it afterwards. `folder`: for files, gone afterwards."""
    for what in (
        ("check", "rules", str(RULES)),
        ("test", "rules", str(Path(__file__).with_name("alerts.yml"))),
    ):
        subprocess.run(["promtool", *what], check=True)  # noqa: S603, S607 - the one on the PATH
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(serve(Monite(requests_per_second=LIMIT, token_life=TOKEN_LIFE)))
        store = stack.enter_context(RedisServer("--appendonly", "yes"))
        apps, scraped = [], []
        for _ in range(2):
            port, metrics = free_port(), free_port()
            stack.enter_context(_app(port, metrics, emulator, store))
            apps.append(f"http://127.0.0.1:{port}")
            scraped.append(f"127.0.0.1:{metrics}")
        prometheus = stack.enter_context(_prometheus(folder, scraped))
        until(prometheus.answers)
        yield Ground(emulator, store, apps, prometheus)


def _app(
    port: int, metrics: int, emulator: Emulator, store: RedisServer
) -> contextlib.AbstractContextManager[None]:
    variables = {
        "MONITE_BASE_URL": emulator.api_url,
        "MONITE_CLIENT_ID": DEMO_CLIENT_ID,
        "MONITE_CLIENT_SECRET": DEMO_CLIENT_SECRET,
        "MONITE_STORE_URL": store.url,
        "MONITE_TOKEN_SCOPE": "session",  # the example has two people; each of their sessions is a user here
        "APP_SECRET": "one for both processes, which share the sessions",
        "METRICS_PORT": str(metrics),
    }
    command = [sys.executable, "-m", "uvicorn", "benchmarks.dashboard.app:app", "--port", str(port)]
    return _process([*command, "--log-level", "error"], variables)


def _prometheus(folder: Path, scraped: list[str]) -> contextlib.AbstractContextManager[Prometheus]:
    port = free_port()
    pace = f"{SCRAPED_EVERY}s"
    configuration = {  # YAML takes JSON
        "global": {"scrape_interval": pace, "evaluation_interval": pace},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "app", "static_configs": [{"targets": scraped}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    command = [
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={folder}/series",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]

    @contextlib.contextmanager
    def running() -> Iterator[Prometheus]:
        with _process(command, {}):
            yield Prometheus(f"http://127.0.0.1:{port}")

    return running()


@contextlib.contextmanager
def _process(command: list[str], variables: Mapping[str, str]) -> Iterator[None]:
    """Run a program, and stop it afterwards."""
    with subprocess.Popen(command, cwd=ROOT, env=environment_with(variables)) as process:  # noqa: S603 - ours
        try:
            yield
        finally:
            process.terminate()
