"""Errors that become answers: from groups, broken connections and an IDENTIFY that refuses. And the log about them."""

import asyncio
import logging
import socket

import httpx
import pytest
from asgiref.sync import iscoroutinefunction
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import sync_and_async_middleware

from monite_auth import errors
from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, Fault
from monite_auth_django import forward
from tests.django.conftest import code, live, log_in, make_user
from tests.django.project import settings as project
from tests.django.project.urls import urlpatterns as usual


def group(request):
    raise ExceptionGroup(
        "of threads", [errors.NotLinked("The directory does not know them."), *_others(request)]
    )


async def agroup(request):
    async def fail(error):
        raise error

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(request.monite.aheaders())
        for error in _others(request):
            tasks.create_task(fail(error))


def _others(request):
    return [KeyError("the app's own")] if "mixed" in request.GET else []


def forwarded(request):
    return forward(request.monite.client.request(request.GET.get("method", "GET"), request.GET["path"]))


async def aforwarded(request):
    monite = await request.amonite()
    return forward(await monite.aclient.request(request.GET.get("method", "GET"), request.GET["path"]))


def elsewhere(request):
    with httpx.Client() as client:
        return HttpResponse(client.get(f"http://127.0.0.1:{request.GET['port']}/"))


async def aelsewhere(request):
    async with httpx.AsyncClient() as client:
        return HttpResponse(await client.get(f"http://127.0.0.1:{request.GET['port']}/"))


both = {"group": (group, agroup), "forwarded": (forwarded, aforwarded), "elsewhere": (elsewhere, aelsewhere)}
urlpatterns = [
    *usual,
    *(path(name, views[0]) for name, views in both.items()),
    *(path(f"a/{name}", views[1]) for name, views in both.items()),
]


@pytest.fixture
def app(visitor):
    """A visitor who gets answers to errors, as a browser does."""
    with override_settings(ROOT_URLCONF=__name__):
        yield visitor.another(raise_request_exception=False)


# -- groups


def test_a_group_of_only_our_errors_gets_our_status(app):
    make_user("stranger")
    log_in(app, "stranger")
    refusal = app("group")
    assert (refusal.status_code, code(refusal)) == (403, "not_linked")


def test_a_group_with_an_error_of_the_app_is_left_to_the_app(app, caplog):
    make_user("stranger")
    log_in(app, "stranger")
    assert app("group", query_params={"mixed": "1"}).status_code == 500


# -- Monite's answers and broken connections


def test_monites_answer_is_passed_on(app, emulator, anna):
    log_in(app)
    answer = app("forwarded", query_params={"path": "/entity_users/me"})
    assert (answer.status_code, answer["content-type"]) == (200, "application/json")
    assert answer.json()["id"] == ANNA_ID
    assert answer["cache-control"] == "private, no-store"
    refusal = app("forwarded", query_params={"path": "/payables/00000000-0000-4000-8000-000000000000"})
    assert refusal.status_code == 404
    assert "message" in refusal.json()["error"]


def test_a_token_refused_by_monite_is_a_502_and_not_a_401(app, emulator, anna):
    log_in(app)
    order = emulator.monite.faults.add(Fault(kind="status", status=401, path="/payables"))
    assert app("forwarded", query_params={"path": "/payables"}).status_code == 502
    emulator.monite.faults.remove(order.id)


def test_a_connection_that_breaks_in_a_view_is_a_503_and_is_logged(app, emulator, anna, caplog):
    log_in(app)
    app("me")
    order = emulator.monite.faults.add(Fault(kind="cut_before", path="/payables"))
    answer = app("forwarded", query_params={"path": "/payables"})
    emulator.monite.faults.remove(order.id)
    assert (answer.status_code, code(answer)) == (503, "monite_unavailable")
    assert int(answer["retry-after"]) > 0


def test_a_broken_connection_to_another_host_is_left_to_the_app(app, anna):
    log_in(app)
    app("me")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert app("elsewhere", query_params={"port": nobody.getsockname()[1]}).status_code == 500


# -- the log


def test_every_error_that_becomes_an_answer_tells_developers_what_to_do(
    app, emulator, anna, caplog, monite_settings
):
    caplog.set_level(logging.WARNING, "monite_auth")
    with override_settings(MONITE_AUTH={**monite_settings, "CLIENT_SECRET": "not the right one at all"}):
        log_in(app)
        for page in ("me", "required", "monite/token"):
            answer = app(page)
            assert answer.status_code == 502
            assert DEMO_CLIENT_ID not in answer.content.decode()
        app.close()
    said = [
        each.getMessage()
        for each in caplog.records
        if each.name == "monite_auth" and each.levelname == "ERROR"
    ]
    assert any("MONITE_CLIENT" in each for each in said)


