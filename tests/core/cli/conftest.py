"""`monite-auth` against a local Monite, as somebody with a shell runs it."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from monite_auth import Settings, TokenBroker
from monite_auth.cli.plain import monite_auth
from tests.core.cli.shop import SHOP, Links, shop
from tests.environment import demo_settings


@pytest.fixture
def environ(emulator, tmp_path, monkeypatch):
    """Settings in the environment, as without an application."""
    for name, value in demo_settings(emulator.api_url, f"sqlite:///{tmp_path}/tokens.db").items():
        monkeypatch.setenv(name, value)
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
