"""One contract for three command lines: `monite-auth`, `flask monite` and `manage.py` behave and print alike."""

import io
import json
import sys
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from click.testing import CliRunner

# This import sets Django up for the process, so it must come before all other imports of Django.
from tests.django.conftest import empty_database, make_user  # isort: skip

from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

import monite_auth_django
from monite_auth import Principal, TokenBroker, errors
from monite_auth.cli.plain import monite_auth as command_line
from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID, Fault
from tests.core.cli.shop import Links
from tests.integrations.contract_django import django_database
from tests.integrations.flask_apps import app_of
from tests.people import PEOPLE
from tests.waiting import until

STARTED_HERE = "tests.integrations.test_commands:shop.broker"
"""The `--app` argument by which the plain command line finds the application's broker."""


class Shop:
    """An application without a framework, found by `--app`."""

    broker: TokenBroker


shop = Shop()


@dataclass
class Result:
    code: int
    out: str
    err: str


class Plain:
    """Runs `monite-auth` with `--app`."""

    user = "anna"

    def __init__(self, settings):
        shop.broker = TokenBroker(settings, Links())

    def run(self, *arguments, stdin=""):
        found = CliRunner().invoke(command_line, [*arguments, "--app", STARTED_HERE], input=stdin)
        return Result(found.exit_code, found.stdout, found.stderr)

    def close(self):
        shop.broker.close()


class OfFlask:
    """Runs `flask monite`."""

    user = "anna"

    def __init__(self, settings):
        self.broker = TokenBroker(settings, Links())
        self.app = app_of(self.broker)

    def run(self, *arguments, stdin=""):
        found = self.app.test_cli_runner().invoke(args=["monite", *arguments], input=stdin)
        return Result(found.exit_code, found.stdout, found.stderr)

    def close(self):
        self.broker.close()


class OfDjango:
    """Runs `manage.py`."""

    def __init__(self, settings):
        self.override = override_settings(
            MONITE_AUTH={
                "CLIENT_ID": settings.client_id,
                "CLIENT_SECRET": settings.secret.reveal(),
                "BASE_URL": settings.base_url,
                "STORE_URL": settings.store_url,
                "DEADLINE": settings.deadline,
                "REQUESTS_PER_SECOND": settings.requests_per_second,
            }
        )
        self.override.enable()
        self.user = str(make_user("anna", ANNA_ID).pk)

    def run(self, command, *arguments, stdin=""):
        out, err, code, there = io.StringIO(), io.StringIO(), 0, sys.stdin
        sys.stdin = io.StringIO(stdin)
        try:
            call_command("monite_" + command.replace("-", "_"), *arguments, stdout=out, stderr=err)
        except SystemExit as end:
            code = end.code
        except CommandError as error:
            code = error.returncode
            err.write(f"Error: {error}\n")
        finally:
            sys.stdin = there
        return Result(code, out.getvalue(), err.getvalue())

    def close(self):
        monite_auth_django.broker().close()
        self.override.disable()
        empty_database()


FRAMEWORKS = {"plain": Plain, "flask": OfFlask, "django": OfDjango}


@pytest.fixture(scope="module")
def database():
    with django_database():
        yield


@pytest.fixture
def changes():
    """The settings that differ from the defaults of these tests."""
    return {}


@pytest.fixture
def settings(emulated, tmp_path, changes):
    return replace(emulated, store_url=f"sqlite:///{tmp_path}/tokens.db", **changes)


@pytest.fixture
def open_at(request, database):
    """Return a function that opens a command line, of a framework or plain, with given settings."""
    opened = []

    def at(name, settings):
        opened.append(FRAMEWORKS[name](settings))
        return opened[-1]

    yield at
    for each in opened:
        each.close()


@pytest.fixture(params=FRAMEWORKS)
def commands(request, open_at, settings):
    return open_at(request.param, settings)


@pytest.fixture(params=FRAMEWORKS)
def commands_without_a_store(request, open_at, emulated):
    return open_at(request.param, emulated)


@pytest.fixture
def server(settings, commands):
    """Another process of the application, with the same store."""
    with TokenBroker(settings, {commands.user: PEOPLE["anna"]}) as running:
        yield running


def session_of(commands):
    return Principal(commands.user, session_id=uuid4().hex)


