"""docs/command-line.md has every verb, every option, every exit code, and every field of every verb's JSON."""

import re
from pathlib import Path

import click
import pytest

from monite_auth import Principal
from monite_auth.cli import USAGE, VERBS
from monite_auth.cli.plain import monite_auth
from monite_auth.cli.results import DIFFERS, FAILED
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from tests.core.cli.shop import shop

PAGE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text()


def leaves(group=monite_auth, path=()):
    """Yield every verb with its full name."""
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from leaves(each, (*path, name))
        else:
            yield " ".join((*path, name)), each


LEAVES = dict(leaves())
WITH_JSON = [name for name, each in LEAVES.items() if "json" in {one.name for one in each.params}]


def section(title):
    """Return the text under a heading of the second level."""
    return re.search(rf"^## {title}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def row(name, text):
    """Return the row of a verb in the tables of a text."""
    return re.search(rf"^\| `{name}` \|(.*)\|$", text, re.MULTILINE)[1]


@pytest.mark.parametrize("name", LEAVES)
def test_the_page_has_every_verb_and_what_it_takes(name):
    if name == "completion":
        assert "`monite-auth completion SHELL`" in PAGE
        return
    text = (
        section("The application's tokens")
        + section("What the partner has in Monite")
        + section("Without Monite")
    )
    said = re.findall(r"`([^`]+)`", row(name, text).split("|")[0])
    arguments = {each.name.upper() for each in LEAVES[name].params if isinstance(each, click.Argument)}
    options = {each.opts[0] for each in LEAVES[name].params if isinstance(each, click.Option)}
    assert {each for each in said if not each.startswith("--")} == arguments
    assert {each.split()[0] for each in said if each.startswith("--")} == options - {
        "--json",
        "--app",
        "--help",
    }


def test_every_verb_says_what_it_does_in_one_short_sentence():
    for name, each in LEAVES.items():
        assert not each.get_short_help_str(62).endswith("..."), name


def test_every_verb_has_json_but_those_that_only_run_or_print_a_program():
    assert LEAVES.keys() - set(WITH_JSON) == {"emulator", "completion", "store sql"}


def test_the_page_has_every_exit_code():
    codes = [int(each) for each in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)]
    assert codes == [0, FAILED, DIFFERS, USAGE]


def test_django_has_a_command_for_every_verb():
    folder = Path(__file__).parents[3] / "integrations/monite_auth_django/management/commands"
    there = {each.stem.removeprefix("monite_").replace("_", "-") for each in folder.glob("monite_*.py")}
    assert there == {*VERBS, "link", "forget-events"}  # what Django alone has a table for


def test_the_page_has_json_for_exactly_the_verbs_that_have_it():
    rows = re.findall(r"^\| `([a-z -]+)` \|", section("JSON"), re.MULTILINE)
    assert rows == WITH_JSON


@pytest.fixture
def examples(tmp_path, app):
    """Arguments for each verb, or several, that let its JSON have all that it can have."""
    people, roles, wrong = tmp_path / "people.csv", tmp_path / "roles.toml", tmp_path / "wrong.csv"
    people.write_text("login,first_name,role\napp-7,Nina,Viewer\n")
    wrong.write_text("login,first_name,role\napp-8,Nils,Nobody\n")
    roles.write_text("[roles.Clerk]\npayable = 'read'\n")
    at = ("--entity", BAKERY_ID)
    given = {
        "check": [("--user", "anna", *app)],
        "token": [("anna", *app), ()],
        "whoami": [("anna", *app), ()],
        "logout": [("anna",)],
        "end-user": [("anna",)],
        "revoke": [()],
        "panic": [("--yes",)],
        "status": [("--user", "anna", *app)],
        "entities show": [(BAKERY_ID,)],
        "users list": [at],
        "users show": [(ANNA_ID, *at)],
        "users find": [("anna.becker",)],
        "users link": [("anna", ANNA_ID, BAKERY_ID, *app)],
        "users provision": [(people, *at), (wrong, *at)],
        "roles list": [at],
        "roles show": [("Viewer", *at)],
        "roles diff": [("Viewer", "Accountant", *at)],
        "roles plan": [(roles, *at)],
        "roles apply": [(roles, *at, "--yes"), (roles, *at, "--delete", "--yes")],
    }
    given["store copy"] = [("MONITE_STORE_URL", f"sqlite:///{tmp_path}/new.db", "--last")]
    return lambda name: given.get(name, [()])


def fields(data, at=""):
    """Yield the paths of the fields of a document; a role's permissions are one field."""
    for name, value in data.items():
        path = f"{at}{name}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for each in value:
                yield from fields(each, f"{path}[].")
        elif not (isinstance(value, list) and not value):
            yield path


@pytest.mark.parametrize("name", WITH_JSON)
def test_the_page_has_exactly_the_fields_that_a_verb_prints(name, examples, read):
    shop.broker.token(Principal("anna", session_id="a-session"))
    printed = set()
    for arguments in examples(name):
        result = read(*name.split(), *arguments, stdin="a-session\n")
        assert result.data is not None, result.error
        printed |= set(fields(result.data))
    # Words in quotation marks are values.
    assert set(re.findall(r"`([\w\[\].]+)`", row(name, section("JSON")))) == printed
