"""One contract for three command lines: `monite-auth`, `flask monite` and `manage.py` behave and print alike."""

import io
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from typer.testing import CliRunner

# This import sets Django up for the process, so it must come before all other imports of Django.
from tests.django.conftest import empty_database, make_user  # isort: skip

from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

import monite_auth_django
from monite_auth import Principal, TokenBroker, errors
from monite_auth.cli import app as command_line
from monite_auth.emulator import ANNA_ID, BAKERY_ID, Fault
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
        shop.broker = TokenBroker(settings, PEOPLE)

    def run(self, *arguments):
        found = CliRunner().invoke(command_line, [*arguments, "--app", STARTED_HERE])
        return Result(found.exit_code, found.stdout, found.stderr)

    def close(self):
        shop.broker.close()


class OfFlask:
    """Runs `flask monite`."""

    user = "anna"

    def __init__(self, settings):
        self.broker = TokenBroker(settings, PEOPLE)
        self.app = app_of(self.broker)

    def run(self, *arguments):
        found = self.app.test_cli_runner().invoke(args=["monite", *arguments])
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

    def run(self, command, *arguments):
        out = io.StringIO()
        try:
            call_command("monite_" + command.replace("-", "_"), *arguments, stdout=out, stderr=out)
        except CommandError as error:
            return Result(error.returncode, out.getvalue(), f"Error: {error}\n")
        return Result(0, out.getvalue(), "")

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
    assert result.out.splitlines()[-3:] == [
        f"Monite: {settings.base_url}, API version {settings.api_version}",
        "Tokens: sqlite, and the store answers",
        "Monite accepts the client ID and secret; its tokens live 30 minutes.",
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
    assert (result.code, result.err.splitlines()[-1]) == (2, "Error: --tenant is about a user: add --user.")


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
        2,
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


@pytest.mark.parametrize("command", ["drain", "end-user"])
def test_the_memory_of_other_processes_cannot_be_reached(commands_without_a_store, command):
    arguments = ["end-user", commands_without_a_store.user] if command == "end-user" else ["drain"]
    result = commands_without_a_store.run(*arguments)
    assert result.code == 1
    assert "MONITE_STORE_URL names no shared store" in result.err
