"""`monite-auth check`, `drain` and `end-user`: where the broker comes from. What they do: tests/integrations/test_commands.py."""

import sys

import pytest
from click.testing import CliRunner

from monite_auth.cli.plain import monite_auth as app
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

SHOP = """
from monite_auth import EntityUser, Settings, TokenBroker

class state:
    broker = TokenBroker(Settings.from_env(), {"anna": EntityUser("%s", "%s")})

nothing = 1
"""


@pytest.fixture
def environ(emulator, tmp_path, monkeypatch):
    monkeypatch.setenv("MONITE_BASE_URL", emulator.api_url)
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", DEMO_CLIENT_SECRET)
    monkeypatch.setenv("MONITE_STORE_URL", f"sqlite:///{tmp_path}/tokens.db")
    return monkeypatch


@pytest.fixture
def shop(environ, tmp_path):
    """The directory of an application, where its developer stands."""
    (tmp_path / "shop_of_this_test.py").write_text(SHOP % (ANNA_ID, BAKERY_ID))
    (tmp_path / "broken_shop_of_this_test.py").write_text("import nothing_like_it\n")
    environ.chdir(tmp_path)
    environ.setattr("sys.path", sys.path[:])
    yield
    for name in ("shop_of_this_test", "broken_shop_of_this_test"):
        sys.modules.pop(name, None)


def command(*arguments):
    return CliRunner().invoke(app, arguments)


def test_without_an_application_the_environment_has_the_settings(environ, emulator):
    result = command("check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert emulator.api_url in result.stdout
    assert DEMO_CLIENT_SECRET not in result.stdout
    assert command("end-user", "anna").stdout == "Every session of user anna has ended.\n"


def test_a_user_is_looked_up_in_the_directory_of_the_application(shop):
    result = command("check", "--user", "anna", "--app", "shop_of_this_test:state.broker")
    assert (result.exit_code, result.stderr) == (0, "")
    assert ANNA_ID in result.stdout
    assert result.stdout.endswith("Monite gives them a token, and says the same.\n")
    before_the_verb = command("--app", "shop_of_this_test:state.broker", "check", "--user", "anna")
    assert before_the_verb.exit_code == 0
    assert before_the_verb.stdout.endswith("Monite gives them a token, and says the same.\n")


def test_a_user_needs_an_application(environ):
    result = command("check", "--user", "anna")
    assert result.exit_code == 64
    assert "--app module:broker" in result.stderr


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("shop_of_this_test", 64, "--app is module:broker"),
        ("shop_of_this_test:", 64, "--app is module:broker"),
        ("no_such_module:broker", 1, "there is no no_such_module"),
        ("shop_of_this_test.inside:broker", 1, "there is no shop_of_this_test.inside"),
        ("shop_of_this_test:state.no_such_broker", 1, "there is no no_such_broker"),
        ("shop_of_this_test:nothing", 1, "is an int and no TokenBroker"),
    ],
)
def test_a_wrong_application_is_told_without_a_traceback(shop, path, code, says):
    result = command("drain", "--app", path)
    assert result.exit_code == code
    assert says in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_mistake_of_the_applications_own_keeps_its_traceback(shop):
    result = command("drain", "--app", "broken_shop_of_this_test:broker")
    assert isinstance(result.exception, ModuleNotFoundError)
    assert result.exception.name == "nothing_like_it"
