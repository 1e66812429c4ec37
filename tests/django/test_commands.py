"""Management commands."""

import io
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError, SystemCheckError

import monite_auth_django
from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID, VIKTOR_ID, Fault
from monite_auth_django.models import MoniteLink
from tests.django.conftest import live, make_user


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def shared_store(settings, monite_settings, tmp_path):
    settings(MONITE_AUTH={**monite_settings, "STORE_URL": f"sqlite:///{tmp_path}/tokens.db"})
    yield
    monite_auth_django.broker().drain()


# -- monite_check


def test_monite_check_asks_monite(emulator):
    out = run("monite_check")
    assert emulator.api_url in out
    assert "the store answers" in out
    assert "Monite accepts" in out


def test_monite_check_gets_a_token_for_a_user(anna, emulator):
    out = run("monite_check", "--user", "anna")
    assert f"anna is the entity user {ANNA_ID}" in out
    assert "Monite gives them a token, and says the same." in out
    with pytest.raises(CommandError, match="no entity user"):
        run("monite_check", "--user", "anna", "--tenant", "other")


def test_monite_check_reports_swapped_ids():
    make_user("anna").monite_links.create(entity_user_id=BAKERY_ID, entity_id=ANNA_ID)
    with pytest.raises(CommandError, match="are the two ids swapped"):
        run("monite_check", "--user", "anna")


def test_monite_check_reports_a_wrong_entity(anna):
    anna.monite_links.update(entity_id=BOOKS_ID)
    with pytest.raises(CommandError, match="works for the entity"):
        run("monite_check", "--user", "anna")


def test_monite_check_refuses_a_tenant_without_a_user():
    with pytest.raises(CommandError, match="add --user"):
        run("monite_check", "--tenant", "books")


def test_monite_check_fails_where_monite_refuses(emulator):
    emulator.monite.faults.add(Fault(kind="status", status=401, path="/auth/token"))
    with pytest.raises(CommandError, match="Check MONITE_CLIENT_ID"):
        run("monite_check")


def test_monite_check_fails_where_the_store_is_down(settings, monite_settings):
    settings(MONITE_AUTH={**monite_settings, "STORE_URL": "redis://127.0.0.1:1"})
    with pytest.raises(CommandError, match="cannot be reached"):
        run("monite_check")


def test_monite_check_runs_the_system_checks_first(settings):
    settings(MONITE_AUTH={})
    with pytest.raises(SystemCheckError, match="E003"):
        run("monite_check")


# -- monite_link


def test_monite_link_makes_changes_and_removes(emulator):
    user = make_user("anna")
    assert "is linked." in run("monite_link", "anna", ANNA_ID, BAKERY_ID)
    assert "linked anew" in run("monite_link", str(user.pk), VIKTOR_ID, BAKERY_ID)
    assert user.monite_links.get().entity_user.entity_user_id == VIKTOR_ID
    run("monite_link", "anna", ANNA_ID, BAKERY_ID, "--tenant", "books")
    assert MoniteLink.objects.count() == 2
    assert "not linked any more" in run("monite_link", "anna", "--remove")
    assert user.monite_links.get().tenant == "books"
    with pytest.raises(CommandError, match="is not linked"):
        run("monite_link", "anna", "--remove")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody", ANNA_ID, BAKERY_ID], "There is no user 'nobody'"),
        (["4711", ANNA_ID, BAKERY_ID], "There is no user '4711'"),
        (["anna"], "Give both"),
        (["anna", ANNA_ID], "Give both"),
        (["anna", ANNA_ID, BAKERY_ID, "--remove"], "Give both"),
        (["anna", "no-uuid", BAKERY_ID], "invalid UUID value"),
    ],
)
def test_monite_link_reports_mistakes(arguments, says):
    make_user("anna")
    with pytest.raises(CommandError, match=says):
        run("monite_link", *arguments)


# -- monite_end_user and monite_drain


def test_monite_end_user_ends_all_sessions(client, anna, emulator, shared_store):
    client.force_login(anna)
    client.get("/me")
    assert "Every session of user anna has ended." in run("monite_end_user", "anna")
    assert live(emulator) == 0
    assert client.get("/me").json()["error"]["code"] == "session_ended"


def test_monite_end_user_does_not_need_monite(client, anna, emulator, shared_store):
    client.force_login(anna)
    client.get("/me")
    emulator.monite.faults.add(Fault(kind="status", status=500, path="/auth/revoke"))
    assert "Revocations still pending: 1." in run("monite_end_user", "anna")
    emulator.monite.faults.clear()


def test_monite_drain_works_on_what_is_pending(client, anna, emulator, shared_store):
    assert run("monite_drain", "--within", "5").strip() == "settled 0, postponed 0, expired 0"


@pytest.mark.parametrize("command", [["monite_drain"], ["monite_end_user", "anna"]])
def test_the_memory_of_other_processes_cannot_be_reached(anna, command):
    with pytest.raises(CommandError, match=r"sqlite:///"):
        run(*command)


@pytest.mark.parametrize("command", [["monite_drain"], ["monite_end_user", "anna"]])
def test_commands_name_the_missing_setting(anna, settings, command):
    settings(MONITE_AUTH={})
    with pytest.raises(CommandError, match="MONITE_CLIENT_ID is missing"):
        run(*command)


# -- as a program


PROJECT = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "monite_auth_django"]
"""


@pytest.fixture
def manage(tmp_path):
    """Return a function that runs a management command of a small project, as `manage.py` does."""
    (tmp_path / "small_project.py").write_text(PROJECT)

    def run(*arguments):
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "django",
                *arguments,
                "--settings",
                "small_project",
                "--pythonpath",
                tmp_path,
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_command_explains_itself_with_what_its_verb_takes(manage):
    result = manage("monite_roles", "plan", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--delete" in result.stdout
    assert "Delete roles that the file does not have." in result.stdout


@pytest.mark.parametrize(
    "arguments", [["monite_token", "--nonsense"], ["monite_users"], ["monite_users", "show"]]
)
def test_arguments_that_mean_nothing_exit_with_64_and_without_a_traceback(manage, arguments):
    result = manage(*arguments)
    assert (result.returncode, result.stdout) == (64, "")
    assert "Traceback" not in result.stderr
