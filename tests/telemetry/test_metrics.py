"""Metrics, through the real OpenTelemetry SDK: each of the table, by its name."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from monite_auth import EntityUser, Principal, SecurityModel, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_SECRET, Fault
from monite_auth.engine.asking import Turn
from monite_auth.engine.runtime import run
from monite_auth.stores import Overview, Priority
from monite_auth.telemetry import facts
from monite_auth.telemetry.counts import Counter
from monite_auth.telemetry.instruments import INSTRUMENTS
from monite_auth.telemetry.metrics import Backlog, process_metrics
from monite_auth.testing.adapters.fixtures import StoreThatFails
from monite_auth.tokens import Secret
from tests.at_once import in_threads
from tests.scripted import granted, numbered, refused, reply, throttled
from tests.telemetry.told import TellingWorld
from tests.waiting import PATIENCE, until

ANNA = Principal("anna", session_id="anna-1")
PEOPLE = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
PAGE = Path(__file__).parents[2] / "docs" / "telemetry.md"


def test_a_mint_its_tries_and_its_end_are_measured_and_name_nobody(reader, measured, emulated, emulator):
    emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/token", times=1))
    with TokenBroker(emulated, PEOPLE) as broker:
        token = broker.token(ANNA)
        broker.logout(ANNA)
        with pytest.raises(errors.SessionEnded):
            broker.token(ANNA)
    assert measured("mint.duration", outcome="granted") == 1
    assert measured("mint.duration", outcome="fault") == 1
    assert measured("mint.committed", outcome="stored") == 1
    assert measured("token.wait.duration", outcome="token") == 1
    assert measured("token.wait.duration", outcome="session_ended") == 1
    assert measured("revocations", outcome="revoked") == 1
    assert measured("endings", reach="session") == 1
    assert measured("journal.length") == 0
    written = reader.get_metrics_data().to_json()
    for secret in ("anna", ANNA_ID, token.value.reveal(), DEMO_CLIENT_SECRET):
        assert secret not in written


def test_hits_of_threads_and_tasks_are_counted_and_no_waits(measured, broker):
    broker.token(ANNA)

    async def hit():
        async with broker:
            for _ in range(3):
                await broker.atoken(ANNA)

    before = measured("token.hits")
    in_threads(8, lambda _: [broker.token(ANNA) for _ in range(500)])
    asyncio.run(hit())
    assert measured("token.hits") - before == 4003
    assert measured("token.stale_hits") == 0


def test_a_counter_can_be_read_while_others_count():
    counter = Counter()
    assert counter.value == 0
    counter.add()
    assert [counter.value, counter.value] == [1, 1]
    counter.add()
    assert counter.value == 2


def test_a_token_that_is_due_for_renewal_is_a_stale_hit_and_its_renewal_is_counted(measured):
    world = TellingWorld(numbered(life=1800))
    world.token()
    world.now += 1700
    assert world.value() == "token-1"
    world.run_background()
    assert world.value() == "token-2"
    assert measured("token.stale_hits") == 1
    assert measured("token.hits") == 2
    assert measured("renewals", outcome="renewed") == 1


def test_a_renewal_that_fails_is_counted(measured):
    world = TellingWorld(granted("token-1"), reply(500, {}))
    world.token()
    world.now += 1700
    assert world.value() == "token-1"
    world.run_background()
    assert measured("renewals", outcome="failed") == 1


def test_failures_cool_down_and_are_told_by_code_and_reach(measured):
    world = TellingWorld(refused(401))
    with pytest.raises(errors.CredentialsRejected):
        world.token()
    assert measured("mint.duration", outcome="badcredentials") == 1
    assert measured("mint.cooldowns", code="credentials_rejected", reach="everyone") == 1
    assert measured("token.wait.duration", outcome="credentials_rejected") == 1


def test_a_mint_that_a_logout_fences_is_counted(measured):
    def answer(_request):
        world.logout()
        return granted("token-1")

    world = TellingWorld(answer)
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert measured("mint.committed", outcome="fenced") == 1


def test_holds_and_waits_for_a_turn_are_measured_by_reason_and_priority(measured):
    world = TellingWorld(throttled("2"), granted("token-1"))
    world.token()
    assert measured("hold.duration", reason="throttled") == 1
    assert measured("budget.wait.duration", priority="user") == 1
    run(world.store.hold(3))
    for priority in (Priority.CALL, Priority.RENEWAL, Priority.REVOCATION):
        assert run(Turn(world).take(priority, until=world.now + 60)) == 0
        run(world.store.hold(3))
        assert measured("budget.wait.duration", priority=priority.name.lower()) == 1


def test_a_pause_that_another_answer_asks_for_is_a_hold_too(measured):
    world = TellingWorld(reply(503, {}, {"retry-after": "1"}), granted("token-1"))
    world.token()
    assert measured("hold.duration", reason="asked") == 1


def test_revocations_are_counted_by_outcome_until_the_token_expires(measured):
    world = TellingWorld(granted("token-1", expires_in=1800))
    world.revocations = [reply(500, {}), refused(404, "no such page")]
    world.token()
    world.logout()
    world.drain()
    world.now += 400
    world.drain()
    world.now += 1800
    world.drain()
    assert measured("revocations", outcome="fault") == 1
    assert measured("revocations", outcome="refused") == 1
    assert measured("revocations", outcome="expired") == 1


def test_endings_are_counted_by_reach(measured, broker):
    token = broker.token(ANNA)
    broker.revoke(token)
    broker.relink("anna")
    broker.end_user("anna")
    broker.end_partner_token()
    broker.end_everything(within=0)
    for reach in ("token", "relink", "user", "partner", "everything"):
        assert measured("endings", reach=reach) == 1


def test_the_backlog_is_read_when_metrics_are_exported(measured, emulated, emulator):
    emulator.monite.faults.add(Fault(kind="status", status=500, path="/auth/revoke"))
    with TokenBroker(emulated, PEOPLE) as broker:
        broker.token(ANNA)
        assert measured.now("revocations.pending") == 0
        assert measured.now("revocations.pending.age") == 0
        broker.logout(ANNA)
        until(lambda: measured.now("revocations.pending") == 1)
        until(lambda: 0 < measured.now("revocations.pending.age") < PATIENCE)
        emulator.monite.faults.clear()


def test_one_export_asks_the_store_once_and_the_next_one_again():
    now, asked = 100.0, []

    async def ask():
        asked.append(now)
        if len(asked) == 2:
            raise errors.StoreUnavailable("It is down.")
        return Overview(None, 3, 42.0, 0.0, 30.0)

    backlog = Backlog(ask, lambda: now)
    assert [backlog.read().oldest, backlog.read().pending] == [42.0, 3]
    now += 2
    assert [backlog.read(), backlog.read()] == [None, None]
    now += 2
    assert backlog.read().pending == 3
    assert asked == [100.0, 102.0, 104.0]


def test_the_age_is_that_of_the_store_whichever_process_asks(measured, emulated, emulator, tmp_path):
    emulator.monite.faults.add(Fault(kind="status", status=500, path="/auth/revoke"))
    shared = replace(emulated, store_url=f"sqlite:///{tmp_path}/tokens.db")
    with TokenBroker(shared, PEOPLE) as broker:
        broker.token(ANNA)
        broker.logout(ANNA)
        until(lambda: broker.overview().oldest > 0.2)
    with TokenBroker(shared, PEOPLE):  # as a process that has seen nothing
        assert measured.now("revocations.pending.age") > 0.2
        emulator.monite.faults.clear()


def test_a_store_that_does_not_answer_has_no_backlog(measured, emulated):
    store = StoreThatFails()
    with TokenBroker(emulated, PEOPLE, store=store):
        store.is_down = True
        assert measured.now("revocations.pending") is None
        store.is_down = False


def test_what_a_store_that_is_down_has_to_hear_of_is_counted_and_how_callers_are_answered(measured, emulated):
    store = StoreThatFails()
    with TokenBroker(emulated, PEOPLE, store=store) as broker:
        broker.token(ANNA)
        store.is_down = True
        broker.token(ANNA)  # it was seen alive a moment ago
        with pytest.raises(errors.StoreUnavailable):
            broker.token(Principal("anna", session_id="anna-2"))
        assert measured("store.degraded_answers", answer="served") > 0
        assert measured("store.degraded_answers", answer="refused") > 0
        assert measured("store.failures") > 0
        broker.logout(ANNA)
        broker.end_user("anna")
        assert measured("journal.length") >= 2
        store.is_down = False
        until(lambda: measured("journal.length") == 0)


def test_refused_calls_are_counted(measured, emulated):
    chosen = replace(emulated, security_model=SecurityModel.PARTNER_MANAGED)
    broker = TokenBroker(chosen, PEOPLE, authorize=lambda *_: False)
    with pytest.raises(errors.NotPermitted):
        broker.client(ANNA).get("/payables")
    broker.close()
    assert measured("calls.refused") == 1


def table_of_metrics():
    rows = re.findall(r"^\| `(monite_auth\.[\w.]+)` \| ([\w -]+) \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    return {name: (kind, tuple(re.findall(r"`(\w+)`", attributes))) for name, kind, attributes in rows}


def test_the_docs_list_all_metrics_with_kind_and_attributes():
    kinds = {"observed counter": "counter"}
    assert table_of_metrics() == {
        name: (kinds.get(each.kind, each.kind), each.attributes) for name, each in INSTRUMENTS.items()
    }


FACTS = [
    facts.MintTried(ANNA, "granted", 0.1),
    facts.MintCommitted(ANNA, "stored", Secret("a")),
    facts.CooldownBegan("credentials_rejected", everyone=True),
    facts.WaitEnded("token", 0.1),
    facts.RenewalEnded("renewed"),
    facts.RevocationTried("revoked", Secret("a")),
    facts.TokensEnded("session", ANNA),
    facts.Held("throttled", 1.0),
    facts.TurnTaken("user", 0.1),
    facts.StoreFailed(),
    facts.StoreWaited("claim", 0.1),
    facts.AnsweredInOutage(ANNA, is_served=True),
    facts.OwedChanged(0),
    facts.CallRefused(ANNA, "payable.read"),
    facts.EventsDropped(1),
]


def test_every_metric_of_the_table_is_exported_under_its_name_and_no_other(measured, broker):
    for fact in FACTS:
        process_metrics().tell(fact)
    assert {name for name in measured.names() if name.startswith("monite_auth.")} == set(INSTRUMENTS)
