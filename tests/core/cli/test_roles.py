"""`monite-auth roles`: what a file in version control says is what Monite has."""

import pytest

from monite_auth.emulator import BAKERY_ID, BOOKS_ID, Fault

FILE = """
[roles.Clerk]
payable = "read create"

[roles.Viewer]
payable = { read = "allowed_for_own" }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "roles.toml"
    path.write_text(FILE)
    return path


def roles_of(emulator, entity_id=BAKERY_ID):
    return {each.name: each for each in emulator.monite.directory.roles.all(entity_id)}


def test_a_plan_says_what_would_change_and_changes_nothing(command, emulator, file):
    before = [each.shown() for each in emulator.monite.directory.roles.all(BAKERY_ID)]
    result = command("roles", "plan", file, "--entity", BAKERY_ID)
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        f"In the entity {BAKERY_ID}:",
        "+ create the role 'Clerk'",
        "      payable.create: not_allowed -> allowed",
        "      payable.read: not_allowed -> allowed",
        "~ change the role 'Viewer'",
        "      payable.read: allowed -> allowed_for_own",
        "  leave, since the file does not have it, the role 'Accountant'",
        "  leave, since the file does not have it, the role 'Purchaser'",
        "  leave, since the file does not have it, the role 'Default'",
        "Roles to change: 2.",
    ]
    assert [each.shown() for each in emulator.monite.directory.roles.all(BAKERY_ID)] == before


def test_what_was_applied_needs_no_change_any_more(command, emulator, file):
    assert command("roles", "apply", file, "--entity", BAKERY_ID, "--yes").exit_code == 0
    assert {"Clerk", "Viewer", "Accountant"} <= roles_of(emulator).keys()
    assert command("roles", "plan", file, "--entity", BAKERY_ID).exit_code == 0
    again = command("roles", "apply", file, "--entity", BAKERY_ID)
    assert (again.exit_code, again.stdout) == (0, "Nothing to do: the roles are those of the file.\n")


def test_apply_asks_first(command, emulator, file):
    result = command("roles", "apply", file, "--entity", BAKERY_ID, stdin="n\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "+ create the role 'Clerk'" in result.stderr
    assert result.stderr.endswith("Error: Nothing was changed. With --yes nothing is asked.\n")
    assert "Clerk" not in roles_of(emulator)
    nobody_answers = command("roles", "apply", file, "--entity", BAKERY_ID, stdin="")
    assert nobody_answers.exit_code == 1
    assert nobody_answers.stderr.endswith("Error: Nothing was changed. With --yes nothing is asked.\n")
    assert "Clerk" not in roles_of(emulator)
    assert command("roles", "apply", file, "--entity", BAKERY_ID, stdin="y\n").exit_code == 0
    assert "Clerk" in roles_of(emulator)


def test_roles_are_deleted_only_if_that_is_said(command, read, emulator, file):
    command("roles", "apply", file, "--entity", BAKERY_ID, "--yes")
    assert "Purchaser" in roles_of(emulator)
    planned = read("roles", "plan", file, "--entity", BAKERY_ID, "--delete")
    assert planned.code == 2
    assert {each["role"] for each in planned.data["steps"] if each["do"] == "delete"} == {
        "Accountant",
        "Purchaser",
        "Default",
    }
    file.write_text("[roles.Viewer]\npayable = 'read'")
    in_use = read("roles", "apply", file, "--entity", BAKERY_ID, "--delete", "--yes")
    assert in_use.code == 1
    assert {each["role"]: "in use" in each["message"] for each in in_use.data["errors"]} == {
        "Accountant": True,
        "Purchaser": True,
        "Default": True,
    }
    assert "Clerk" not in roles_of(emulator)  # what Monite refuses stops nothing else
    told = command("roles", "apply", file, "--entity", BAKERY_ID, "--delete", "--yes")
    assert told.exit_code == 1
    assert "The role 'Purchaser' is in use." in told.stdout


def test_a_permission_that_the_file_takes_away_is_named_in_the_change(command, emulator, tmp_path):
    path = tmp_path / "roles.json"
    path.write_text('{"roles": {"Accountant": {"payable": "read"}}}')
    assert command("roles", "apply", path, "--entity", BAKERY_ID, "--yes").exit_code == 0
    granted = {
        (rule["object_type"], action["action_name"]): action["permission"]
        for rule in roles_of(emulator)["Accountant"].permissions["objects"]
        for action in rule["actions"]
    }
    assert granted["payable", "read"] == "allowed"
    assert granted["payable", "pay"] == "not_allowed"
    assert granted["counterpart", "delete"] == "not_allowed"


def test_the_entities_are_those_of_the_arguments_or_of_the_file_or_all(command, read, file):
    nowhere = command("roles", "plan", file)
    assert nowhere.exit_code == 64
    assert "In which entities?" in nowhere.stderr
    assert command("roles", "plan", file, "--all", "--entity", BAKERY_ID).exit_code == 64
    file.write_text(f'entities = ["{BOOKS_ID}"]\n{FILE}')
    assert {each["entity_id"] for each in read("roles", "plan", file).data["steps"]} == {BOOKS_ID}
    named = read("roles", "plan", file, "--entity", BAKERY_ID).data["steps"]
    assert {each["entity_id"] for each in named} == {BAKERY_ID}
    assert len({each["entity_id"] for each in read("roles", "plan", file, "--all").data["steps"]}) == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("roles = 1", "`roles` is a table for each role"),
        ("[roles", "it cannot be read"),
        ("[roles.Clerk]\npayable = 'reed'", "did you mean 'read'?"),
        ("[roles.Clerk]\npayables = 'read'", "did you mean 'payable'?"),
        ("rolls = 1\n[roles.Clerk]\npayable = 'read'", "'rolls' means nothing there"),
        (
            "entities = ['bakery']\n[roles.Clerk]\npayable = 'read'",
            "`entities` is a list of the ids of entities.",
        ),
        ("", "`roles` is a table"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_all_that_is(command, file, text, says):
    file.write_text(text)
    result = command("roles", "plan", file, "--entity", BAKERY_ID)
    assert result.exit_code == 1
    assert f"{file} is no file of roles" in result.stderr
    assert says in result.stderr


def test_a_role_is_shown_as_it_stands_in_a_file(command, tmp_path):
    shown = command("roles", "show", "Purchaser", "--entity", BAKERY_ID, "--toml")
    path = tmp_path / "shown.toml"
    path.write_text(shown.stdout)
    assert command("roles", "plan", path, "--entity", BAKERY_ID).exit_code == 0


def test_two_roles_are_compared(command, read):
    same = command("roles", "diff", "Viewer", "Viewer", "--entity", BAKERY_ID)
    assert (same.exit_code, same.stdout) == (0, "Viewer and Viewer allow the same.\n")
    other = read("roles", "diff", "Viewer", "Accountant", "--entity", BAKERY_ID, "--other-entity", BOOKS_ID)
    assert other.code == 2
    change = {"object_type": "payable", "action": "create", "before": "not_allowed", "after": "allowed"}
    assert change in other.data["changes"]


def test_a_role_that_is_not_there_is_told_with_those_that_are(read):
    result = read("roles", "show", "Clerk", "--entity", BAKERY_ID)
    assert (result.code, result.data) == (1, None)
    assert result.error["code"] == "configuration"
    assert "the roles there are: 'Accountant', 'Default', 'Purchaser', 'Viewer'" in result.error["message"]


def test_an_entity_that_is_not_there_is_told(command):
    nowhere = "0f0f0f0f-0000-4000-8000-000000000000"
    result = command("roles", "list", "--entity", nowhere)
    assert result.exit_code == 1
    assert f"there is no entity {nowhere}" in result.stderr


def test_a_monite_that_fails_is_told_and_what_was_done_stays(command, emulator, file):
    emulator.monite.faults.add(Fault(kind="status", status=400, path="/roles/"))
    result = command("roles", "apply", file, "--entity", BAKERY_ID, "--yes")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    emulator.monite.faults.clear()
    assert "Clerk" in roles_of(emulator)
    assert command("roles", "apply", file, "--entity", BAKERY_ID, "--yes").exit_code == 0
