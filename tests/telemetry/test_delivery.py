"""The way of an event to its sink: nobody waits for it, nothing is lost silently, and a fork does no harm."""

import asyncio
import logging
import multiprocessing
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from monite_auth import TokenBroker
from monite_auth.events import Event
from monite_auth.events.delivery import Delivery
from tests.at_once import in_threads
from tests.forking import FORKS, child_of, needs_fork
from tests.people import ANNA, PEOPLE
from tests.waiting import PATIENCE, until


def event(number=0, **more):
    return Event("token.minted", 0.0, str(number), "account", **more)


class Lost:
    """Counts what was lost."""

    def __init__(self):
        self.count = 0

    def __call__(self, count):
        self.count += count


def deliver(sink, *, room=10_000, pauses=()):
    lost = Lost()
    made = Delivery(
        sink,
        note_dropped=lost,
        dropped=lambda count: Event("events.dropped", 0.0, "gap", "account", count=count),
        room=room,
        pauses=pauses,
    )
    return made, lost


class StuckSink:
    """Takes nothing until it is let go."""

    def __init__(self):
        self.got = []
        self.goes_on = threading.Event()
        self.is_asked = threading.Event()

    def __call__(self, event):
        self.is_asked.set()
        assert self.goes_on.wait(PATIENCE)
        self.got.append(event)


def test_events_of_many_threads_all_arrive_in_the_order_of_each():
    got = []
    delivery, lost = deliver(got.append)
    in_threads(8, lambda thread: [delivery.put(event((thread, number))) for number in range(200)])
    assert delivery.flush(within=PATIENCE)
    assert delivery.is_idle
    assert (len(got), lost.count) == (1600, 0)
    for thread in range(8):
        mine = [each.id for each in got if each.id.startswith(f"({thread},")]
        assert mine == [str((thread, number)) for number in range(200)]


def test_a_sink_that_is_stuck_holds_up_nobody_and_what_finds_no_room_is_counted_and_told(caplog):
    sink = StuckSink()
    delivery, lost = deliver(sink, room=3)
    delivery.put(event(0))
    assert sink.is_asked.wait(PATIENCE)
    for number in range(1, 9):
        delivery.put(event(number))  # returns although nothing moves
    assert lost.count == 5
    assert not delivery.flush(within=0)
    sink.goes_on.set()
    assert delivery.flush(within=PATIENCE)
    assert [(each.id, each.count) for each in sink.got] == [
        ("0", None),
        ("gap", 5),
        ("1", None),
        ("2", None),
        ("3", None),
    ]
    assert "5 events for auditors were lost" in caplog.text


def test_a_sink_that_fails_gets_the_event_again(caplog):
    got, failures = [], [OSError("a database of anna's"), OSError("still")]

    def sink(event):
        if failures:
            raise failures.pop()
        got.append(event)

    delivery, lost = deliver(sink, pauses=(0, 0))
    delivery.put(event(1))
    assert delivery.flush(within=PATIENCE)
    assert [each.id for each in got] == ["1"]
    assert lost.count == 0
    assert caplog.text.count("A sink of events fails (OSError)") == 1
    assert "anna" not in caplog.text


def test_an_event_that_a_sink_can_never_take_is_counted_and_holds_up_none_that_follow():
    got = []

    def sink(event):
        if event.id == "1":
            raise ValueError
        got.append(event)

    delivery, lost = deliver(sink, pauses=(0,))
    for number in (1, 2):
        delivery.put(event(number))
    assert delivery.flush(within=PATIENCE)
    assert [each.name for each in got] == ["events.dropped", "token.minted"]
    assert (lost.count, got[0].count) == (1, 1)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_a_sink_may_raise_anything_and_gets_what_follows(error):
    got = []

    def sink(event):
        if event.id == "1":
            raise error
        got.append(event.id)

    delivery, lost = deliver(sink)
    for number in (1, 2):
        delivery.put(event(number))
    assert delivery.flush(within=PATIENCE)
    assert (got, lost.count) == (["gap", "2"], 1)


def test_a_sink_that_takes_nothing_at_all_loses_each_event_once():
    def sink(_event):
        raise OSError

    delivery, lost = deliver(sink)
    for number in range(10):
        delivery.put(event(number))
    assert delivery.flush(within=PATIENCE)
    assert lost.count == 10


def test_of_a_hundred_thousand_events_at_once_each_arrives_or_is_counted():
    got = []
    delivery, lost = deliver(got.append)
    in_threads(8, lambda thread: [delivery.put(event((thread, number))) for number in range(12_500)])
    assert delivery.flush(within=PATIENCE)
    delivery.put(event("last"))  # tells of the gap before it, if there is one
    assert delivery.flush(within=PATIENCE)
    missing = sum(each.count for each in got if each.name == "events.dropped")
    assert missing == lost.count
    assert len([each for each in got if each.name == "token.minted"]) + missing == 100_001


