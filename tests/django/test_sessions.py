"""The ways in which a session ends, the events that it survives, and the cost of noticing."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth.errors import StoreUnavailable
from tests.django.conftest import live, log_in

ENGINES = ["db", "cache", "cached_db", "signed_cookies"]
WAYS = ["log_out", "flush", "clear", "forget"]


@pytest.fixture(params=ENGINES)
def engine(request):
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{request.param}"):
        yield request.param


def session_of(visitor):
    return visitor("facts").json()["session"]


# -- ends


@pytest.mark.parametrize("way", WAYS)
def test_promise_5_a_session_that_ends_in_any_way_is_logged_out(visitor, emulator, anna, engine, way):
    log_in(visitor)
    visitor("me")
    old = visitor.client.cookies["sessionid"].value
    assert live(emulator) == 1
    assert visitor(way).content == b"out"
    assert live(emulator) == 0
    assert visitor("me").status_code == 401
    visitor.client.cookies["sessionid"] = old
    refusal = visitor("me")
    # Only a session in a signed cookie can come back: one that is stored on the server is deleted there.
    code = "session_ended" if engine == "signed_cookies" else "not_logged_in"
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (401, code)
    assert len(emulator.monite.ledger.tokens) == 1


def test_logging_in_again_begins_a_new_session(visitor, anna):
    log_in(visitor)
    first = session_of(visitor)
    visitor("log_out")
    log_in(visitor)
    assert session_of(visitor) not in (first, None)
    assert visitor("me").status_code == 200


def test_another_user_in_the_same_session_logs_the_first_one_out(visitor, emulator, anna, viktor):
    log_in(visitor, "anna")
    visitor("me")
    log_in(visitor, "viktor")
    assert live(emulator, ANNA_ID) == 0
    assert visitor("me").json()["id"] == VIKTOR_ID


def test_a_login_within_a_login_is_a_new_session(visitor, emulator, anna):
    log_in(visitor)
    first = session_of(visitor)
    visitor("me")
    log_in(visitor)
    assert live(emulator) == 0
    assert session_of(visitor) not in (first, None)
    assert visitor("me").status_code == 200


def test_a_logout_without_a_user_or_without_the_middleware_is_carried_out(emulator, anna):
    client = Client()
    client.force_login(anna)
    client.get("/me")
    request = RequestFactory().get("/")
    request.session = client.session
    user_logged_out.send(sender=None, request=request, user=None)
    user_logged_out.send(sender=None, request=None, user=None)
    assert live(emulator) == 0


def test_a_logout_that_cannot_be_recorded_still_logs_out(visitor, anna, monkeypatch, caplog):
    log_in(visitor)
    visitor("me")

    def fail(self, principal):
        raise StoreUnavailable("The store is down.")

    async def afail(self, principal):
        fail(self, principal)

    monkeypatch.setattr("monite_auth.TokenBroker.logout", fail)
    monkeypatch.setattr("monite_auth.TokenBroker.alogout", afail)
    with caplog.at_level(logging.ERROR, "monite_auth"):
        assert visitor("log_out").content == b"out"
    assert "could not be recorded" in caplog.text
    assert session_of(visitor) is None


def test_a_logout_works_where_nothing_is_configured(anna):
    client = Client()
    client.force_login(anna)
    with override_settings(MONITE_AUTH={}):
        assert client.get("/flush").content == b"out"


# -- rotation


def test_the_binding_survives_the_rotation_of_a_password_change(visitor, emulator, anna):
    anna.is_staff = anna.is_superuser = True
    anna.save()
    log_in(visitor)
    session, key = session_of(visitor), visitor.client.cookies["sessionid"].value
    visitor("me")
    other = visitor.another()
    log_in(other)
    other("me")
    other("change_password")  # rotates the key of this session, and makes the other one's hash stale
    assert live(emulator) == 0  # somebody who knew the old password may have the token
    assert other("me").status_code == 200
    assert visitor.client.cookies["sessionid"].value == key
    assert visitor("me").status_code == 401
    visitor.client.cookies["sessionid"] = key
    assert session_of(visitor) is None
    assert session is not None


def test_a_key_that_is_rotated_keeps_the_binding(visitor, emulator, anna):
    log_in(visitor)
    session, key = session_of(visitor), visitor.client.cookies["sessionid"].value
    visitor("me")
    visitor("change_password")
    assert visitor.client.cookies["sessionid"].value != key
    assert session_of(visitor) == session
    assert visitor("me").status_code == 200


def test_an_anonymous_session_becomes_the_users_at_login(visitor, anna):
    visitor("put")
    log_in(visitor)
    assert session_of(visitor) is not None


def test_a_session_from_before_the_library_was_added_gets_its_id_at_first_use(visitor, anna):
    log_in(visitor)
    stored = Session.objects.get()
    data = stored.get_decoded()
    del data["_monite"]
    stored.session_data = Session.objects.encode(data)
    stored.save()
    first = session_of(visitor)
    assert first is not None
    assert session_of(visitor) == first


# -- expiry


def test_an_expired_session_is_anonymous_and_its_token_is_not_renewed(visitor, emulator, anna):
    log_in(visitor)
    visitor("me")
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert visitor("me").status_code == 401
    assert live(emulator) == 1
    emulator.monite.clock.advance(emulator.monite.token_life)
    assert live(emulator) == 0


def test_clearsessions_deletes_rows_and_revokes_nothing(emulator, anna):
    client = Client()
    client.force_login(anna)
    client.get("/me")
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    call_command("clearsessions")
    assert Session.objects.count() == 0
    assert client.get("/me").status_code == 401
    assert live(emulator) == 1  # until it expires, as without clearsessions
