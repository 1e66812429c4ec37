"""Sessions that end without notice: outside of our middleware, in other processes, or in views that fail or are cancelled."""

import asyncio
from importlib import import_module

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings as project
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path

from monite_auth import Principal
from monite_auth.emulator import ANNA_ID
from tests.django.conftest import Visitor, close_connections, code, live, log_in
from tests.django.project.outside import OUTSIDE
from tests.django.project.urls import urlpatterns as usual

ENGINES = ["db", "cache", "cached_db", "signed_cookies"]


@pytest.fixture(params=ENGINES)
def engine(request):
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{request.param}"):
        yield request.param


@pytest.fixture
def outside(visitor):
    """A visitor of a project with a middleware outside of ours and the views of this file."""
    middleware = list(project.MIDDLEWARE)
    middleware.insert(3, OUTSIDE)
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=__name__):
        yield visitor.another(raise_request_exception=False)


# -- outside of our middleware


@pytest.mark.parametrize("engine", ["db", "signed_cookies"], indirect=True)
@pytest.mark.parametrize("when", ["before", "after", "instead"])
@pytest.mark.parametrize("way", ["flush", "clear", "forget", "logout"])
def test_promise_5_a_session_that_ends_outside_of_our_middleware_is_logged_out(
    outside, emulator, anna, engine, way, when
):
    log_in(outside)
    assert outside("me").json()["id"] == ANNA_ID
    answer = outside("nothing", headers={"x-outside": f"{way} {when}"})
    assert answer.content == (b"instead" if when == "instead" else b"nothing")
    assert live(emulator) == 0
    assert outside("me").status_code == 401


@pytest.mark.parametrize("when", ["before", "instead"])
def test_promise_5_a_session_that_djangos_own_user_flushes_is_logged_out(outside, emulator, anna, when):
    log_in(outside)
    outside("me")
    User.objects.update(password=make_password("set by another way, of which no signal tells"))
    outside("nothing", headers={"x-outside": f"look {when}"})
    assert live(emulator) == 0


def test_a_middleware_that_only_reads_the_session_ends_nothing(outside, emulator, anna):
    log_in(outside)
    outside("me")
    outside("nothing", headers={"x-outside": "look before"})
    assert live(emulator) == 1


# -- in views that fail, or are cancelled


def fail(request):
    getattr(request.session, request.GET["way"])(*request.GET.getlist("argument"))
    raise RuntimeError("the audit log is down")


async def afail(request):
    way = {"flush": "aflush", "pop": "apop", "clear": "clear"}[request.GET["way"]]
    done = getattr(request.session, way)(*request.GET.getlist("argument"))
    if done is not None:
        await done
    if hasattr(request, "hangs"):
        request.hangs.set()
        await asyncio.Event().wait()
    raise RuntimeError("the audit log is down")


ENDS = [{"way": "flush"}, {"way": "clear"}, {"way": "pop", "argument": "_auth_user_id"}]


@pytest.mark.parametrize("query", ENDS, ids=lambda query: query["way"])
def test_promise_5_a_session_ended_by_a_view_that_then_fails_is_logged_out(
    outside, emulator, anna, engine, query
):
    log_in(outside)
    outside("me")
    assert outside("fail", query_params=query).status_code == 500
    assert live(emulator) == 0


def swap(request):
    key = request.session.session_key if request.GET["for"] == "itself" else None
    request.session = type(request.session)(key)
    if request.GET["for"] == "failure":
        raise RuntimeError("the audit log is down")
    return HttpResponse(request.GET["for"])


async def aswap(request):
    return swap(request)


@pytest.mark.parametrize("other", ["nobody", "failure"])
def test_promise_5_a_session_that_a_view_replaces_is_logged_out(outside, emulator, anna, engine, other):
    log_in(outside)
    outside("me")
    outside("swap", query_params={"for": other})
    assert live(emulator) == 0


def test_a_session_that_a_view_opens_again_goes_on(outside, emulator, anna, engine):
    log_in(outside)
    outside("me")
    outside("swap", query_params={"for": "itself"})
    assert live(emulator) == 1
    assert outside("me").json()["id"] == ANNA_ID


@pytest.mark.parametrize("engine", ["db", "signed_cookies"], indirect=True)
@pytest.mark.parametrize("status", [504, 200])
@pytest.mark.parametrize("query", ENDS, ids=lambda query: query["way"])
def test_promise_5_a_session_ended_by_a_view_that_is_then_cancelled_is_logged_out(
    asgi, emulator, anna, engine, query, status
):
    middleware = list(project.MIDDLEWARE)
    middleware.insert(3, OUTSIDE)
    with override_settings(MIDDLEWARE=middleware, ROOT_URLCONF=__name__):
        visitor = asgi.another()
        log_in(visitor)
        visitor("me")
        answer = visitor("fail", query_params=query, headers={"x-outside": f"{status} limit"})
        assert answer.status_code == status
        assert live(emulator) == 0