def test_where_no_thread_can_be_started_whoever_waits_delivers(monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)  # as Python 3.12 does while it exits
    got = []
    delivery, lost = deliver(got.append)
    for number in (1, 2):
        delivery.put(event(number))
    assert not delivery.flush(within=0)
    assert delivery.flush(within=PATIENCE)
    assert ([each.id for each in got], lost.count) == (["1", "2"], 0)


def test_one_sink_that_is_stuck_does_not_hold_up_another(emulated):
    stuck, got = StuckSink(), []
    broker = TokenBroker(emulated, PEOPLE, events=[stuck, got.append])
    broker.token(ANNA)
    until(lambda: got)
    assert stuck.got == []
    stuck.goes_on.set()
    broker.close()
    assert [each.name for each in stuck.got] == ["token.minted"]


def test_a_token_does_not_wait_for_a_sink_and_health_says_what_was_lost(emulated):
    sink = StuckSink()
    broker = TokenBroker(emulated, PEOPLE, events=sink)
    broker._listeners._deliveries[0] = delivery = Delivery(
        sink,
        note_dropped=broker._listeners._note_dropped,
        dropped=broker._listeners._recorder.dropped,
        room=1,
    )
    broker.token(ANNA)
    assert sink.is_asked.wait(PATIENCE)
    for _ in range(3):
        broker.end_user("anna")
    assert broker.health().events_dropped > 0
    assert "events_lost" in broker.health().ready.reasons
    assert broker.health().ready
    sink.goes_on.set()
    assert delivery.flush(within=PATIENCE)
    broker.close()
    assert "events.dropped" in [each.name for each in sink.got]


async def test_aclose_waits_for_sinks_and_keeps_the_event_loop_going(emulated):
    sink = StuckSink()
    broker = TokenBroker(emulated, PEOPLE, events=sink)
    await broker.atoken(ANNA)
    closing = asyncio.ensure_future(broker.aclose())
    asyncio.get_running_loop().call_soon(sink.goes_on.set)
    await closing
    assert "token.minted" in [each.name for each in sink.got]


@needs_fork
@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_delivers_its_own_events_and_not_those_of_its_parent(fork):
    reader, writer = multiprocessing.Pipe(duplex=False)
    sink = StuckSink()

    def write(event):
        if event.id == "parent":
            sink(event)
        writer.send(event.id)

    delivery, _ = deliver(write)
    delivery.put(event("parent"))
    assert sink.is_asked.wait(PATIENCE)  # the parent's thread is in the middle of it

    def child():
        delivery.put(event("child"))
        return delivery.flush(within=PATIENCE)

    assert child_of(fork, child)
    sink.goes_on.set()
    assert delivery.flush(within=PATIENCE)
    assert [reader.recv(), reader.recv()] == ["child", "parent"]
    assert not reader.poll()


EXITS = """
import sys
from monite_auth.events import Event
from monite_auth.events.delivery import Delivery

delivery = Delivery(lambda event: print(event.id), note_dropped=print, dropped=print)
for number in range(50):
    delivery.put(Event("token.minted", 0.0, str(number), "account"))
"""


def test_a_process_that_exits_delivers_what_it_has():
    done = subprocess.run([sys.executable, "-c", EXITS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(number) for number in range(50)]


STUCK = """
import threading
from monite_auth.events import Event
from monite_auth.events.delivery import Delivery

delivery = Delivery(lambda event: threading.Event().wait(), note_dropped=print, dropped=print)
for number in range(5):
    delivery.put(Event("token.minted", 0.0, str(number), "account"))
"""


def test_a_process_that_exits_says_what_a_sink_that_is_stuck_has_not_got():
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, check=True)
    assert done.stderr == "5 events for auditors had not reached a sink when the process ended.\n"


def test_where_no_threads_are_allowed_events_are_delivered_at_once(monkeypatch):
    uwsgi = SimpleNamespace(opt={}, worker_id=lambda: 1, mule_id=lambda: 0)
    got = []
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    delivery, _ = deliver(got.append)
    delivery.put(event(1))
    assert [each.id for each in got] == ["1"]


def test_sinks_that_log_with_the_brokers_own_logger_do_no_harm(emulated, caplog):
    def sink(event):
        logging.getLogger("monite_auth").warning("got %s", event.name)

    with TokenBroker(replace(emulated, events="log"), PEOPLE, events=sink) as broker:
        broker.token(ANNA)
    assert "got token.minted" in caplog.text
