"""The ASGI middleware and the two ends of a connection: an app that waits for the client, and a client that hangs up."""

import asyncio

import pytest

from monite_auth import errors
from monite_auth.emulator import ANNA_ID
from monite_auth_asgi import MoniteAuthMiddleware, monite
from tests.people import ANNA
from tests.waiting import PATIENCE, auntil


class Connection:
    """One connection, as a server keeps it: a disconnect is reported only when the answer is out, or the client has gone."""

    def __init__(self, kind="http"):
        self.scope = {"type": kind, "method": "GET", "path": "/", "headers": []}
        self.sent = []
        self.is_over = asyncio.Event()
        self._messages = [{"type": "http.request"}] if kind == "http" else [{"type": "websocket.connect"}]

    async def receive(self):
        if self._messages:
            return self._messages.pop()
        await self.is_over.wait()
        return {"type": self.scope["type"] + ".disconnect"}

    async def send(self, message):
        self.sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_over.set()

    async def serve(self, app):
        async with asyncio.timeout(PATIENCE):
            await app(self.scope, self.receive, self.send)

    @property
    def statuses(self):
        return [each["status"] for each in self.sent if each["type"] == "http.response.start"]


# -- what apps do with a 500, and with the client


async def answer_500(send):
    await send({"type": "http.response.start", "status": 500, "headers": []})
    await send({"type": "http.response.body", "body": b"Sorry, ", "more_body": True})
    await send({"type": "http.response.body", "body": b"that went wrong."})


async def hear_disconnect(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


def waits_from_the_start(view):
    """Return an app that waits for the client beside its view, as Quart does since 0.23."""

    async def app(scope, receive, send):
        is_waiting = asyncio.Event()

        async def wait():
            is_waiting.set()
            await hear_disconnect(receive)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wait())
            await is_waiting.wait()
            await view(scope, send)

    return app


def waits_afterwards(view):
    async def app(scope, receive, send):
        await view(scope, send)
        await hear_disconnect(receive)

    return app


def waits_until_its_view_is_done(view):
    """Return an app that waits for the client as long as its view runs, as Quart did up to 0.22."""

    async def app(scope, receive, send):
        waiting = asyncio.create_task(hear_disconnect(receive))
        await asyncio.wait([waiting, asyncio.create_task(view(scope, send))], return_when="FIRST_COMPLETED")
        waiting.cancel()

    return app


APPS = [waits_from_the_start, waits_afterwards, waits_until_its_view_is_done]


async def ours(scope, send):
    try:
        await monite(scope).atoken()
    except errors.NotLoggedIn:
        await answer_500(send)


async def its_own(scope, send):
    await answer_500(send)


@pytest.mark.parametrize("app", APPS)
async def test_an_app_that_waits_for_the_client_after_an_error_of_ours_gets_it_answered(broker, app):
    connection = Connection()
    await connection.serve(MoniteAuthMiddleware(app(ours), broker, lambda scope: None))
    assert connection.statuses == [401]
    assert b"not_logged_in" in connection.sent[-1]["body"]


@pytest.mark.parametrize("app", APPS)
async def test_an_app_that_waits_for_the_client_after_a_500_of_its_own_keeps_its_answer(broker, app):
    connection = Connection()
    await connection.serve(MoniteAuthMiddleware(app(its_own), broker, lambda scope: None))
    assert connection.statuses == [500]
    assert b"".join(each.get("body", b"") for each in connection.sent) == b"Sorry, that went wrong."


@pytest.mark.parametrize("view", [ours, its_own])
async def test_an_error_that_is_raised_when_the_answer_is_out_is_not_answered_again(broker, view):
    async def app(scope, receive, send):
        await waits_from_the_start(view)(scope, receive, send)
        raise errors.NotLoggedIn("too late")

    connection = Connection()
    with pytest.raises(errors.NotLoggedIn, match="too late"):
        await connection.serve(MoniteAuthMiddleware(app, broker, lambda scope: None))
    assert len(connection.statuses) == 1


async def test_a_websocket_that_the_app_has_denied_is_not_answered_again(broker):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})
        await monite(scope).atoken()

    connection = Connection("websocket")
    with pytest.raises(errors.NotLoggedIn):
        await connection.serve(MoniteAuthMiddleware(app, broker, lambda scope: None))
    assert [each["type"] for each in connection.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]


# -- a client that hangs up


async def test_promise_5_a_client_that_hangs_up_while_identify_is_asked_at_the_end_is_logged_out(
    broker, emulator
):
    is_asked_again, may_answer = asyncio.Event(), asyncio.Event()
    people = [ANNA]

    async def identify(scope):
        if people:
            return people.pop()
        is_asked_again.set()
        await may_answer.wait()
        return None

    async def app(scope, receive, send):
        await monite(scope).atoken()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    serving = asyncio.create_task(Connection().serve(MoniteAuthMiddleware(app, broker, identify)))
    await is_asked_again.wait()
    serving.cancel()  # by the framework, which has heard that the client has hung up
    may_answer.set()
    with pytest.raises(asyncio.CancelledError):
        await serving
    await auntil(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert len(emulator.monite.ledger.tokens) == 1
