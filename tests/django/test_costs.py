"""The cost of having the middleware, and of using it."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject

import monite_auth_django
from monite_auth_django.middleware import MoniteAuthMiddleware
from tests.django.conftest import close_connections


def queries(client, path):
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return len(captured)


def test_requests_that_do_not_use_monite_cost_no_query_and_do_not_vary(anna, client):
    client.force_login(anna)
    answer = client.get("/nothing")
    assert "vary" not in answer.headers
    assert not answer.cookies
    assert queries(client, "/nothing") == 0


def test_using_monite_costs_the_queries_of_request_user_and_one_for_the_first_token(anna, client):
    client.force_login(anna)
    assert queries(client, "/me") == 3  # session, user, link
    assert queries(client, "/me") == 2  # session, user
    assert queries(client, "/required") == 2


def test_the_middleware_makes_no_thread_hop_in_an_async_stack(anna, emulator, monkeypatch):
    async def view(request):
        monite = await request.amonite()
        await monite.atoken()
        await request.session.aflush()
        return HttpResponse("ok")

    async def auser():
        return anna

    def refuse_to_evaluate():
        raise AssertionError("evaluated")

    async def main():
        request = RequestFactory().get("/")
        request.session = SessionStore()
        request.session["_auth_user_id"] = str(anna.pk)
        request.user = SimpleLazyObject(refuse_to_evaluate)
        request.auser = auser
        broker = monite_auth_django.broker()
        principal = await monite_auth_django.aidentify(request)
        await broker.atoken(principal)  # here the directory queries the database
        await sync_to_async(close_connections)()
        hops = []
        monkeypatch.setattr("asgiref.sync.SyncToAsync.__call__", lambda *a, **k: hops.append(a))
        monkeypatch.setattr("asyncio.to_thread", lambda *a, **k: hops.append(a))
        await MoniteAuthMiddleware(view)(request)
        assert hops == []
        with pytest.raises(Exception, match="ended|logged out"):
            await broker.atoken(principal)
        await broker.aclose()

    asyncio.run(main())


def test_a_middleware_that_comes_too_early_is_explained(anna):
    request = RequestFactory().get("/")
    MoniteAuthMiddleware(lambda request: HttpResponse())(request)
    with pytest.raises(Exception, match="after .*AuthenticationMiddleware"):
        bool(request.monite)
    assert get_user_model() is type(anna)
