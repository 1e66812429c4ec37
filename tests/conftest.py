"""What the whole suite shares."""

import asyncio
import inspect
import os
import re
from collections.abc import Iterator

import hypothesis
import pytest

from monite_auth import Settings, TokenBroker
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Emulator, Monite, serve
from tests import postgres_server, redis_server
from tests.people import PEOPLE
from tests.scripted import close_background

# The machine may be busy: no example fails because it took long, to try or to draw. (In CI the examples are the same each time.)
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

SLOW = re.compile(
    r"""tests/(
        chaos/test_chaos | e2e/ | servers/                # whole servers, browsers and jobs
        | simulation/test_(exhaustive|mutants|random)     # every schedule
        | (django|outbox)/test_crashes                    # many processes that die
        | core/test_(concurrency|drain_command|lifetimes|stopped|workers)  # storms, programs that are started or stopped
        | stores/(test_one_budget|test_copying_live|sqlite/test_(forks|rotation))
        | (stores/sqlite/test_concurrency|core/provisioning/test_races)\.py::.*(process|kill_9)  # many processes
    )""",
    re.VERBOSE,
)
REDIS = re.compile("redis|valkey", re.IGNORECASE)
POSTGRES = re.compile("postgres|pgbouncer", re.IGNORECASE)
BROWSER = re.compile(r"tests/(e2e/|emulator/test_page)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need: their path, parameters and fixtures name it."""
    for item in items:
        names = [item.nodeid, *getattr(item, "fixturenames", ())]
        if SLOW.search(item.nodeid):
            item.add_marker("slow")
        if any(REDIS.search(name) for name in names):
            item.add_marker("redis")
        if any(POSTGRES.search(name) for name in names):
            item.add_marker("postgres")
        if BROWSER.search(item.nodeid):
            item.add_marker("browser")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let only marked tests start Redis or PostgreSQL, so that `-m "not redis and not postgres"` needs none."""
    redis_server.is_allowed = item.get_closest_marker("redis") is not None
    postgres_server.is_allowed = item.get_closest_marker("postgres") is not None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Make a skipped test a failure in CI, where everything that tests need has to be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter is not None else 0
    if reporter is not None and os.environ.get("CI") and skipped:
        reporter.write_line(f"\n{skipped} skipped, which is a failure in CI.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def no_work_left_undone() -> Iterator[None]:
    """Close what scripted worlds left in the background."""
    yield
    close_background()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A local Monite on a port of its own, with a limit that is not in the way."""
    with serve(Monite(requests_per_second=100_000)) as running:
        yield running


@pytest.fixture
def emulated(emulator: Emulator) -> Settings:
    """Settings for that Monite."""
    return Settings(
        client_id=DEMO_CLIENT_ID,
        client_secret=DEMO_CLIENT_SECRET,
        base_url=emulator.api_url,
        requests_per_second=100_000,
    )


@pytest.fixture
def broker(emulated: Settings) -> Iterator[TokenBroker]:
    """A broker for that Monite, which knows an accountant and a viewer."""
    with TokenBroker(emulated, PEOPLE) as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an `async def` test on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True
