"""`monite-auth entities` and `users`: the people of the partner's customers."""

import csv
import stat

import pytest

from monite_auth import EntityUser, TokenBroker
from monite_auth.cli.people import People, Row, provision_people, read_people
from monite_auth.emulator import ANNA_AT_BOOKS_ID, ANNA_ID, BAKERY_ID, BOOKS_ID, VIKTOR_ID, Fault
from tests.core.cli.shop import shop

NOBODY = "0f0f0f0f-0000-4000-8000-000000000000"

PEOPLE = """login,first_name,role,last_name,email,entity,user,tenant
app-7,Nina,Accountant,Novak,nina@brightside.example,,7,
app-8,Otto,Viewer,,,b00c5a1e-0000-4000-8000-000000000002,8,books
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path


def logins(emulator, entity_id):
    return {each.login for each in emulator.monite.directory.users.all(entity_id)}


# -- entities, and who is there


def test_entities_are_listed_and_shown(command, read):
    names = [each["name"] for each in read("entities", "list").data["entities"]]
    assert names == ["Brightside Bakery GmbH", "Harbour Books Ltd", "Lakeside Tea AG"]
    assert read("entities", "show", BAKERY_ID).data["email"] == "office@brightside.example"
    assert "Brightside Bakery GmbH" in command("entities", "show", BAKERY_ID).stdout
    missing = read("entities", "show", NOBODY)
    assert (missing.code, missing.error["code"]) == (1, "configuration")
    assert command("entities", "show", "bakery").exit_code == 64


def test_a_list_may_have_many_pages(read, emulator, command, tmp_path):
    rows = "".join(f"app-{number},Nina,Viewer\n" for number in range(110))
    path = tmp_path / "many.csv"
    path.write_text(f"login,first_name,role\n{rows}")
    assert command("users", "provision", path, "--entity", BAKERY_ID).exit_code == 0
    assert len(read("users", "list", "--entity", BAKERY_ID).data["users"]) == 113


def test_people_are_listed_shown_and_found(command, read):
    assert [each["login"] for each in read("users", "list", "--entity", BAKERY_ID).data["users"]] == [
        "anna.becker",
        "viktor.vogel",
        "oskar.lindt",
    ]
    assert read("users", "show", ANNA_ID, "--entity", BAKERY_ID).data["name"] == "Anna Becker"
    assert read("users", "show", ANNA_ID, "--entity", BOOKS_ID).code == 1
    found = read("users", "find", "anna.becker").data["users"]
    assert [each["id"] for each in found][:2] == [ANNA_ID, ANNA_AT_BOOKS_ID]
    one = read("users", "find", "anna.becker", "--entity", BOOKS_ID).data["users"]
    assert [each["entity_id"] for each in one] == [BOOKS_ID]
    nobody = command("users", "find", "nobody")
    assert nobody.exit_code == 1
    assert "nobody has the login 'nobody' in any of 3 entities" in nobody.stderr


# -- link


def test_a_link_is_kept_by_the_directory_and_counts_at_once(read, app, emulator):
    assert read("whoami", "anna", *app).data["entity_user_id"] == ANNA_ID
    linked = read("users", "link", "anna", VIKTOR_ID, BAKERY_ID, *app)
    assert linked.code == 0
    assert read("whoami", "anna", *app).data["login"] == "viktor.vogel"
    assert not emulator.monite.ledger.live(ANNA_ID)


def test_a_link_to_nobody_is_refused(read, app):
    swapped = read("users", "link", "anna", BAKERY_ID, ANNA_ID, *app)
    assert swapped.code == 1
    assert "Monite has" in swapped.error["message"]
    assert shop.broker.directory.people["anna"] == EntityUser(ANNA_ID, BAKERY_ID)


def test_a_directory_that_keeps_no_links_says_what_to_do(command, app):
    shop.broker._directory = shop.broker.directory.find
    result = command("users", "link", "anna", VIKTOR_ID, BAKERY_ID, *app)
    assert result.exit_code == 1
    assert "no method `link`" in result.stderr


# -- provision


def test_a_dry_run_says_what_would_change_and_changes_nothing(command, file, emulator):
    before = logins(emulator, BAKERY_ID)
    result = command("users", "provision", file, "--entity", BAKERY_ID, "--dry-run")
    assert result.exit_code == 2
    assert "2     app-7  Create an entity user with the role 'Accountant'." in result.stdout
    assert result.stdout.endswith("to change 2, unchanged 0, failed 0, left 0.\n")
    assert logins(emulator, BAKERY_ID) == before


def test_people_are_created_once_however_often_the_file_is_provisioned(read, file, emulator):
    first = read("users", "provision", file, "--entity", BAKERY_ID)
    assert (first.code, first.data["changed"]) == (0, 2)
    assert "app-7" in logins(emulator, BAKERY_ID)
    assert "app-8" in logins(emulator, BOOKS_ID)
    again = read("users", "provision", file, "--entity", BAKERY_ID)
    assert (again.code, again.data["changed"], again.data["unchanged"]) == (0, 0, 2)
    assert read("users", "provision", file, "--entity", BAKERY_ID, "--dry-run").code == 0


def test_rows_that_fail_stop_no_others_and_are_written_to_be_mended(read, file, tmp_path, emulator):
    file.write_text(PEOPLE.replace("Accountant", "Nobody") + ",Nora,Viewer,,,,,\n")
    failed = tmp_path / "failed.csv"
    result = read("users", "provision", file, "--entity", BAKERY_ID, "--failed", failed)
    assert (result.code, result.data["changed"], result.data["failed"]) == (1, 1, 2)
    assert [(each["line"], each["login"]) for each in result.data["errors"]] == [(2, "app-7"), (4, "")]
    assert "app-8" in logins(emulator, BOOKS_ID)
    assert stat.S_IMODE(failed.stat().st_mode) == 0o600
    rows = list(csv.DictReader(failed.read_text().splitlines()))
    assert "has no role 'Nobody'" in rows[0]["error"]
    assert rows[1]["error"] == "There is no login."
    failed.write_text(failed.read_text().replace(",Nobody,", ",Accountant,").rpartition(",Nora")[0])
    assert read("users", "provision", failed).data["changed"] == 1
    assert "app-7" in logins(emulator, BAKERY_ID)


def test_two_rows_about_the_same_login_are_not_both_done(read, file):
    file.write_text("login,first_name,role\napp-7,Nina,Viewer\napp-7,Nora,Viewer\n")
    result = read("users", "provision", file, "--entity", BAKERY_ID)
    assert (result.code, result.data["changed"], result.data["failed"]) == (1, 1, 1)
    assert result.data["errors"][0]["message"] == "Line 2 is about this login in the same entity, too."
    again = read("users", "provision", file, "--entity", BAKERY_ID)
    assert (again.data["changed"], again.data["unchanged"]) == (0, 1)


def test_an_entity_that_cannot_be_one_is_told_by_the_columns_name(read, file):
    file.write_text("login,first_name,role,entity\napp-7,Nina,Viewer,bakery\n")
    (error,) = read("users", "provision", file).data["errors"]
    assert "entity is the UUID of an entity in Monite" in error["message"]
    assert "'bakery'" in error["message"]


def test_a_monite_that_is_down_stops_it_and_the_rest_goes_on_from_there(read, file, emulator, environ):
    environ.setenv("MONITE_DEADLINE", "1")
    environ.setenv("MONITE_STORE_URL", "memory://")
    emulator.monite.faults.add(Fault(kind="status", status=503, path="/entity_users"))
    stopped = read("users", "provision", file, "--entity", BAKERY_ID)
    assert (stopped.code, stopped.data["stopped_at"], stopped.data["left"]) == (1, 2, 2)
    assert "Monite" in stopped.data["stopped_because"]
    emulator.monite.faults.clear()
    rest = read("users", "provision", file, "--entity", BAKERY_ID, "--from", "3")
    assert (rest.code, rest.data["changed"]) == (0, 1)
    assert "app-7" not in logins(emulator, BAKERY_ID)


class CtrlC(Row):
    """A row at which somebody presses Ctrl-C."""

    def profile(self):
        raise KeyboardInterrupt


def test_ctrl_c_stops_it_and_what_is_done_stays_reported(emulated, file, emulator):
    first, _ = read_people(file, default_entity=BAKERY_ID)
    people = People()
    with TokenBroker(emulated, {}) as broker:
        provision_people(broker, [first, CtrlC(3, {})], people, is_plan=False)
    assert people.stopped == (3, "It was interrupted.")
    assert [login for _, login, _ in people.changed] == ["app-7"]
    assert "app-7" in logins(emulator, BAKERY_ID)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("login,first_name\nx,y\n", "It has no column role."),
        ("login,first_name,role,phone\n", "Columns 'phone' mean nothing"),
        ("", "It has no column login."),
        ('login,first_name,role\n"x,y,z\n', "Line"),
        ("login,first_name,role\nx,Nina, Jr.,Viewer\n", "Line 2 has more fields than there are columns"),
    ],
)
def test_a_file_of_something_else_is_refused_as_a_whole(command, file, text, says):
    file.write_text(text)
    result = command("users", "provision", file, "--entity", BAKERY_ID)
    assert result.exit_code == 1
    assert f"{file} is no file of people" in result.stderr
    assert says in result.stderr


def test_a_file_of_a_spreadsheet_will_do(read, file, emulator):
    file.write_text("\ufefflogin; first_name;role\r\napp-9;Nils;Viewer\r\n", newline="")
    assert read("users", "provision", file, "--entity", BAKERY_ID).data["changed"] == 1
    assert "app-9" in logins(emulator, BAKERY_ID)
