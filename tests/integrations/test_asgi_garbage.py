"""A request that is over leaves nothing behind that only the garbage collector finds. A collection takes as long as some requests do."""

import asyncio
import gc

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from monite_auth.emulator import ANNA_ID
from monite_auth_asgi import MoniteAuthMiddleware, monite
from monite_auth_asgi.visit import ConnectionVisit
from tests.integrations.starlette_apps import SESSIONS, app_of
from tests.people import ANNA


def scope_of(session=None):
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "state": {}}
    return scope if session is None else {**scope, "session": session}


async def serve(app, scope):
    """Serve a request as a server does: in a task, which holds whatever there is of it."""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    sent = []
    await asyncio.create_task(app(scope, receive, send))
    await asyncio.sleep(0)  # what is called when the task is done
    return sent[0]["status"]


def visits():
    # By its type: lazy objects of Django's, left by other tests, are loaded when they are asked for their class.
    return [each for each in gc.get_objects() if issubclass(type(each), ConnectionVisit)]


@pytest.fixture(autouse=True)
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def unused(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def takes_a_token(scope, receive, send):
    await monite(scope).atoken()
    await unused(scope, receive, send)


async def logs_out(scope, receive, send):
    await takes_a_token(scope, receive, send)
    scope["session"].clear()


@pytest.mark.parametrize(
    ("app", "session"),
    [
        (unused, None),
        (unused, {}),
        (unused, {"user_id": "anna"}),
        (takes_a_token, {"user_id": "anna"}),
        (logs_out, {"user_id": "anna"}),
    ],
    ids=["nobody", "a visitor", "a user", "a user of Monite", "a user who leaves"],
)
async def test_a_request_leaves_no_visit_behind(broker, app, session):
    assert await serve(MoniteAuthMiddleware(app, broker), scope_of(session)) == 200
    assert visits() == []


async def test_nor_does_one_whose_user_the_app_names(broker, emulator):
    ours = MoniteAuthMiddleware(takes_a_token, broker, identify=lambda _scope: ANNA)
    assert await serve(ours, scope_of()) == 200
    assert visits() == []
    assert len(emulator.monite.ledger.live(ANNA_ID)) == 1


@pytest.mark.parametrize("outside", [(SESSIONS,), ()], ids=["sessions", "no sessions"])
async def test_nor_does_one_of_starlette(broker, outside):
    async def plain(_request):
        return PlainTextResponse("ok")

    app = app_of(broker, Route("/", plain), outside=outside)
    assert await serve(app, scope_of()) == 200
    assert visits() == []
