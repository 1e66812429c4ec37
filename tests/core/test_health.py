"""What `broker.health()` says, without asking the store."""

import pytest

from monite_auth import Health, Principal, TokenBroker
from monite_auth.engine.runtime import run
from monite_auth.stores import Slot
from monite_auth.testing.adapters.fixtures import StoreThatFails
from monite_auth.tokens import AccessToken, Secret
from tests.scripted import ALICE, settings
from tests.waiting import until


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
    assert broker.health() == Health("degraded", began, 2, is_durable=is_durable, pending=None)
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
