"""The behaviour that all adapters share, in a sync and in an async stack."""

import threading

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings
from rest_framework.test import APIClient

import monite_auth_django
from monite_auth import Principal, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID, Fault
from monite_auth_django.models import MoniteLink
from tests.django.conftest import code, live, log_in, make_user

# -- anonymous, linked, unlinked; first use, second use


def test_an_anonymous_visitor_costs_nothing_and_gets_a_401(visitor, emulator):
    assert visitor("facts").json() == {"logged_in": False, "user": None, "session": None}
    refusal = visitor("me")
    assert refusal.status_code == 401
    assert refusal.json() == {"error": {"code": "not_logged_in", "message": "Please log in."}}
    assert refusal["cache-control"] == "private, no-store"
    assert not refusal.cookies
    assert emulator.monite.ledger.tokens == []


def test_first_use_mints_and_second_use_does_not(visitor, emulator, anna):
    log_in(visitor)
    visitor("facts")
    assert emulator.monite.ledger.tokens == []
    for _ in range(3):
        assert visitor("me").json()["id"] == ANNA_ID
    (token,) = emulator.monite.ledger.tokens
    assert token.uses == 3
    assert visitor("headers").json()["x-monite-entity-id"] == BAKERY_ID


def test_each_user_has_their_own_token(visitor, anna, viktor):
    other = visitor.another()
    log_in(visitor, "anna")
    log_in(other, "viktor")
    assert visitor("me").json()["id"] == ANNA_ID
    assert other("me").json()["id"] == VIKTOR_ID
    assert visitor("me").json()["id"] == ANNA_ID


def test_an_unlinked_user_gets_a_403_in_plain_words(visitor):
    make_user("stranger")
    log_in(visitor, "stranger")
    refusal = visitor("me", headers={"accept": "text/html,*/*"})
    assert refusal.status_code == 403
    assert refusal["content-type"].startswith("text/plain")
    assert refusal.content.decode() == "Your account is not set up for invoices and payments yet."


# -- logout: see also test_sessions.py


def test_a_logout_leaves_the_users_other_browser_logged_in(visitor, emulator, anna):
    other = visitor.another()
    for each in (visitor, other):
        log_in(each)
        assert each("me").status_code == 200
    visitor("log_out")
    assert live(emulator) == 0  # both browsers shared one token
    assert other("me").json()["id"] == ANNA_ID
    assert visitor("me").status_code == 401


def test_promise_7_a_logout_does_not_wait_for_a_monite_that_is_down(visitor, emulator, anna):
    log_in(visitor)
    visitor("me")
    emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
    assert visitor("log_out").status_code == 200
    emulator.monite.faults.clear()


def test_a_logout_by_hand_ends_the_session_until_the_next_login(visitor, emulator, anna):
    log_in(visitor)
    visitor("me")
    assert visitor("log_out_by_hand").content == b"out"
    assert live(emulator) == 0
    refusal = visitor("me")
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (401, "session_ended")
    log_in(visitor)
    assert visitor("me").status_code == 200


# -- errors


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(kind="status", status=401, path="/auth/token"), 502, "credentials_rejected"),
        (Fault(kind="status", status=404, path="/auth/token"), 403, "entity_user_rejected"),
        (Fault(kind="throttle", path="/auth/token", retry_after=60), 503, "rate_limited"),
        (Fault(kind="status", status=500, path="/auth/token"), 503, "monite_unavailable"),
    ],
)
def test_an_error_of_monites_becomes_an_answer_without_details(
    visitor, emulator, anna, monite_settings, fault, status, code
):
    with override_settings(MONITE_AUTH={**monite_settings, "DEADLINE": 1}):
        emulator.monite.faults.add(fault)
        log_in(visitor)
        answer = visitor("me")
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert int(answer["retry-after"]) > 0
        assert "MONITE" not in answer.content.decode()
        visitor.close()


def test_a_developers_mistake_stays_an_exception(emulator, anna):
    client = Client(raise_request_exception=False)
    with override_settings(MONITE_AUTH={}):
        assert client.get("/me").status_code == 500


# -- the decorator


def test_monite_required_sends_browsers_to_the_login_page(visitor):
    answer = visitor("required", headers={"accept": "text/html"})
    assert answer.status_code == 302
    assert answer["location"].startswith("/login?next=")
    assert visitor("required").status_code == 401


def test_monite_required_lets_linked_users_in(visitor, emulator, anna):
    make_user("stranger")
    log_in(visitor, "stranger")
    assert visitor("required").status_code == 403
    assert emulator.monite.ledger.tokens == []
    log_in(visitor, "anna")
    assert visitor("required").json()["id"] == ANNA_ID


def test_monite_required_guards_class_based_views(visitor, emulator, anna):
    assert visitor("page").status_code == 401
    log_in(visitor)
    assert visitor("page").json()["id"] == ANNA_ID


def test_a_blocking_read_of_the_user_on_the_event_loop_is_explained(anna, asgi):
    log_in(asgi)
    with pytest.raises(Exception, match=r"await request.amonite\(\)"):
        asgi("asked_too_early")


# -- Django REST framework, and users authenticated by other means


def test_views_of_django_rest_framework_work(client, emulator, anna):
    refusal = client.get("/rest")
    assert (refusal.status_code, refusal.json()["error"]["code"]) == (401, "not_logged_in")
    client.force_login(anna)
    assert client.get("/rest").json()["id"] == ANNA_ID


