"""What `broker.health()` says, without asking the store."""

import re
import threading

import pytest

from monite_auth import Health, Principal, TokenBroker, errors
from monite_auth.emulator import Fault
from monite_auth.engine.running import STANDSTILL
from monite_auth.engine.runtime import run
from monite_auth.engine.sweeps import Sweeps
from monite_auth.stores import Slot
from monite_auth.stores.health import REASONS, Verdict
from monite_auth.testing.adapters.fixtures import StoreThatFails
from monite_auth.tokens import AccessToken, Secret
from tests.people import ANNA, PEOPLE
from tests.scripted import ALICE, settings
from tests.waiting import PATIENCE, until


def test_memory_is_always_up_and_knows_what_is_pending():
    now = 1_700_000_000.0
    broker = TokenBroker(settings(), {}, clock=lambda: now)
    assert broker.health() == Health("up", None, 0, is_durable=False, pending=0)
    token = AccessToken.granted(Secret("a"), life=1800, sent_at=now, jitter=0.5, clock=lambda: now)
    run(broker.store.operations(blocking=True).revoke(token))
    assert broker.health().pending == 1


@pytest.mark.parametrize("is_durable", [True, False])
def test_an_outage_is_told_with_its_beginning_its_end_and_what_waits(tmp_path, is_durable):
    now = 1_700_000_000.0
    store = StoreThatFails()
    chosen = settings(journal_directory=str(tmp_path / "journal") if is_durable else "")
    broker = TokenBroker(chosen, {}, store=store, clock=lambda: now)
    assert broker.health() == Health("up", None, 0, is_durable=is_durable, pending=None)
    store.is_down = True
    operations = broker.store.operations(blocking=True)
    run(operations.end_session(ALICE))
    run(operations.end_user("bob"))
    began, asked = now, store.asked.total()
    now += 5
    reasons = ("store_degraded", "endings_waiting")
    assert broker.health() == Health(
        "degraded", began, 2, is_durable=is_durable, pending=None, ready=Verdict(ok=True, reasons=reasons)
    )
    assert store.asked.total() == asked
    store.is_down = False
    run(operations.peek(Slot("carol", None, None), Principal("carol")))
    assert broker.health() == Health("up", now, 0, is_durable=is_durable, pending=None)


def test_everything_that_ends_in_an_outage_waits_too(tmp_path):
    store = StoreThatFails()
    broker = TokenBroker(settings(journal_directory=str(tmp_path)), {}, store=store)
    store.is_down = True
    report = broker.end_everything()
    assert report.is_owed
    assert "told as soon as it is back" in str(report)
    assert broker.health().waiting == 1
    store.is_down = False
    until(lambda: broker.health().waiting == 0)
    broker.close()


def test_a_process_is_not_ready_once_an_outage_has_outlasted_its_trust():
    now, store = 1_700_000_000.0, StoreThatFails()
    broker = TokenBroker(settings(outage_trust=60), {}, store=store, clock=lambda: now)
    store.is_down = True
    run(broker.store.operations(blocking=True).end_session(ALICE))
    now += 59
    assert broker.health().ready
    now += 2
    health = broker.health()
    assert (health.ready.ok, health.ready.reasons) == (False, ("store_down", "endings_waiting"))
    assert health.live


@pytest.mark.parametrize(
    ("fault", "raises", "reason", "is_ready"),
    [
        ({"kind": "status", "status": 401}, errors.CredentialsRejected, "credentials_refused", False),
        (
            {"kind": "status", "status": 404, "body": "no such page"},
            errors.MoniteUnavailable,
            "address_wrong",
            False,
        ),
        ({"kind": "throttle", "retry_after": 60}, errors.RateLimited, "monite_unavailable", True),
    ],
)
def test_what_monite_answered_last_is_a_reason_until_it_mints(
    broker, emulator, fault, raises, reason, is_ready
):
    assert broker.health().ready.reasons == ()
    order = emulator.monite.faults.add(Fault(path="/auth/token", **fault))
    with pytest.raises(raises):
        broker.token(ANNA)
    assert broker.health().ready == Verdict(ok=is_ready, reasons=(reason,))
    emulator.monite.faults.remove(order.id)
    with TokenBroker(broker.settings, PEOPLE) as other:
        other.token(ANNA)
        assert other.health().ready == Verdict()


async def test_it_is_the_same_on_an_event_loop(broker):
    assert await broker.ahealth() == broker.health()


def test_background_work_that_stands_still_is_told_as_not_live(emulated):
    stuck, goes_on = threading.Event(), threading.Event()

    class Sweeper:
        def sweep(self):
            stuck.set()
            goes_on.wait(PATIENCE)

    sweeper, now = Sweeper(), 0.0
    sweeps = Sweeps(sweeper.sweep, 0.001, timer=lambda: now)
    assert sweeps.seconds_since() == 0.0
    sweeps.begin()
    assert stuck.wait(PATIENCE)
    now = STANDSTILL + 1
    assert sweeps.seconds_since() == STANDSTILL + 1
    goes_on.set()
    until(lambda: sweeps.seconds_since() == 0.0)
    sweeps.end()
    assert sweeps.seconds_since() == 0.0
    broker = TokenBroker(emulated, {}, store=StoreThatFails())
    here = broker.running
    here._sweeps = sweeps
    sweeps.begin()
    stuck.clear()
    goes_on.clear()
    assert stuck.wait(PATIENCE)
    now += STANDSTILL + 1
    assert broker.health().live == Verdict(ok=False, reasons=("background_stopped",))
    goes_on.set()
    until(lambda: broker.health().live)
    broker.close()


def test_every_reason_has_its_words():
    assert all(re.fullmatch("[a-z_]+", name) and words for name, words in REASONS.items())
