"""`store copy`: from the command line, with secrets left out of it."""

import pytest

from monite_auth import Principal, Settings, TokenBroker
from monite_auth.cli import USAGE
from monite_auth.cli.results import FAILED
from monite_auth.emulator import ANNA_ID
from monite_auth.errors import SessionEnded
from tests.people import PEOPLE
from tests.waiting import until

ANNA = Principal("anna", session_id="a login of hers")
GONE = Principal("anna", session_id="an ended login of hers")


@pytest.fixture
def urls(environ, emulator, tmp_path):
    """Names of variables that hold the two URLs. In the old store somebody has logged in."""
    with broker_on(environ, f"sqlite:///{tmp_path}/old.db") as old:
        old.login(ANNA)
    environ.setenv("OLD_URL", f"sqlite:///{tmp_path}/old.db")
    environ.setenv("NEW_URL", f"sqlite:///{tmp_path}/new.db")
    return "OLD_URL", "NEW_URL"


def broker_on(environ, url):
    environ.setenv("MONITE_STORE_URL", url)
    return TokenBroker(Settings.from_env(), PEOPLE)


def test_a_site_moves_from_one_store_to_another(urls, environ, tmp_path, command, emulator):
    with broker_on(environ, f"sqlite:///{tmp_path}/old.db") as old:
        old.token(ANNA)
        old.login(GONE)
        old.logout(GONE)
        old.token(ANNA)
        said = command("store", "copy", *urls)
        assert (said.exit_code, said.stderr) == (0, "")
        assert said.stdout.startswith("New to NEW: 1 endings, 1 sessions that go on, ")
        assert "Copy again" in said.stdout
    said = command("store", "copy", *urls, "--last")
    assert "OLD has no tokens any more" in said.stdout
    with broker_on(environ, f"sqlite:///{tmp_path}/new.db") as new:
        until(lambda: new.drain().next_in is None)
        assert emulator.monite.ledger.live(ANNA_ID) == []
        new.token(ANNA)
        with pytest.raises(SessionEnded):
            new.token(GONE)


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:secret-word@127.0.0.1/0",
        "redis://:secret-word@127.0.0.1/0",
        "postgresql://db/app?password=secret-word",
        "rediss+sentinel://s1,s2/mymaster?sentinel_password=secret-word",
    ],
)
@pytest.mark.parametrize("place", ["old", "new"])
def test_a_url_with_a_password_is_not_taken_from_the_command_line(urls, command, url, place):
    given = (url, urls[1]) if place == "old" else (urls[0], url)
    said = command("store", "copy", *given)
    assert said.exit_code == USAGE
    assert f"{place.upper()} holds a password" in said.stderr
    assert "secret-word" not in said.output


@pytest.mark.parametrize("given", ["NO_SUCH_VARIABLE", "", "tokens.db"])
def test_what_is_neither_a_url_nor_a_variable_is_a_usage_error(urls, command, given):
    said = command("store", "copy", given, urls[1])
    assert said.exit_code == USAGE
    assert "OLD is the URL of a store" in said.stderr


@pytest.mark.parametrize("pair", [("memory://", "NEW_URL"), ("OLD_URL", "memory://")])
@pytest.mark.usefixtures("urls")
def test_the_memory_of_a_process_is_refused(command, pair):
    said = command("store", "copy", *pair)
    assert said.exit_code == FAILED
    assert "memory:// cannot be copied" in said.stderr


def test_a_store_that_cannot_be_reached_fails_without_its_password(urls, environ, command):
    environ.setenv("NEW_URL", "redis://user:secret-word@127.0.0.1:1/0")
    said = command("store", "copy", *urls)
    assert said.exit_code == FAILED
    assert "secret-word" not in said.output


def test_a_mistyped_store_is_no_empty_one(urls, command, tmp_path):
    said = command("store", "copy", f"sqlite:///{tmp_path}/odl.db", urls[1])
    assert said.exit_code == FAILED
    assert "has nothing of this account" in said.stderr


def test_a_store_is_not_copied_into_itself(urls, command):
    said = command("store", "copy", urls[0], urls[0])
    assert said.exit_code == FAILED
    assert "same store" in said.stderr