# -- an IDENTIFY that refuses


def refusing(error):
    def identify(request):
        raise error

    async def aidentify(request):
        raise error

    return identify, aidentify


@pytest.mark.parametrize("form", [0, 1], ids=["def", "async def"])
@pytest.mark.parametrize("page", ["me", "required", "monite/token"])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Http404("no such organization"), 404),
        (PermissionDenied("not theirs"), 403),
        (SuspiciousOperation("odd"), 400),
        (BadRequest("odd"), 400),
        (errors.NotLoggedIn("Log in first."), 401),
    ],
)
def test_an_identify_that_refuses_is_answered_as_django_would(
    app, monite_settings, page, error, status, form
):
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": refusing(error)[form]}):
        assert app(page).status_code == status
        assert app(page, method="post").status_code == status
        assert app("nothing").status_code == 200
        assert app("nothing", method="post").status_code == 200
        app.close()


def test_promise_5_an_identify_that_refuses_after_the_view_counts_as_a_logout(
    app, emulator, anna, monite_settings
):
    def identify(request):
        from monite_auth import Principal

        if not request.session.get("_auth_user_id"):
            raise PermissionDenied("Nobody.")
        return Principal(request.session["_auth_user_id"], session_id="one")

    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": identify}):
        log_in(app)
        assert app("me").json()["id"] == ANNA_ID
        assert app("flush", method="post").content == b"out"
        assert live(emulator) == 0
        app.close()


@pytest.mark.parametrize("answer", [("anna", "1"), "anna", True, object()])
def test_an_identify_that_returns_something_else_is_explained(app, monite_settings, answer, caplog):
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": lambda request: answer}):
        assert app("me").status_code == 500
        assert "it has to be a Principal or None" in caplog.text
        app.close()


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_identify_that_knows_that_the_session_has_ended_is_answered(app, monite_settings, method):
    identify = refusing(errors.SessionEnded("That key has been withdrawn."))[0]
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": identify}):
        assert code(app("monite/token", method=method)) == "session_ended"
        assert app("nothing", method=method).status_code == 200
        app.close()


# -- middleware inside of ours


@sync_and_async_middleware
def needing_monite(get_response):
    """Use Monite before or after the view, as a header of the request says; "own" is another error."""

    def at(request, moment):
        asked = request.headers.get("x-needs")
        if asked == f"{moment} own":
            raise KeyError("the app's own")
        return asked == moment

    async def aserve(request):
        if at(request, "before"):
            await request.monite.aentity_user()
        response = await get_response(request)
        if at(request, "after"):
            await request.monite.aentity_user()
        return response

    def serve(request):
        if at(request, "before"):
            request.monite.entity_user()
        response = get_response(request)
        if at(request, "after"):
            request.monite.entity_user()
        return response

    return aserve if iscoroutinefunction(get_response) else serve


@pytest.fixture
def with_needs(app):
    with override_settings(MIDDLEWARE=[*project.MIDDLEWARE, f"{__name__}.needing_monite"]):
        yield app.another(raise_request_exception=False)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_error_of_ours_in_a_middleware_inside_has_its_own_status(with_needs, moment, caplog):
    needs = {"x-needs": moment}
    refused = with_needs("nothing", headers=needs)
    assert (refused.status_code, code(refused)) == (401, "not_logged_in")
    assert "no-store" in refused["Cache-Control"]
    make_user("stranger")
    log_in(with_needs, "stranger")
    assert code(with_needs("nothing", headers=needs)) == "not_linked"
    assert with_needs("nothing", headers={"x-needs": f"{moment} own"}).status_code == 500
    assert with_needs("nothing").status_code == 200


# -- odd headers


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("origin", ["http://a:b:c", "null", "", "https://\x80", "x" * 5000, "//"])
def test_a_malformed_origin_is_a_403(app, anna, method, origin):
    log_in(app)
    assert app("monite/token", method=method, headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "host", ["[", "a b", "elsewhere.example", "testserver:port", "@", "testserver:99999999"]
)
def test_a_malformed_host_is_a_400(app, anna, method, host):
    log_in(app)
    assert app(
        "monite/token", method=method, headers={"host": host, "origin": "http://testserver"}
    ).status_code in (400, 403)
