"""The pytest plugin, as the people see it who use it: small suites, run by pytest, and what they print."""

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import monite_auth.testing.local  # noqa: F401 - so that the suites of pytester do not import it again each time

pytest_plugins = ["pytester"]

PLUGIN = "monite_auth.pytest_plugin"
IS_INSTALLED = any(each.value == PLUGIN for each in entry_points(group="pytest11"))
WITHOUT_ASYNCIO = ("-p", "no:asyncio")
GIVEN = () if IS_INSTALLED else ("-p", PLUGIN)
"""Arguments that load the plugin where the environment is older than its entry point."""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a suite of one file in this process; `options` are pytest's."""
    for name in [each for each in os.environ if each.startswith("MONITE_")]:
        monkeypatch.delenv(name)

    def run(code, *options, coroutines=WITHOUT_ASYNCIO):
        pytester.makepyfile(code)
        given = (*GIVEN, *coroutines, *options)
        return pytester.runpytest_inprocess("-W", "error", "--strict-markers", *given)

    return run


def text_of(result):
    """Return what pytest has printed about failures, without the file's name and line."""
    return "\n".join(line.removeprefix("E").strip() for line in result.outlines if line.startswith("E "))


LOGOUT = """
def test_a_logout(monite_broker, monite_user, monite_ledger):
    anna = monite_user.principal
    token = monite_broker.token(anna)
    monite_ledger.assert_live(token)
    assert monite_broker.client(anna).get("/payables").json()["data"]
    monite_ledger.assert_used(token)
    monite_ledger.assert_minted(monite_user)
    monite_broker.logout(anna)
    monite_ledger.assert_revoked(token)
    monite_ledger.assert_no_live_tokens(monite_user)
"""


def test_a_suite_tells_what_became_of_a_token(run):
    run(LOGOUT).assert_outcomes(passed=1)


def test_each_test_has_a_monite_of_its_own_at_the_same_address(run):
    code = """
    import pytest

    addresses = set()

    @pytest.mark.parametrize("time", [1, 2])
    def test_it(time, monite_emulator, monite_broker, monite_user, monite_ledger, monite_clock):
        assert monite_ledger.tokens() == []
        assert monite_clock.ahead == 0
        monite_broker.token(monite_user.principal)
        monite_clock.advance(100)
        addresses.add(monite_emulator.api_url)
        assert len(addresses) == 1
    """
    run(code).assert_outcomes(passed=2)


def test_an_application_finds_it_by_the_environment_while_a_test_lasts(run, monkeypatch):
    monkeypatch.setenv("MONITE_CLIENT_ID", "of the developer")
    monkeypatch.setenv("MONITE_ENVIRONMENT", "eu")
    code = """
    import os
    from monite_auth import Settings, TokenBroker

    def test_a_broker_of_the_application(monite_emulator, monite_users, monite_ledger):
        assert "MONITE_ENVIRONMENT" not in os.environ
        viewer = monite_users("Viewer")
        with TokenBroker(Settings.from_env(), {"v": viewer.entity_user}) as broker:
            from monite_auth import Principal
            broker.token(Principal("v", session_id="1"))
        monite_ledger.assert_minted(viewer)

    def test_afterwards_the_environment_is_as_it_was():
        assert os.environ["MONITE_CLIENT_ID"] == "of the developer"
        assert os.environ["MONITE_ENVIRONMENT"] == "eu"
        assert "MONITE_BASE_URL" not in os.environ
    """
    run(code).assert_outcomes(passed=2)


def test_an_application_that_is_imported_with_the_tests_finds_it_too(run, pytester):
    pytester.makeini("[pytest]\nmonite_emulator_early = true")
    pytester.makeconftest("from monite_auth import Settings; SETTINGS = Settings.from_env()")
    code = """
    import os
    from conftest import SETTINGS
    from monite_auth import Settings

    def test_it(monite_emulator):
        assert SETTINGS.base_url == monite_emulator.api_url == Settings.from_env().base_url

    def test_between():
        assert SETTINGS.base_url == os.environ["MONITE_BASE_URL"]
    """
    run(code).assert_outcomes(passed=2)
    assert "MONITE_BASE_URL" not in os.environ