def test_promise_5_a_session_ended_before_the_client_disconnects_is_logged_out(asgi, emulator, anna):
    log_in(asgi)
    asgi("me")
    cookie = f"sessionid={asgi.client.cookies['sessionid'].value}".encode()
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/a/fail",
        "query_string": b"way=flush",
        "headers": [(b"host", b"testserver"), (b"cookie", cookie)],
    }

    async def main():
        handler = ASGIHandler()
        serve = handler.get_response_async
        hangs = asyncio.Event()
        messages = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await hangs.wait()
            return {"type": "http.disconnect"}

        async def serve_and_hang(request):
            request.hangs = hangs
            return await serve(request)

        handler.get_response_async = serve_and_hang
        # Like ASGIHandler.__call__, which leaves the database connection of a cancelled request open: close it here.
        async with ThreadSensitiveContext():
            await handler.handle(scope, receive, None)
            await sync_to_async(close_connections)()

    with override_settings(ROOT_URLCONF=__name__):
        asgi.portal.call(main)
    assert live(emulator) == 0


# -- elsewhere, without a request


def sessions():
    return import_module(project.SESSION_ENGINE).SessionStore


ELSEWHERE = {
    "flush": lambda key: sessions()(key).flush(),
    "delete": lambda key: sessions()(key).delete(),
    "delete by key": lambda key: sessions()().delete(key),
    "flush when read": lambda key: (store := sessions()(key)).keys() and store.flush(),
}


@pytest.mark.parametrize("engine", ENGINES[:3], indirect=True)
@pytest.mark.parametrize("way", ELSEWHERE)
def test_promise_5_a_session_that_is_deleted_elsewhere_is_logged_out(emulator, anna, engine, client, way):
    client.force_login(anna)
    client.get("/me")
    ELSEWHERE[way](client.cookies["sessionid"].value)
    assert live(emulator) == 0
    assert client.get("/me").status_code == 401


@pytest.mark.parametrize("engine", ENGINES[:3], indirect=True)
@pytest.mark.parametrize("way", ["aflush", "adelete", "adelete by key", "clear and adelete"])
def test_promise_5_a_session_that_is_deleted_on_an_event_loop_is_logged_out(
    emulator, anna, engine, client, way
):
    client.force_login(anna)
    client.get("/me")
    key = client.cookies["sessionid"].value

    async def main():
        if way == "adelete by key":
            await sessions()().adelete(key)
        elif way == "clear and adelete":
            store = sessions()(key)
            store.clear()  # its data cannot be read on an event loop
            await store.adelete()
        else:
            await getattr(sessions()(key), way)()
        await sync_to_async(close_connections)()

    asyncio.run(main())
    assert live(emulator) == 0


def test_a_logout_signal_without_a_request_ends_nothing_by_itself(emulator, anna, client):
    client.force_login(anna)
    client.get("/me")
    user_logged_out.send(sender=User, request=None, user=anna)
    assert live(emulator) == 1
    sessions()(client.cookies["sessionid"].value).flush()
    assert live(emulator) == 0


# -- changes that end nothing


def rotate(request):
    request.session.cycle_key()
    return HttpResponse("rotated")


async def arotate(request):
    await request.session.acycle_key()
    return HttpResponse("rotated")


def test_rotation_of_the_sessions_key_ends_nothing_and_costs_no_read(outside, emulator, anna, engine):
    log_in(outside)
    outside("me")
    session = outside("facts").json()["session"]
    for _ in range(3):
        outside("rotate")
    assert outside("facts").json()["session"] == session
    assert live(emulator) == 1
    assert outside("me").json()["id"] == ANNA_ID


def test_another_session_that_is_deleted_ends_nothing_here(emulator, anna, client):
    other = Visitor()
    log_in(other)
    client.force_login(anna)
    first = client.get("/facts").json()["session"]
    other("me")
    sessions()().delete(other.client.cookies["sessionid"].value)
    assert client.get("/facts").json()["session"] == first
    assert client.get("/me").json()["id"] == ANNA_ID


def test_watched_session_stores_keep_their_name_and_signing_salt(engine):
    store = sessions()
    made = store()
    assert isinstance(made, store)
    assert (type(made).__qualname__, type(made).__module__) == ("SessionStore", store.__module__)
    assert made.key_salt == "django.contrib.sessions.SessionStore"
    assert type(type(made)()) is type(made)