def test_check_reports_what_works(commands, settings):
    result = commands.run("check")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-7:] == [
        f"Monite: {settings.base_url}, API version {settings.api_version}",
        "Tokens: sqlite, and the store answers",
        "Warning: Logouts in an outage of the store die with the process: set MONITE_JOURNAL_DIRECTORY.",
        "Monite accepts the client ID and secret; its tokens live 30 minutes.",
        "Monite answers in this version of its API.",
        "This machine's clock and Monite's agree within 5 s.",
        "Monite's request limit is 100000/s.",
    ]
    assert settings.secret.reveal() not in result.out


def test_check_of_a_user_compares_the_directory_and_monite(commands):
    result = commands.run("check", "--user", commands.user)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-2:] == [
        f"{commands.user} is the entity user {ANNA_ID} of the entity {BAKERY_ID}, says the directory.",
        "Monite gives them a token, and says the same.",
    ]


def test_check_of_a_tenant_without_a_user_is_a_wrong_argument(commands):
    result = commands.run("check", "--tenant", "books")
    assert (result.code, result.err.splitlines()[-1]) == (64, "Error: --tenant is about a user: add --user.")


def test_check_fails_where_monite_refuses_the_secret(commands, emulator):
    emulator.monite.faults.add(Fault(kind="status", status=401, path="/auth/token"))
    result = commands.run("check")
    assert result.code == 1
    assert result.err.startswith("Error: ")
    assert "Check MONITE_CLIENT_ID and MONITE_CLIENT_SECRET" in result.err
    assert "Traceback" not in result.err


def test_drain_revokes_pending_tokens_and_reports_how_many(commands, server, emulator):
    server.token(session_of(commands))
    emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/revoke"))
    server.end_user(commands.user)
    server.drain(within=1)
    emulator.monite.faults.clear()
    result = commands.run("drain", "--within", "60")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("settled ")
    assert result.out.count("\n") == 1
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))


def test_drain_takes_a_second_at_least(commands):
    result = commands.run("drain", "--within", "0")
    assert (result.code, result.err.splitlines()[-1]) == (
        64,
        "Error: --within is a number of seconds, and at least 1.",
    )


def test_promise_5_end_user_ends_every_session_and_revokes(commands, server, emulator):
    sessions = [session_of(commands), session_of(commands)]
    for each in sessions:
        server.token(each)
    result = commands.run("end-user", commands.user)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0] == f"Every session of user {commands.user} has ended."
    for each in sessions:
        with pytest.raises(errors.SessionEnded):
            server.token(each)
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))  # the server may still be revoking one of them


@pytest.mark.parametrize("changes", [{"deadline": 1}], ids=["impatient"])
def test_end_user_reports_pending_revocations(commands, server, emulator):
    server.token(session_of(commands))
    emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/revoke"))
    result = commands.run("end-user", commands.user)
    emulator.monite.faults.clear()
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[1] == (
        "Revocations still pending: 1. The servers go on with them, and so does the command drain."
    )


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_promise_7_end_user_fails_if_no_store_has_recorded_it(name, open_at, emulated):
    down = replace(emulated, store_url="redis://127.0.0.1:1/0", deadline=1)
    commands = open_at(name, down)
    result = commands.run("end-user", commands.user)
    assert result.code == 1
    assert result.out == ""
    assert "127.0.0.1:1" in result.err


@pytest.mark.parametrize("command", ["drain", "end-user", "status"])
def test_the_memory_of_other_processes_cannot_be_reached(commands_without_a_store, command):
    arguments = [command, commands_without_a_store.user] if command == "end-user" else [command]
    result = commands_without_a_store.run(*arguments)
    assert result.code == 1
    assert "MONITE_STORE_URL names no shared store" in result.err


def read(commands, *arguments, stdin=""):
    """Run a verb with `--json`, and return its exit code and what it says on stdout, or else on stderr."""
    result = commands.run(*arguments, "--json", stdin=stdin)
    return result.code, json.loads(result.out or result.err)


def test_a_token_is_masked_unless_it_is_to_be_revealed(commands, server, emulator):
    masked = commands.run("token", commands.user)
    assert (masked.code, masked.err) == (0, "")
    assert read(commands, "token", commands.user)[1]["fingerprint"] in masked.out
    (live,) = emulator.monite.ledger.live(ANNA_ID)
    assert live.value not in masked.out
    assert commands.run("token", commands.user, "--reveal").out == f"{live.value}\n"
    assert read(commands, "token", commands.user)[1]["token"] == "***"
    assert (
        server.token(session_of(commands)).value.reveal() == live.value
    )  # it is the one that the servers use