def test_the_marker_sets_options_and_the_nearest_one_wins(run):
    code = """
    import pytest

    pytestmark = pytest.mark.monite(token_life=60, requests_per_second=7)

    @pytest.mark.monite(token_life=90)
    def test_it(monite_emulator, monite_broker, monite_user):
        assert monite_emulator.monite.requests_per_second == 7
        assert 60 < monite_broker.token(monite_user.principal).expires_in <= 90
    """
    run(code).assert_outcomes(passed=1)


def test_a_user_has_the_role_of_the_marker(run):
    code = """
    import pytest
    from monite_auth.rbac import Role

    @pytest.mark.monite_role(role="Clerk")
    def test_by_the_name_of_the_argument(monite_user):
        assert monite_user.role == "Clerk"

    def may(broker, user, action):
        return broker.can(user.principal, "payable", action)

    @pytest.mark.monite_role("Viewer")
    def test_by_name(monite_broker, monite_user):
        assert may(monite_broker, monite_user, "read") and not may(monite_broker, monite_user, "create")

    @pytest.mark.monite_role({"payable": ["create"], "tag": "read"})
    def test_by_permissions(monite_broker, monite_user):
        assert may(monite_broker, monite_user, "create") and not may(monite_broker, monite_user, "read")

    @pytest.mark.monite_role(Role("Buyer", {"payable": {"read": "allowed_for_own"}}))
    def test_by_a_role_of_the_application(monite_broker, monite_user):
        assert monite_user.role == "Buyer"
        assert monite_broker.client(monite_user.principal).get("/payables").json()["data"] == []

    def test_several(monite_users, monite_broker):
        one, other = monite_users("Viewer"), monite_users("Viewer")
        assert one != other
        assert monite_broker.token(one.principal) != monite_broker.token(other.principal)
    """
    run(code).assert_outcomes(passed=5)


@pytest.mark.parametrize(
    ("marker", "fixture", "says"),
    [
        ('monite_role("Boss")', "monite_user", "no role 'Boss' in this Monite: use one of Accountant, Clerk"),
        ("monite_role()", "monite_user", "monite_role takes one role: a name, "),
        ('monite_role("Viewer", "Clerk")', "monite_user", "monite_role takes one role: a name, "),
        ('monite_role("Viewer", role="Clerk")', "monite_user", "monite_role takes one role: a name, "),
        ('monite_role(name="Viewer")', "monite_user", "monite_role takes one role: a name, "),
        ("monite_role(None)", "monite_user", "monite_role: .*None"),
        ("monite_role(7)", "monite_user", "monite_role: .*a mapping of object types, not int"),
        (
            "monite(seed=False)",
            "monite_user",
            "monite_user: There is no role 'Accountant' in this Monite: its seed has none, so give permissions",
        ),
        (
            "monite(60)",
            "monite_emulator",
            "monite takes options by their names, such as token_life=60, and not 60",
        ),
        ('monite(token_life="60")', "monite_emulator", "token_life is a number of seconds, .* and not '60'"),
        ('monite(seed={"partners": [{"colour": 1}]})', "monite_emulator", "options of .*colour"),
        (
            'monite(seed=__import__("pathlib").Path("missing.yaml"))',
            "monite_emulator",
            "options of .*missing.yaml",
        ),
        ('monite_role({"payable": ["eat"]})', "monite_user", "payable: .*eat"),
        ("monite(token_lief=1)", "monite_emulator", "options of monite_auth.emulator.Monite: .*'token_lief'"),
    ],
)
def test_a_wrong_marker_says_what_is_wrong_and_shows_none_of_our_code(run, marker, fixture, says):
    result = run(f"import pytest\n\n@pytest.mark.{marker}\ndef test_it({fixture}): pass")
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert re.search(says, text)
    assert "Traceback" not in text
    assert "def monite_user(" not in text
    assert "monite_auth/" not in text


def test_the_clock_ends_tokens_and_the_broker_goes_by_it(run):
    code = """
    def test_it(monite_broker, monite_user, monite_clock, monite_ledger):
        first = monite_broker.token(monite_user.principal)
        monite_clock.advance(1801)
        assert monite_broker.token(monite_user.principal) != first
        monite_ledger.assert_minted(monite_user, 2)
    """
    run(code).assert_outcomes(passed=1)