# -- sessions of the app's own, which only its IDENTIFY can read

SESSIONS: dict[str, str] = {}


def who(request):
    name = request.headers.get("x-session")
    return Principal(SESSIONS[name], session_id=name) if name in SESSIONS else None


def who_must_be_there(request):
    return Principal(SESSIONS[request.headers["x-session"]], session_id=request.headers["x-session"])


async def awho_must_be_there(request):
    return who_must_be_there(request)


def pop(request):
    SESSIONS.pop(request.headers["x-session"])
    if "fails" in request.GET:
        raise RuntimeError("the audit log is down")
    return HttpResponse("out")


async def apop(request):
    SESSIONS.pop(request.headers["x-session"])
    if hasattr(request, "hangs"):
        request.hangs.set()
        await asyncio.Event().wait()
    if "fails" in request.GET:
        raise RuntimeError("the audit log is down")
    return HttpResponse("out")


@pytest.mark.parametrize("query", [{}, {"fails": "1"}])
def test_promise_5_a_logout_that_only_identify_sees_counts(outside, emulator, anna, monite_settings, query):
    SESSIONS["one"] = str(anna.pk)
    headers = {"x-session": "one"}
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": who}):
        assert outside("me", headers=headers).json()["id"] == ANNA_ID
        outside("pop", method="post", headers=headers, query_params=query)
        assert live(emulator) == 0
        SESSIONS["one"] = str(anna.pk)
        assert code(outside("me", headers=headers)) == "session_ended"
        outside.close()


def test_promise_5_a_logout_that_only_identify_sees_counts_if_the_view_is_cancelled(
    asgi, emulator, anna, monite_settings
):
    SESSIONS["two"] = str(anna.pk)
    headers = {"x-session": "two"}
    middleware = [*project.MIDDLEWARE[:3], OUTSIDE, *project.MIDDLEWARE[3:]]
    options = {"MONITE_AUTH": {**monite_settings, "IDENTIFY": who}, "MIDDLEWARE": middleware}
    with override_settings(**options, ROOT_URLCONF=__name__):
        visitor = asgi.another()
        assert visitor("me", headers=headers).json()["id"] == ANNA_ID
        visitor("pop", method="post", headers={**headers, "x-outside": "504 limit"})
        assert live(emulator) == 0
        visitor.close()


@pytest.mark.parametrize("identify", [who_must_be_there, awho_must_be_there])
def test_promise_5_an_identify_that_fails_when_the_session_is_gone_has_found_nobody(
    outside, emulator, anna, monite_settings, identify, caplog
):
    SESSIONS["three"] = str(anna.pk)
    headers = {"x-session": "three"}
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": identify}):
        assert outside("me", headers=headers).json()["id"] == ANNA_ID
        assert outside("pop", method="post", headers=headers).content == b"out"
        assert live(emulator) == 0
        assert "identify failed at the end of a request" in caplog.text
        assert "KeyError: 'three'" in caplog.text
        outside.close()


def test_an_own_identify_is_not_asked_by_requests_that_only_read(client, monite_settings):
    asked = []

    def identify(request):
        asked.append(request.path)

    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": identify}):
        client.get("/nothing")
        assert asked == []


# -- a user who is replaced by hand


def exchange(request):
    request.session["_auth_user_id"] = request.GET["user"]
    request.user = User.objects.get(pk=request.GET["user"])
    return HttpResponse(str(request.monite.principal.user_id))


async def aexchange(request):
    await request.session.aset("_auth_user_id", request.GET["user"])
    request.user = await User.objects.aget(pk=request.GET["user"])
    return HttpResponse(str((await request.amonite()).principal.user_id))


def test_promise_5_a_user_replaced_by_hand_is_logged_out_even_if_monite_was_used_meanwhile(
    outside, emulator, anna, viktor
):
    log_in(outside)
    outside("me")
    assert outside("exchange", query_params={"user": viktor.pk}).content.decode() == str(viktor.pk)
    assert live(emulator) == 0


def test_a_plain_request_without_a_watched_session_is_served(anna):
    from monite_auth_django.middleware import MoniteAuthMiddleware

    request = RequestFactory().get("/")
    request.user, request.session = anna, {"_auth_user_id": str(anna.pk)}
    answer = MoniteAuthMiddleware(lambda request: HttpResponse(request.monite.principal.user_id))(request)
    assert answer.content.decode() == str(anna.pk)


urlpatterns = [
    *usual,
    *(path(each.__name__, each) for each in (fail, swap, rotate, pop, exchange)),
    *(path(f"a/{each.__name__[1:]}", each) for each in (afail, aswap, arotate, apop, aexchange)),
]
