"""The table of events for auditors: how it is filled, read in the admin, and kept short."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

import monite_auth_django
from monite_auth.events import Event
from monite_auth_django.conf import conf
from monite_auth_django.events import save_event
from monite_auth_django.models import MoniteEvent
from tests.django.conftest import make_user

LIST = "/admin/monite_auth_django/moniteevent/"


@pytest.fixture
def kept(settings, monite_settings):
    """All events. They go into the table when the requests are over: of a database in memory, as the tests have, SQLite refuses
    what two threads do at once, instead of waiting as it does for a file."""
    kept = []
    settings(MONITE_AUTH=monite_settings | {"EVENT_SINKS": [kept.append]})
    return kept


@pytest.fixture
def admin(client):
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


def delivered(kept):
    monite_auth_django.broker()._listeners.flush(within=60)
    for event in kept:
        save_event(event)
    return list(MoniteEvent.objects.order_by("at", "pk"))


def saved(name="token.minted", ago=0, **more):
    at = timezone.now() - timedelta(days=ago)
    return MoniteEvent.objects.create(
        event_id=f"{name}-{ago}-{len(MoniteEvent.objects.all())}", name=name, at=at, **more
    )


def test_the_table_is_named_by_the_path_of_its_sink(settings, monite_settings):
    settings(MONITE_AUTH=monite_settings | {"EVENT_SINKS": ["monite_auth_django.events.save_event"]})
    assert [save_event] == conf.EVENT_SINKS


def test_a_login_and_a_logout_are_rows_of_the_table(kept, at_work, client):
    client.get("/log_out")
    monite_auth_django.broker().drain()
    names = [each.name for each in delivered(kept)]
    assert [name for name in names if name != "session.ended"] == ["token.minted", "token.revoked"]
    assert "session.ended" in names
    minted = MoniteEvent.objects.get(name="token.minted")
    assert minted.user == monite_auth_django.broker().name_in_events(str(at_work.pk))
    assert minted.token == MoniteEvent.objects.get(name="token.revoked").token
    assert minted.expires_at > timezone.now()


def test_an_event_that_is_given_once_more_is_the_same_row():
    event = Event("token.minted", 1_700_000_000.0, "a", "account", user="anna", count=2)
    save_event(event)
    save_event(event)
    row = MoniteEvent.objects.get()
    assert (row.at, row.user, row.count, row.why) == (datetime.fromtimestamp(event.at, UTC), "anna", 2, "")
    with timezone.override(UTC):
        assert str(row) == "token.minted 2023-11-14 22:13:20"


def test_the_admin_lists_events_and_lets_nobody_change_them(admin, anna):
    row = saved(user="digest-of-somebody", why="granted")
    page = admin.get(LIST).content.decode()
    assert "digest-of-somebody" in page
    assert "Add Monite event" not in page
    detail = admin.get(f"{LIST}{row.pk}/change/")
    assert detail.status_code == 200
    assert 'name="_save"' not in detail.content.decode()
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(f"{LIST}{row.pk}/change/", {"user": "nobody"}).status_code == 403
    assert admin.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    admin.post(LIST, chosen)
    assert MoniteEvent.objects.get().user == "digest-of-somebody"


@pytest.mark.parametrize("search", ["anna", "the primary key", "the digest"])
def test_the_admin_finds_the_events_of_a_user(admin, anna, viktor, search):
    digest = monite_auth_django.broker().name_in_events(str(anna.pk))
    saved(user=digest, token="of-anna")
    saved(user=monite_auth_django.broker().name_in_events(str(viktor.pk)), token="of-viktor")
    asked = {"anna": "anna", "the primary key": str(anna.pk), "the digest": digest}[search]
    page = admin.get(LIST, {"q": asked}).content.decode()
    assert "of-anna" in page
    assert "of-viktor" not in page


def test_the_admin_filters_by_the_name_of_an_event(admin):
    saved("token.minted", token="a-minted-one")
    saved("call.refused", why="payable.read")
    page = admin.get(LIST, {"name": "call.refused"}).content.decode()
    assert "payable.read" in page
    assert "a-minted-one" not in page


def test_the_admin_shows_the_second_in_the_time_zone_of_the_request(admin):
    row = saved()
    MoniteEvent.objects.update(at=datetime(2026, 11, 26, 22, 0, 17, tzinfo=UTC))
    with timezone.override("Europe/Berlin"):
        assert "2026-11-26 23:00:17" in admin.get(LIST).content.decode()
        assert "token.minted 2026-11-26 23:00:17" in admin.get(f"{LIST}{row.pk}/change/").content.decode()


def test_staff_without_the_permission_see_nothing(client):
    client.force_login(make_user("staff", is_staff=True))
    assert client.get(LIST).status_code == 403


def test_old_events_are_forgotten_by_a_command(monkeypatch):
    from monite_auth_django.management.commands import monite_forget_events

    for ago in (0, 10, 400, 401, 402):
        saved(ago=ago)
    out = StringIO()
    call_command("monite_forget_events", older_than=365, stdout=out)
    assert out.getvalue() == "deleted 3 events\n"
    assert MoniteEvent.objects.count() == 2
    assert monite_forget_events.AT_ONCE > 0
    with pytest.raises(CommandError, match="number of days"):
        call_command("monite_forget_events", older_than=-1)


def test_there_is_no_migration_to_make():
    call_command("makemigrations", "monite_auth_django", check=True, dry_run=True, verbosity=0)
    assert connection.introspection.table_names()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"EVENT_SINKS": "monite_auth_django.events.save_event"}, "is a list"),
        ({"EVENT_SINKS": ["monite_auth_django.nothing"]}, "dotted path"),
        ({"EVENT_SINKS": [7]}, "each is a function that takes an Event"),
        ({"HEALTH": 7}, "is True, or a function from the request"),
    ],
)
def test_wrong_settings_are_found_by_the_checks(settings, monite_settings, wrong, says):
    from monite_auth_django.checks.values import check

    settings(MONITE_AUTH=monite_settings | wrong)
    assert any(says in each.msg for each in check())
