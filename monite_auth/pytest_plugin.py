"""The pytest plugin: fixtures for tests of applications that use Monite. Public; docs/testing.md is the guide.

pytest loads it in every project of an environment that has this package. So it imports nothing but pytest, and each fixture imports
what it needs when a test asks for it. `-p no:monite_auth` leaves it out.

| fixture | is |
|---|---|
| `monite_emulator` | a local Monite of the test's own, which the environment variables lead to: a LocalMonite |
| `monite_user` | a linked entity user, with the role of the marker `monite_role` |
| `monite_users` | makes more of them: `monite_users("Viewer")` |
| `monite_ledger` | what became of the tokens: LedgerAssertions |
| `monite_faults` | what goes wrong |
| `monite_clock` | the time of this Monite |
| `monite_settings` | Settings for it |
| `monite_broker` | a TokenBroker for it, which knows the entity users, and goes by its clock |
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from monite_auth import Settings, TokenBroker
    from monite_auth.emulator import Clock
    from monite_auth.emulator.faults.in_force import Faults
    from monite_auth.testing import LedgerAssertions, LocalMonite, MoniteUser, MoniteUsers

__all__ = [
    "monite_broker",
    "monite_clock",
    "monite_emulator",
    "monite_faults",
    "monite_ledger",
    "monite_settings",
    "monite_user",
    "monite_users",
]

EARLY = "monite_emulator_early"

MARKERS = (
    "monite(**options): options of the test's local Monite, as `monite_auth.emulator.Monite` has them: token_life=60, for example.",
    "monite_role(role): the role of `monite_user`: a name, a `monite_auth.rbac.Role`, or permissions such as {'payable': ['read']}.",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting of pytest's configuration file."""
    parser.addini(
        EARLY,
        "Start the emulator before conftest.py and the tests are imported, and put its address into the environment: "
        "for applications that read it when they are imported.",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


# Around those that import conftest.py, and Django's settings. In the old style: the new one needs pluggy 1.2.
@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Set the environment of an application that is imported with the tests."""
    if early_config.getini(EARLY):
        from monite_auth.testing.local.monite import environment_with, variables_of  # noqa: PLC0415 - when it is used
        from monite_auth.testing.local.stage import stage  # noqa: PLC0415 - when it is used

        whole_run = ExitStack()
        whole_run.enter_context(environment_with(variables_of(stage().url)))
        early_config.add_cleanup(whole_run.close)
    yield


@pytest.fixture
def monite_emulator(request: pytest.FixtureRequest) -> "Iterator[LocalMonite]":
    """A local Monite of the test's own: entities, people and bills, no tokens, no faults.

    `MONITE_BASE_URL`, `MONITE_CLIENT_ID` and `MONITE_CLIENT_SECRET` lead to it during the test. Its address stays the same in a run.
    The marker `monite` sets its options: `@pytest.mark.monite(token_life=60)`.
    """
    try:
        from monite_auth.testing import LocalMonite  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _failure(str(error)) from None
    options: dict[str, Any] = {}
    for marker in request.node.iter_markers("monite"):  # the nearest first
        if marker.args:
            given = ", ".join(map(repr, marker.args))
            raise _failure(
                f"@pytest.mark.monite takes options by their names, such as token_life=60, and not {given}."
            )
        options = {**marker.kwargs, **options}
    try:
        monite = LocalMonite(**options)
    except (TypeError, ValueError, OSError) as error:
        raise _failure(f"@pytest.mark.monite takes options of monite_auth.emulator.Monite: {error}") from None
    with monite:
        yield monite


@pytest.fixture
def monite_users(monite_emulator: "LocalMonite") -> "MoniteUsers":
    """Makes entity users of the test's Monite, each with a role: `monite_users("Viewer")`."""
    return monite_emulator.users


@pytest.fixture
def monite_user(request: pytest.FixtureRequest, monite_users: "MoniteUsers") -> "MoniteUser":
    """A linked entity user: an accountant, or what the marker `monite_role` says."""
    from monite_auth.errors import MoniteAuthError  # noqa: PLC0415 - when it is used

    marker = request.node.get_closest_marker("monite_role")
    roles = {} if marker is None else {**dict(enumerate(marker.args)), **marker.kwargs}
    if marker and (len(roles) != 1 or not roles.keys() <= {0, "role"}):
        raise _failure(
            "@pytest.mark.monite_role takes one role: a name, a monite_auth.rbac.Role, or permissions such as {'payable': ['read']}."
        )
    try:
        return monite_users(*roles.values())
    except (TypeError, ValueError, MoniteAuthError) as error:
        raise _failure(f"{'@pytest.mark.monite_role' if marker else 'monite_user'}: {error}") from None


@pytest.fixture
def monite_ledger(monite_emulator: "LocalMonite") -> "LedgerAssertions":
    """What became of every token: `monite_ledger.assert_no_live_tokens(monite_user)`."""
    return monite_emulator.ledger


@pytest.fixture
def monite_faults(monite_emulator: "LocalMonite") -> "Faults":
    """What goes wrong with Monite: `monite_faults.add(Fault(kind="status", status=503))`."""
    return monite_emulator.faults


@pytest.fixture
def monite_clock(monite_emulator: "LocalMonite") -> "Clock":
    """The time of this Monite, which ends its tokens: `monite_clock.advance(1800)`."""
    return monite_emulator.clock


@pytest.fixture
def monite_settings(monite_emulator: "LocalMonite") -> "Settings":
    """Settings of `monite_broker`. Override this fixture to change some: `Settings.from_env(token_scope="session")`."""
    from monite_auth import Settings  # noqa: PLC0415 - when it is used

    return Settings.from_env(monite_emulator.environ)


@pytest.fixture
def monite_broker(
    monite_settings: "Settings", monite_users: "MoniteUsers", monite_clock: "Clock"
) -> "Iterator[TokenBroker]":
    """A broker for the test's Monite, for threads and event loops. It knows the entity users that the test has made.

    It goes by `monite_clock`: when that is moved forward, it renews tokens as it would have at that time. It does not stop when that is
    frozen, and does not go back with it.
    """
    from monite_auth import TokenBroker  # noqa: PLC0415 - when it is used
    from monite_auth.testing.local.broker_clock import BrokerClock  # noqa: PLC0415 - when it is used

    with TokenBroker(monite_settings, monite_users.find, clock=BrokerClock(monite_clock)) as broker:
        yield broker


def _failure(text: str) -> BaseException:
    """Return the failure of a test that was written wrongly, shown without a traceback: our code is not what has to change."""
    return pytest.fail.Exception(text, pytrace=False)