def test_faults_hit_the_application(run):
    code = """
    import pytest
    from monite_auth.emulator import Fault
    from monite_auth.errors import CredentialsRejected

    def test_it(monite_broker, monite_user, monite_faults):
        monite_faults.add(Fault(kind="status", path="/auth/token", status=401))
        with pytest.raises(CredentialsRejected):
            monite_broker.token(monite_user.principal)
    """
    run(code).assert_outcomes(passed=1)


ASYNC = """
import pytest

pytestmark = pytest.mark.{marker}
{backend}

async def test_a_logout(monite_broker, monite_user, monite_ledger):
    anna = monite_user.principal
    token = await monite_broker.atoken(anna)
    await monite_broker.alogout(anna)
    await monite_ledger.aassert_revoked(token)
    await monite_ledger.aassert_no_live_tokens()

async def test_an_assertion_that_cannot_wait_says_so(monite_broker, monite_user, monite_ledger):
    token = await monite_broker.atoken(monite_user.principal)
    with pytest.raises(AssertionError, match="await its twin"):
        monite_ledger.assert_revoked(token, within=600)
    with pytest.raises(AssertionError, match="is live"):
        await monite_ledger.aassert_revoked(token, within=0.01)
"""


def test_coroutines_run_by_anyio(run):
    backend = "@pytest.fixture\ndef anyio_backend(): return 'asyncio'"
    run(ASYNC.format(marker="anyio", backend=backend)).assert_outcomes(passed=2)


def test_coroutines_run_by_pytest_asyncio(run):
    pytest.importorskip("pytest_asyncio", reason="it is in the group `test`: make the environment again")
    scope = ("-o", "asyncio_default_fixture_loop_scope=function")
    run(ASYNC.format(marker="asyncio", backend=""), coroutines=scope).assert_outcomes(passed=2)


FAILING = """
import pytest

@pytest.fixture
def token(monite_broker, monite_user, monite_clock, secrets):
    monite_clock.freeze()  # so that the table says the same on a machine that is busy
    return monite_broker.token(monite_user.principal)

@pytest.fixture
def secrets(monite_ledger, request):
    yield
    (request.config.rootpath / "secrets").write_text("\\n".join(each.value for each in monite_ledger.tokens()))

def test_it(monite_broker, monite_user, monite_ledger, monite_clock, token):
    {statement}
"""

LIVE = """
1 token was minted:
#  token  of            state  minted   ends       used  refused
1  ?????  Accountant 1  live   0 s ago  in 1800 s  0     0
"""


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "monite_ledger.assert_revoked(token, within=0)",
            f"AssertionError: Token 1 (?????) of Accountant 1 is live. It should be revoked.{LIVE}",
        ),
        (
            "monite_ledger.assert_no_live_tokens(within=0)",
            f"AssertionError: 1 token is live (number 1). None should be.{LIVE}",
        ),
        (
            "monite_ledger.assert_no_live_tokens(monite_user, within=0)",
            f"AssertionError: 1 token is live of Accountant 1 (number 1). None should be.{LIVE}",
        ),
        (
            "monite_ledger.assert_used(token)",
            f"AssertionError: Token 1 (?????) of Accountant 1 is live. It should have been used, and never was.{LIVE}",
        ),
        (
            "monite_ledger.assert_minted(monite_user.entity_user_id, 2)",
            f"AssertionError: 1 token was minted for Accountant 1. There should be 2.{LIVE}",
        ),
        (
            "monite_ledger.assert_revoked('of another Monite', within=0)",
            f"AssertionError: That token was never minted here.{LIVE}",
        ),
        (
            "monite_clock.advance(1900); monite_ledger.assert_live(token.value.reveal())",
            """AssertionError: Token 1 (?????) of Accountant 1 has expired. It should be live.
1 token was minted:
#  token  of            state    minted      ends       used  refused
1  ?????  Accountant 1  expired  1900 s ago  100 s ago  0     0""",
        ),
        (
            "monite_broker.logout(monite_user.principal); monite_ledger.assert_revoked(token); monite_ledger.assert_live(token)",
            """AssertionError: Token 1 (?????) of Accountant 1 has been revoked. It should be live.
1 token was minted:
#  token  of            state    minted   ends     used  refused
1  ?????  Accountant 1  revoked  0 s ago  0 s ago  0     0""",
        ),
    ],
)
def test_a_failure_shows_a_table_and_no_secret(run, pytester, statement, says):
    result = run(FAILING.format(statement=statement), "-vv", "--showlocals", "--tb=long")
    result.assert_outcomes(failed=1)
    shown = re.sub(r"…[\w-]{4}", "?????", text_of(result))
    assert shown == says.strip()
    (secret,) = (pytester.path / "secrets").read_text().split()
    assert secret not in result.stdout.str()
    assert "demo-secret" not in result.stdout.str()
    assert "local/ledger.py" not in result.stdout.str()


