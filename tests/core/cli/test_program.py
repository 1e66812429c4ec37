"""`monite-auth` as a program: its entry point, its completion, and the verbs that run for a while."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import entry_points

import pytest
from click.testing import CliRunner

from monite_auth import TokenBroker
from monite_auth.cli.application import Application
from monite_auth.cli.plain import monite_auth
from monite_auth.cli.verbs import command_group
from monite_auth.emulator import Fault
from tests.core.cli.shop import shop
from tests.environment import environment_with


def program(*arguments, **environ):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "monite_auth", *arguments],
        env=environment_with(environ),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_entry_point_is_the_program():
    (found,) = entry_points(group="console_scripts", name="monite-auth")
    assert found.value == "monite_auth.__main__:main"
    assert program("--version").stdout == program("--version").stdout.strip() + "\n"


def test_help_has_all_verbs_in_the_order_in_which_they_belong_together():
    result = program("--help")
    assert (result.returncode, result.stderr) == (0, "")
    listed = [line.split()[0] for line in result.stdout.partition("Commands:\n")[2].splitlines()]
    assert listed == list(monite_auth.commands)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell):
    result = program("completion", shell)
    assert (result.returncode, result.stderr) == (0, "")
    assert "_MONITE_AUTH_COMPLETE" in result.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("monite-auth us", {"users"}),
        ("monite-auth users p", {"provision"}),
        ("monite-auth roles plan --d", {"--delete"}),
        ("monite-auth completion z", {"zsh"}),
    ],
)
def test_verbs_and_options_are_completed(typed, offered):
    words = typed.split()
    result = program(_MONITE_AUTH_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1))
    assert {line.partition(",")[2] for line in result.stdout.splitlines()} == offered


def test_a_missing_setting_is_told_by_its_name_and_without_a_traceback():
    result = program("check")
    assert result.returncode == 1
    assert "MONITE_CLIENT_ID is missing" in result.stderr
    assert "Traceback" not in result.stderr
    told = json.loads(program("check", "--json").stderr)["error"]
    assert (told["code"], "MONITE_CLIENT_ID" in told["message"]) == ("configuration", True)


def test_check_tells_a_misspelled_variable_and_whatever_else_the_log_warns_of(read, environ, emulator):
    asked = program("check", **os.environ, MONITE_STORE_URI="redis://redis:6379/0")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert asked.stdout.startswith("Warning: MONITE_STORE_URI")
    told = json.loads(program("check", "--json", **os.environ, MONITE_STORE_URI="x").stdout)["checks"][0]
    assert (told["name"], told["level"], "MONITE_STORE_URL" in told["message"]) == ("log", "warning", True)


def test_an_error_that_the_log_has_too_is_told_once(app, emulator):
    emulator.monite.faults.add(Fault(kind="status", status=404, path="/auth/token"))
    result = program("check", "--json", **os.environ)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    code = json.loads(result.stderr)["error"]["code"]
    assert all(code not in str(each) for each in json.loads(result.stdout)["checks"])


def test_the_demo_tells_the_life_of_one_token(command, read):
    assert "Monite was asked for 1" in command("demo").stdout
    told = read("demo").data
    assert (told["requests"], told["minted"], told["after_logout"], told["alive"]) == (
        20,
        1,
        "session_ended",
        0,
    )


class Watched(Application):
    """Somebody who presses Ctrl-C after three readings."""

    def __init__(self, broker=None):
        self.slept = []
        self.watched = broker

    def broker(self):
        return self.watched or shop.broker

    def sleep(self, seconds):
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise KeyboardInterrupt


def test_status_is_watched_until_ctrl_c(app):
    watched = Watched()
    group = command_group(watched, name="test", help="A test.")
    result = CliRunner().invoke(group, ["status", "--watch", "--every", "7", "--json"])
    assert result.exit_code == 0
    assert watched.slept == [7, 7, 7]
    assert [json.loads(line)["pending"] for line in result.stdout.splitlines()] == [0, 0, 0]


def test_the_watch_goes_on_while_the_store_is_down(emulated):
    down = TokenBroker(replace(emulated, store_url="redis://127.0.0.1:1/0", deadline=1), {})
    group = command_group(Watched(down), name="test", help="A test.")
    result = CliRunner().invoke(group, ["status", "--watch", "--json"])
    assert result.exit_code == 0
    seen = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["store"], each["pending"]) for each in seen] == [("degraded", None)] * 3
    watched = Watched(TokenBroker(replace(emulated, store_url="redis://127.0.0.1:1/0", deadline=1), {}))
    told = CliRunner().invoke(command_group(watched, name="test", help="A test."), ["status", "--watch"])
    assert told.stdout.count("cannot be reached") == 3
    assert "token store" in told.stdout
