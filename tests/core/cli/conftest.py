"""`monite-auth` against a local Monite, as somebody with a shell runs it."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from monite_auth import Settings, TokenBroker
from monite_auth.cli.plain import monite_auth
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.core.cli.shop import SHOP, Links, shop


@pytest.fixture
def environ(emulator, tmp_path, monkeypatch):
    """Settings in the environment, as without an application."""
    monkeypatch.setenv("MONITE_BASE_URL", emulator.api_url)
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", DEMO_CLIENT_SECRET)
    monkeypatch.setenv("MONITE_STORE_URL", f"sqlite:///{tmp_path}/tokens.db")
    monkeypatch.setenv("MONITE_REQUESTS_PER_SECOND", "100000")
    return monkeypatch


@pytest.fixture
def command(environ):
    """Return a function that runs `monite-auth`."""

    def run(*arguments, stdin=None):
        found = CliRunner().invoke(monite_auth, [str(each) for each in arguments], input=stdin)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    return run


@pytest.fixture
def read(command):
    """Return a function that runs a verb with `--json`, and returns its exit code and its document."""

    def run(*arguments, stdin=None):
        found = command(*arguments, "--json", stdin=stdin)
        return SimpleNamespace(
            code=found.exit_code,
            data=json.loads(found.stdout) if found.stdout else None,
            error=json.loads(found.stderr)["error"] if found.stderr.startswith("{") else None,
        )

    return run


@pytest.fixture
def app(environ):
    """The arguments that name an application, whose directory can be told who somebody is."""
    shop.broker = TokenBroker(Settings.from_env(), Links())
    yield ("--app", SHOP)
    shop.broker.close()