@pytest.mark.parametrize(
    "how", ["monite_ledger.tokens", "monite_ledger.assert_minted", "monite_ledger.assert_no_live_tokens"]
)
def test_a_name_with_a_typo_is_a_failure_that_shows_none_of_our_code(run, how):
    result = run(f"def test_it(monite_user, monite_ledger):\n    {how}('accountant-1')")
    result.assert_outcomes(failed=1)
    assert "ValueError: This Monite has no entity user 'accountant-1', and never had. It has:" in text_of(
        result
    )
    assert "testing/local/" not in result.stdout.str()


def test_the_table_is_bounded(run):
    code = """
    def test_it(monite_emulator, monite_ledger):
        assert str(monite_ledger) == "No token was minted."
        for _ in range(22):
            monite_emulator.monite.mint(None, "the client ID")
        assert repr(monite_ledger) == "<ledger of 22 tokens, 22 live>"
        counted, headings, *rows = str(monite_ledger).splitlines()
        assert counted == "22 tokens were minted; these are the last 20:"
        assert [row.split()[0] for row in rows] == [str(number) for number in range(3, 23)]
        assert all("the partner" in row for row in rows)
    """
    run(code).assert_outcomes(passed=1)


def test_each_worker_of_xdist_has_its_own(run, pytester):
    pytest.importorskip("xdist", reason="it is in the group `test`: make the environment again")
    pytester.makeini("[pytest]\nmonite_emulator_early = true")
    code = """
    import os, pathlib, pytest

    BEFORE = os.environ["MONITE_BASE_URL"]

    @pytest.mark.parametrize("number", range(40))
    def test_it(number, monite_emulator, monite_broker, monite_user, monite_ledger, worker_id, pytestconfig, caplog):
        assert monite_emulator.api_url == BEFORE
        token = monite_broker.token(monite_user.principal)
        assert [each.entity_user_id for each in monite_ledger.tokens()] == [monite_user.entity_user_id]
        monite_broker.logout(monite_user.principal)
        monite_ledger.assert_revoked(token)
        assert caplog.messages == []  # such as one that warns of several workers of a server
        pathlib.Path(pytestconfig.rootpath / f"{worker_id}.url").write_text(BEFORE)
    """
    run(code, "-n", "2").assert_outcomes(passed=40)
    addresses = [each.read_text() for each in pytester.path.glob("gw*.url")]
    assert len(set(addresses)) == len(addresses) == 2


def python(code, *arguments, without=()):
    """Run code in a Python that cannot import some packages."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({without!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", hide + code, *arguments], capture_output=True, text=True, check=False
    )


def test_the_plugin_costs_nothing_while_no_test_uses_it(pytester):
    pytester.makepyfile("def test_it(): pass")
    code = f"""
import pytest
before = set(sys.modules)
import {PLUGIN}
print(sorted(set(sys.modules) - before))
before = set(sys.modules)
assert pytest.main({[*GIVEN, *WITHOUT_ASYNCIO]}) == 0
print(sorted(each for each in sys.modules if each.split(".")[0] in ("monite_auth", "httpx", "fastapi", "starlette")))
"""
    printed = python(code).stdout.splitlines()
    assert printed[0] == printed[-1] == str(["monite_auth", "monite_auth.errors", PLUGIN])


def test_the_plugin_is_quiet_without_the_extra_until_a_fixture_is_used(pytester):
    pytester.makepyfile("def test_it(): pass\n\ndef test_other(monite_ledger): pass")
    code = f"import pytest; pytest.main({[*GIVEN, *WITHOUT_ASYNCIO]})"
    result = python(code, without=("fastapi", "uvicorn"))
    assert "1 passed, 1 error" in result.stdout
    assert "pip install 'monite-auth[emulator]'" in result.stdout
    assert "Traceback" not in result.stdout
    assert result.stderr == ""
