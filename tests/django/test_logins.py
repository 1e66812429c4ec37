"""Logins: those that Django signals, and those that an app performs by itself."""

import logging

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

import monite_auth_django
from monite_auth import Principal
from monite_auth.adapter.sessions import bind_principal
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth_django import broker
from tests.django.conftest import code, live, log_in
from tests.django.project.urls import urlpatterns as usual


def put_into(session, user):
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()


def sign_in(request):
    user = get_user_model().objects.get(username=request.GET["user"])
    put_into(request.session, user)  # an app's own way: without Django's login() and in the same session
    request.monite.login()
    return HttpResponse(str(request.monite.principal.user_id))


async def asign_in(request):
    user = await get_user_model().objects.aget(username=request.GET["user"])
    await request.session.aget(SESSION_KEY)
    put_into(request.session, user)
    await request.monite.alogin()
    return HttpResponse(str(request.monite.principal.user_id))


def in_again(request):
    request.monite.client.get("/entity_users/me")
    request.monite.login()
    return HttpResponse("in")


async def ain_again(request):
    monite = await request.amonite()
    await monite.aclient.get("/entity_users/me")
    await request.monite.alogin()
    return HttpResponse("in")


@pytest.fixture
def app(visitor):
    with override_settings(ROOT_URLCONF=__name__):
        yield visitor.another()


def session_of(visitor):
    return visitor("facts").json()["session"]


def test_a_login_registers_its_session_with_the_store_so_that_no_clock_decides(visitor, anna):
    log_in(visitor)
    stored = Session.objects.get()
    user, session, _at = stored.get_decoded()["_monite"]
    # As if a host whose clock is years behind had written it.
    stored.session_data = Session.objects.encode({**stored.get_decoded(), "_monite": [user, session, 1.0e9]})
    stored.save()
    assert visitor("me").json()["id"] == ANNA_ID
    assert session_of(visitor) == session


def test_a_login_right_after_the_end_of_all_sessions_works(visitor, emulator, anna):
    log_in(visitor)
    visitor("me")
    for _ in range(3):
        broker().end_user(str(anna.pk))
        assert code(visitor("me")) == "session_ended"
        log_in(visitor)
        assert visitor("me").json()["id"] == ANNA_ID


def test_an_app_with_its_own_login_reports_it(app, emulator, anna, viktor):
    assert app("sign_in", query_params={"user": "anna"}).content.decode() == str(anna.pk)
    first = session_of(app)
    assert app("me").json()["id"] == ANNA_ID
    app("sign_in", query_params={"user": "anna"})
    assert session_of(app) not in (None, first)
    assert app("me").json()["id"] == ANNA_ID
    app("sign_in", query_params={"user": "viktor"})
    assert app("me").json()["id"] == VIKTOR_ID
    assert live(emulator, ANNA_ID) == 0


def test_a_reported_login_works_after_the_user_was_ended(app, anna):
    log_in(app)
    app("me")
    broker().end_user(str(anna.pk))
    assert code(app("me")) == "session_ended"
    app("sign_in", query_params={"user": "anna"})
    assert app("me").json()["id"] == ANNA_ID


def test_a_login_after_monite_was_used_in_the_same_request_ends_the_earlier_session(app, emulator, anna):
    log_in(app)
    first = session_of(app)
    assert app("in_again").content == b"in"
    assert live(emulator) == 0
    assert session_of(app) != first
    assert app("me").json()["id"] == ANNA_ID


def test_a_login_without_a_user_is_explained(app):
    app.client.raise_request_exception = False
    assert code(app("in_again")) == "not_logged_in"


# -- with an IDENTIFY of one's own


def in_tenant(request):
    return monite_auth_django.identify(request, tenant=request.session.get("organization"))


def member(request):
    return bind_principal(request.session, request.session.get("member"))


def by_header(request):
    return Principal(request.headers["x-user"], session_id="the same for ever")


def join(request):
    request.session["member"] = request.GET["user"]
    request.monite.login()
    return HttpResponse(str(request.monite.principal.session_id))


async def ajoin(request):
    await request.session.aset("member", request.GET["user"])
    await request.monite.alogin()
    return HttpResponse(str(request.monite.principal.session_id))


def leave(request):
    request.session.pop("member")
    return HttpResponse("left")


async def aleave(request):
    await request.session.apop("member")
    return HttpResponse("left")


def test_a_reported_login_works_with_tenants(app, emulator, anna, monite_settings):
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": in_tenant}):
        for _ in range(2):
            app("sign_in", query_params={"user": "anna"})
            assert app("me").json()["id"] == ANNA_ID
        assert len(emulator.monite.ledger.mints(ANNA_ID)) == 2
        assert live(emulator) == 1
        app("log_out")
        assert live(emulator) == 0
        app.close()


def test_members_of_an_app_that_django_does_not_know_have_sessions_too(app, emulator, anna, monite_settings):
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": member}):
        first = app("join", query_params={"user": anna.pk}).content
        assert app("me").json()["id"] == ANNA_ID
        app("put")
        assert app("facts").json()["session"].encode() == first
        assert live(emulator) == 1
        assert app("join", query_params={"user": anna.pk}).content != first
        assert app("me").json()["id"] == ANNA_ID
        app("leave", method="post")
        assert live(emulator) == 0
        assert code(app("me")) == "not_logged_in"
        app.close()


def test_an_identify_that_names_the_same_session_again_is_explained(app, anna, monite_settings):
    app.client.raise_request_exception = True
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": by_header}):
        with pytest.raises(Exception, match="names the same session after the login"):
            app("in_again", headers={"x-user": str(anna.pk)})
        app.close()


# -- people can log in even if something is broken


def test_a_login_that_cannot_be_recorded_still_logs_in(visitor, anna, monite_settings, caplog):
    with override_settings(MONITE_AUTH={**monite_settings, "STORE_URL": "redis://127.0.0.1:1"}):
        with caplog.at_level(logging.WARNING, "monite_auth"):
            log_in(visitor)
        assert "The token store is down" in caplog.text
        assert session_of(visitor) is not None
        visitor.close()


def test_a_login_works_where_nothing_is_configured(visitor, anna, caplog):
    with override_settings(MONITE_AUTH={}):
        log_in(visitor)
    assert "A login could not be recorded" in caplog.text


both = {
    "sign_in": (sign_in, asign_in),
    "in_again": (in_again, ain_again),
    "join": (join, ajoin),
    "leave": (leave, aleave),
}
urlpatterns = [
    *usual,
    *(path(name, views[0]) for name, views in both.items()),
    *(path(f"a/{name}", views[1]) for name, views in both.items()),
]
