"""What Redis answers may be anything: a record may be overwritten or cut, and something may stand in between. It is never more than an
outage of a record."""

import asyncio
import threading
from contextlib import suppress
from typing import Self

import pytest

from monite_auth.errors import ConfigurationError, StoreUnavailable
from monite_auth.stores import Cooldown, Priority
from monite_auth.stores.redis.answers import ANSWERS, is_answer_of
from monite_auth.stores.redis.scripts import SCRIPTS
from tests.stores.harness import ALICE, BOB, BOBS
from tests.stores.live import LiveGround, user

STRANGE = (
    b"$-1\r\n",  # nothing
    b":7\r\n",
    b"$64\r\n" + b"\xff" * 64 + b"\r\n",
    b"*3\r\n:1\r\n:2\r\n:3\r\n",
    b"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
    b"*2\r\n$7\r\nforeign\r\n:31\r\n",  # another shard than was asked
    b"*2\r\n$4\r\nbusy\r\n$3\r\ninf\r\n",  # for ever
)

TEXTS = ("info", "get_note")
"""Scripts that answer with any text."""

NONE = ("envelope", "holders")
"""Scripts that may answer with an empty list."""

SURVIVED = {"hold_value", "account", "envelope", "info"}
"""Scripts that nobody depends on: a token is stored without, and a copy of the envelope takes its place."""


class Impostor:
    """A proxy of Redis that answers one script by itself, with what it is told."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.sha, self.answer = b"", b""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        mine = asyncio.current_task()
        others = [each for each in asyncio.all_tasks() if each is not mine]
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, commands = await asyncio.open_connection("127.0.0.1", self._to)
        back = asyncio.create_task(self._pass_back(server, answers))
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                command = await self._command(client)
                if self.sha and self.sha in command:
                    answers.write(self.answer)  # commands of a connection wait for each other's answers
                else:
                    commands.write(command)
        back.cancel()
        commands.close()
        answers.close()

    async def _pass_back(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        while some := await server.read(1 << 16):
            answers.write(some)

    async def _command(self, client: asyncio.StreamReader) -> bytes:
        read = head = await client.readuntil(b"\r\n")
        for _ in range(int(head[1:])):
            length = await client.readuntil(b"\r\n")
            read += length + await client.readexactly(int(length[1:]) + 2)
        return read


@pytest.fixture
def impostor(server):
    with Impostor(server.port) as impostor:
        yield impostor


def operations(driver):
    """Return every operation, as functions of the operations of a store."""
    home, carol = user(7)
    lease, token, dated = driver.lease(slot=home, principal=carol), driver.token("one"), driver.dated(5, None)
    driver.put("two")
    driver.put("two", BOBS, BOB)  # so that a revocation asks whether he still has it
    driver.put("three", BOBS, BOB)
    driver.run(driver.ops.end_session(ALICE))
    (pending,) = driver.run(driver.ops.due(1, seconds=30)).batch
    shard, _, _ = pending.id.partition(".")
    return [
        lambda ops: ops.peek(home, carol),
        lambda ops: ops.peek(home, dated),
        lambda ops: ops.peek_in_turn(BOBS, BOB, patience=1),
        lambda ops: ops.claim(home, dated, owner="x", seconds=5, min_life=0),
        lambda ops: ops.commit(lease, token),
        lambda ops: ops.abandon(lease, Cooldown(1, "x", "y", everyone=True)),
        lambda ops: ops.discard(home, "x"),
        lambda ops: ops.begin_session(carol, ago=3.0),
        lambda ops: ops.session_state(carol),
        lambda ops: ops.condemn(pending),
        lambda ops: ops.postpone(pending, 1),
        lambda ops: ops.settle(pending),
        lambda ops: ops.due(5, seconds=30),
        lambda ops: ops.end_session(carol),
        lambda ops: ops.end_user("carol"),
        lambda ops: ops.relink("carol"),
        lambda ops: ops.end_everything(),
        lambda ops: ops.revoke(driver.token("three")),
        lambda ops: ops.revoke(driver.token("nobody's")),
        lambda ops: ops.put_note("carol", "x", "y", seconds=5),
        lambda ops: ops.get_note("carol", "x"),
        lambda ops: ops.delete_note("carol", "x"),
        lambda ops: ops.admit(Priority.USER, None, patience=1),
        lambda ops: ops.hold(0.01),
        lambda ops: ops.lower_limit(20),
        lambda ops: ops.status("carol"),
        lambda ops: ops.backlog(),
        lambda ops: ops.overview(),
        lambda ops: ops.names_key(),
        lambda ops: ops.remembered(shard),
        lambda ops: ops.pending(shard),
        lambda ops: ops.holders(shard),
    ]


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_promise_11_what_no_script_answers_is_an_outage_of_a_record(server, impostor, drive, script):
    ground = LiveGround(impostor.url)
    used = drive(ground, "blocking")
    every = operations(used)
    if script == "adopt":
        server.admin.delete(*server.admin.scan_iter(match="*}:key"))  # so that each shard has to be adopted
    impostor.sha = SCRIPTS[script].sha.encode()
    refused = 0
    for impostor.answer in STRANGE:
        fresh = drive(ground, "blocking")  # which has still to open the envelope, and to see the clock
        for driver, operation in ((fresh, every[3]), *((used, each) for each in every)):
            try:
                driver.run(operation(driver.ops))
            except StoreUnavailable as error:
                assert error.part is not None
                refused += 1
            except ConfigurationError:
                assert script in ("envelope", "info")
    assert (refused == 0) == (script in SURVIVED)


@pytest.mark.parametrize("script", sorted(SCRIPTS))
@pytest.mark.parametrize("answer", [b"\xff\xfe", 7.5, [], [None], [[1]], [b"hit", b"x", b"nan"], {}])
def test_a_script_does_not_answer_everything(script, answer):
    assert not is_answer_of(script, answer) or script in TEXTS or (answer == [] and script in NONE)


def test_every_script_says_what_it_answers():
    assert set(ANSWERS) == set(SCRIPTS)