def test_a_user_authenticated_for_one_request_gets_no_session(emulator, anna):
    client = APIClient()
    client.force_authenticate(anna)
    answer = client.get("/rest")
    assert answer.json()["id"] == ANNA_ID
    assert not answer.cookies
    client.force_authenticate(None)
    assert client.get("/rest").status_code == 401


def identify_by_header(request):
    user = request.headers.get("x-user")
    return Principal(user, session_id=request.headers["x-session"]) if user else None


async def aidentify_by_header(request):
    return identify_by_header(request)


@pytest.mark.parametrize("name", ["identify_by_header", "aidentify_by_header"])
def test_an_app_can_identify_its_users_itself(visitor, emulator, anna, monite_settings, name):
    path = f"{__name__}.{name}"
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": path}):
        assert visitor("facts").json()["logged_in"] is False
        headers = {"x-user": str(anna.pk), "x-session": "one"}
        assert visitor("facts", headers=headers).json()["session"] == "one"
        assert visitor("me", headers=headers).json()["id"] == ANNA_ID
        assert live(emulator) == 1
        visitor("log_out", headers=headers)
        assert live(emulator) == 0
        assert visitor("me", headers=headers).json()["error"]["code"] == "session_ended"
        visitor.close()


def test_a_tenant_chooses_among_a_users_links(client, anna, monite_settings):
    def identify(request):
        return monite_auth_django.identify(request, tenant=request.headers.get("x-tenant"))

    anna.monite_links.create(tenant="books", entity_user_id=VIKTOR_ID, entity_id=BAKERY_ID)
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": identify}):
        client.force_login(anna)
        assert client.get("/me", headers={"x-tenant": "books"}).json()["id"] == VIKTOR_ID
        assert client.get("/me").json()["id"] == ANNA_ID
        assert client.get("/me", headers={"x-tenant": "none"}).status_code == 403


def who_is(principal):
    threads.add(threading.get_ident())
    link = MoniteLink.objects.filter(user=principal.user_id).first()
    return link and link.entity_user


async def awho_is(principal):
    link = await MoniteLink.objects.filter(user=principal.user_id).afirst()
    return link and link.entity_user


@pytest.mark.parametrize("function", [who_is, awho_is])
def test_a_custom_directory_is_asked_by_views_of_both_kinds(visitor, anna, monite_settings, function):
    threads.clear()
    with override_settings(MONITE_AUTH={**monite_settings, "DIRECTORY": function}):
        for _ in range(3):
            log_in(visitor, "anna")
            assert visitor("me").json()["id"] == ANNA_ID
            visitor("log_out")
        visitor.close()
    assert len(threads) == (function is who_is)  # one, whose connection to the database Django closes


@pytest.mark.parametrize("function", [who_is, awho_is])
def test_a_directory_that_returns_no_entity_user_is_explained(visitor, anna, monite_settings, function):
    def returns_ids(principal):
        return (ANNA_ID, BAKERY_ID)

    async def areturns_ids(principal):
        return (ANNA_ID, BAKERY_ID)

    wrong = returns_ids if function is who_is else areturns_ids
    with override_settings(MONITE_AUTH={**monite_settings, "DIRECTORY": wrong}):
        log_in(visitor, "anna")
        with pytest.raises(errors.ConfigurationError, match=r"directory returned a tuple \(str, str\)"):
            visitor("me")
        visitor.close()


# -- permissions


def test_an_anonymous_visitor_of_a_page_for_some_is_sent_to_the_login(visitor):
    answer = visitor("create", headers={"accept": "text/html"})
    assert (answer.status_code, answer["location"].partition("?")[0]) == (302, "/login")
    assert visitor("create", method="post", headers={"accept": "text/html"}).status_code == 401


def is_anna(principal, object_type, action):
    threads.add(threading.get_ident())
    return get_user_model().objects.filter(pk=principal.user_id, username="anna").exists()


async def ais_anna(principal, object_type, action):
    return await get_user_model().objects.filter(pk=principal.user_id, username="anna").aexists()


threads: set[int] = set()


@pytest.mark.parametrize("name", ["is_anna", "ais_anna"])
def test_authorize_is_asked_by_views_of_both_kinds(visitor, emulator, anna, viktor, monite_settings, name):
    threads.clear()
    more = {"SECURITY_MODEL": "partner_managed", "AUTHORIZE": f"{__name__}.{name}"}
    with override_settings(MONITE_AUTH={**monite_settings, **more}):
        other = visitor.another()
        log_in(visitor, "anna")
        log_in(other, "viktor")
        for _ in range(3):
            assert visitor("create").json()["entity_id"] == BAKERY_ID
            assert code(other("create")) == "not_permitted"
        assert {token.entity_user_id for token in emulator.monite.ledger.tokens} == {None}
        visitor.close()
    assert len(threads) == (name == "is_anna")  # one, whose connection to the database Django closes


def test_a_blocking_call_in_an_async_view_with_an_async_authorize_is_explained(asgi, anna, monite_settings):
    more = {"SECURITY_MODEL": "partner_managed", "AUTHORIZE": ais_anna}
    with override_settings(MONITE_AUTH={**monite_settings, **more}):
        log_in(asgi)
        with pytest.raises(errors.BlockingCallError, match="acan"):
            asgi("asked_too_late")
        asgi.close()