def test_without_a_user_it_is_the_partner(commands):
    code, token = read(commands, "token")
    assert (code, token["entity_user_id"]) == (0, None)
    assert "root over every entity" in commands.run("whoami").out


def test_whoami_is_what_monite_says(commands):
    code, me = read(commands, "whoami", commands.user)
    assert (code, me["entity_user_id"], me["entity_id"]) == (0, ANNA_ID, BAKERY_ID)
    assert (me["login"], me["role"], me["entity"]) == ("anna.becker", "Accountant", "Brightside Bakery GmbH")


def test_promise_5_a_logout_ends_the_session_whose_id_is_on_stdin(commands, server, emulator):
    one, other = session_of(commands), session_of(commands)
    for each in (one, other):
        server.token(each)
    result = commands.run("logout", commands.user, stdin=f"{one.session_id}\n")
    assert result.out.startswith(f"If user {commands.user} had a session with this id, it has ended.")
    assert (result.code, result.err) == (0, "")
    assert one.session_id not in result.out
    with pytest.raises(errors.SessionEnded):
        server.token(one)
    server.token(other)


def test_a_secret_that_is_not_on_stdin_is_asked_for_there(commands):
    for arguments in (["logout", commands.user], ["revoke"]):
        result = commands.run(*arguments)
        assert result.code == 64
        assert "no secret belongs among the arguments" in result.err
    assert commands.run("logout", commands.user, "a-session").code == 64


def test_a_token_that_has_leaked_is_revoked(commands, server, emulator):
    token = server.token(session_of(commands))
    result = commands.run("revoke", stdin=f"Bearer {token.value.reveal()}\n")
    assert (result.code, result.err) == (0, "")
    assert token.value.reveal() not in result.out
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert commands.run("revoke", stdin="no token\n").code == 64


def test_the_partner_token_is_revoked(commands, server, emulator):
    value = server.partner_token().value.reveal()
    assert commands.run("revoke", "--partner").code == 0
    until(lambda: value not in {token.value for token in emulator.monite.ledger.live()})


def test_panic_ends_everything_once_it_was_confirmed(commands, server, emulator):
    session = session_of(commands)
    server.token(session)
    refused = commands.run("panic", stdin="yes\n")
    assert (refused.code, refused.out) == (1, "")
    assert "Nothing has ended" in refused.err
    server.token(session)
    assert commands.run("panic", stdin="end everything\n").code == 0
    with pytest.raises(errors.SessionEnded):
        server.token(session)
    until(lambda: not emulator.monite.ledger.live())
    code, report = read(commands, "panic", "--yes")
    assert (code, report["sessions"]) == (0, 0)


def test_status_counts(commands, server, emulator):
    server.token(session_of(commands))
    code, status = read(commands, "status", "--user", commands.user)
    assert (code, status["store"], status["pending"], status["journal"]) == (0, "up", 0, 0)
    assert (status["live"], status["user_live"], status["oldest_pending"]) == (1, 1, None)
    assert (status["held_for"], status["rate"]) == (0, 100_000)
    assert "pending revocations" in commands.run("status").out


def test_a_link_is_kept_where_the_application_keeps_them(commands, emulator):
    result = commands.run("users", "link", commands.user, VIKTOR_ID, BAKERY_ID)
    assert (result.code, result.err) == (0, "")
    assert read(commands, "whoami", commands.user)[1]["login"] == "viktor.vogel"


def test_something_that_differs_exits_with_2(commands, tmp_path):
    file = tmp_path / "roles.toml"
    file.write_text("[roles.Clerk]\npayable = 'read'\n")
    code, planned = read(commands, "roles", "plan", str(file), "--entity", BAKERY_ID)
    assert (code, planned["changes"]) == (2, 1)


def test_an_error_is_json_where_the_result_would_have_been(commands, emulator):
    emulator.monite.faults.add(Fault(kind="status", status=401, path="/auth/token"))
    code, said = read(commands, "token")
    assert (code, said["error"]["code"]) == (1, "credentials_rejected")
    code, said = read(commands, "check")
    assert (code, said["ok"]) == (1, False)
    assert said["checks"][-1]["name"] == "journal"


@pytest.mark.parametrize(
    "arguments",
    [["token", "--no-such-option"], ["users", "nonsense"], ["entities", "show", "bakery"], ["users", "show"]],
)
def test_arguments_that_mean_nothing_exit_with_64(commands, arguments):
    result = commands.run(*arguments)
    assert (result.code, result.out) == (64, "")
    assert "Traceback" not in result.err
