"""What of Redis has failed: a node of a cluster, a slot, or one record; and that others are asked all the same."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import redis

from monite_auth import MemoryStore, Principal
from monite_auth.errors import StoreUnavailable
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.redis.servers import LEFT_ALONE
from monite_auth.telemetry import Silence
from monite_auth.tokens import steady_clock
from tests.redis_server import SLOTS, RedisServer
from tests.stores.harness import BOB, BOBS, FORMS
from tests.stores.live import LiveGround, user
from tests.waiting import until


def of_another_type(server, key: bytes) -> None:
    """Have another program overwrite a key."""
    server.admin.delete(key)
    server.admin.set(key, "something else")


def garbled(server, key: bytes) -> None:
    """Have a bad restore cut off what is in a hash."""
    for field in server.admin.hkeys(key):
        server.admin.hset(key, field, "cut")


@pytest.mark.parametrize("poisoned", [of_another_type, garbled])
def test_promise_11_a_poisoned_record_is_an_outage_of_that_record(server, driver, poisoned):
    driver.put("t")
    driver.put("bobs", BOBS, BOB)
    (record,) = [key for key in server.admin.scan_iter(match="*:user:*") if holds(driver, server, key)]
    poisoned(server, record)
    with pytest.raises(StoreUnavailable) as caught:
        driver.peek()
    assert caught.value.part == f"record {record.decode()}"
    assert driver.peek(BOBS, BOB) == "bobs"


def test_promise_11_a_poisoned_budget_leaves_the_tokens_alone(server, form, drive):
    ground = LiveGround(server.url)
    store = FallbackStore(
        ground.open(), MemoryStore(), clock=steady_clock, telemetry=Silence(), outage_trust=60
    )
    driver = drive(ground, form, store=store)
    driver.put("t")
    driver.admit()
    (budget,) = server.admin.scan_iter(match="*:budget}")
    server.admin.delete(budget)
    server.admin.hset(budget, "something", "else")
    assert driver.admit().admitted
    assert not store.outage.lasts
    assert driver.peek() == "t"
    driver.put("bobs", BOBS, BOB)
    assert drive(ground, form).peek(BOBS, BOB) == "bobs"


def test_promise_6_a_poisoned_list_of_revocations_holds_up_no_other(server, driver):
    for number in range(40):
        driver.put(f"token-{number}", *user(number))
        driver.run(driver.ops.end_session(user(number)[1]))
    poisoned = next(server.admin.scan_iter(match="*:queue"))
    lost = server.admin.zcard(poisoned)
    of_another_type(server, poisoned)
    assert len(driver.pending()) == 40 - lost


def test_promise_6_a_garbled_revocation_is_thrown_away_and_holds_up_no_other(server, driver, caplog):
    for number in range(40):
        driver.put(f"token-{number}", *user(number))
        driver.run(driver.ops.end_session(user(number)[1]))
    records = next(server.admin.scan_iter(match="*:pending"))
    name = next(each for each in server.admin.hkeys(records) if not each.startswith(b"@"))
    server.admin.hset(records, name, "cut")
    assert len(driver.pending()) == 39
    assert driver.run(driver.ops.backlog()) == 39
    assert "its seal is broken" in caplog.text


def holds(driver, server, key: bytes) -> bool:
    """Say whether a record is the one of ALICE: without it her token is gone."""
    content = server.admin.dump(key)
    server.admin.delete(key)
    is_hers = driver.peek() is None
    server.admin.restore(key, 0, content)
    return is_hers


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_a_slot_that_is_not_served_is_an_outage_of_its_users(cluster, form, drive):
    driver = drive(LiveGround(cluster.url), form)
    for number in range(20):
        driver.put(f"token-{number}", *user(number))
    node = cluster.nodes[1]
    tag = next(key for key in node.admin.scan_iter(match="*:user:*")).partition(b"}")[0] + b"}"
    slot = node.admin.execute_command("CLUSTER KEYSLOT", tag)
    for each in cluster.nodes:
        with suppress(redis.ResponseError):  # it has heard of that from the others
            each.admin.execute_command("CLUSTER DELSLOTS", slot)
    try:
        parts = set()
        served = 0
        for number in range(20):
            try:
                served += driver.peek(*user(number)) == f"token-{number}"
            except StoreUnavailable as error:
                parts.add(error.part)
        assert parts == {f"slot of {tag.decode()}"}
        assert served > 0
    finally:
        node.admin.execute_command("CLUSTER ADDSLOTS", slot)
        until(cluster.is_whole)

    until(lambda: serves(driver, range(20)))


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_a_node_that_hangs_is_an_outage_of_its_users(cluster, form, drive):
    ground = LiveGround(cluster.url)
    store = FallbackStore(
        ground.open(timeout=1.0), MemoryStore(), clock=steady_clock, telemetry=Silence(), outage_trust=60
    )
    driver = drive(ground, form, store=store)
    for number in range(40):
        driver.put(f"token-{number}", *user(number))
    on_the_node = {number for number in range(40) if not is_elsewhere(cluster, driver, number)}
    others = sorted(set(range(40)) - on_the_node)
    with cluster.nodes[1].paused():
        for _ in range(3):
            assert [driver.peek(*user(number)) for number in others] == [
                f"token-{number}" for number in others
            ]
            assert [driver.peek(*user(number)) for number in on_the_node] == [None] * len(on_the_node)
            assert not store.outage.lasts
        gone = others[0]
        assert driver.run(driver.ops.end_session(user(gone)[1])) == 1
        assert store.waiting == 0
        driver.run(driver.ops.end_session(user(min(on_the_node))[1]))
        assert store.waiting == 1
        assert driver.peek(*user(others[1])) == f"token-{others[1]}"
        driver.put("anew", *user(others[1]))
    until(cluster.is_whole)

    def has_heard_of_all() -> bool:
        driver.pending()
        return not store.waiting

    until(has_heard_of_all)


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_everything_ends_on_the_nodes_that_answer_and_goes_on_where_it_is_left(
    cluster, form, drive
):
    driver = drive(LiveGround(cluster.url), form, timeout=2.0)
    for number in range(20):
        driver.put(f"token-{number}", *user(number))
    on_the_node = [number for number in range(20) if not is_elsewhere(cluster, driver, number)]
    others = sorted({*range(20)} - {*on_the_node})
    with cluster.nodes[1].paused():
        with pytest.raises(StoreUnavailable) as caught:
            driver.run(driver.ops.end_everything())
        assert caught.value.part is not None
        for number in others:
            assert driver.has_ended(user(number)[1], user(number)[0])
            driver.put("anew", user(number)[0], anew(number))
    until(cluster.is_whole)
    until(lambda: serves(driver, on_the_node))
    driver.run(driver.ops.end_everything(caught.value.left, ago=1.0))
    for number in on_the_node:
        assert driver.has_ended(user(number)[1], user(number)[0])
    assert [driver.peek(user(number)[0], anew(number)) for number in others] == ["anew"] * len(others)


def anew(number: int) -> Principal:
    return Principal(f"user-{number}", session_id=f"session-{number}-anew")


def serves(driver, numbers) -> bool:
    with suppress(StoreUnavailable):
        return all(driver.peek(*user(number)) == f"token-{number}" for number in numbers)
    return False


def test_promise_11_everything_ends_but_for_a_poisoned_record_and_goes_on_with_it_alone(server, driver):
    driver.put("t")
    driver.put("bobs", BOBS, BOB)
    (record,) = [key for key in server.admin.scan_iter(match="*:user:*") if holds(driver, server, key)]
    content = server.admin.dump(record)
    of_another_type(server, record)
    with pytest.raises(StoreUnavailable) as caught:
        driver.run(driver.ops.end_everything())
    (left,) = caught.value.left
    assert record.decode().endswith(left.partition(".")[2])
    assert driver.has_ended(BOB, BOBS)
    server.admin.restore(record, 0, content, replace=True)
    assert driver.run(driver.ops.end_everything(caught.value.left)).tokens == 1


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_nobody_who_can_do_without_a_node_finds_out_whether_it_is_back(cluster, form, drive):
    ground = LiveGround(cluster.url)
    driver = drive(ground, form, timeout=2.0)
    (other_form,) = {*FORMS} - {form}
    other = drive(ground, other_form, store=driver.store)
    for number in range(60):
        driver.put(f"token-{number}", *user(number))
    assert serves(other, range(60))
    assert driver.admit().admitted
    (holder,) = (node for node in cluster.nodes if list(node.admin.scan_iter(match="*:budget}")))
    assert list(holder.admin.scan_iter(match="*:user:*"))
    with holder.paused(), pytest.raises(StoreUnavailable):
        driver.admit()
    until(cluster.is_whole)
    for each in (driver, other, driver):  # the threads and event loops of a process tell each other
        with pytest.raises(StoreUnavailable):
            each.admit()
    until(lambda: serves(driver, range(60)))
    assert driver.admit().admitted
    assert other.admit().admitted


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_whoever_has_opened_the_envelope_does_not_find_out_whether_its_node_is_back(
    cluster, form, drive
):
    driver = drive(LiveGround(cluster.url), form, timeout=2.0)
    for number in range(40):
        driver.put(f"token-{number}", *user(number))
    (place,) = (n for n in range(3) if list(cluster.nodes[n].admin.scan_iter(match="{monite:*:envelope}")))
    there = [number for number in range(40) if lies_on(cluster, place, driver, number)]
    (fine, *_) = sorted({*range(40)} - {*there})
    with cluster.nodes[place].paused(), pytest.raises(StoreUnavailable):
        driver.peek(*user(there[0]))
    may_be_asked = time.monotonic() + LEFT_ALONE
    until(lambda: cluster.is_whole() and time.monotonic() > may_be_asked)
    asked = cluster.nodes[place].calls()["evalsha"]
    driver.store.reopen()
    assert driver.peek(*user(fine)) == f"token-{fine}"
    assert cluster.nodes[place].calls()["evalsha"] == asked
    assert driver.peek(*user(there[0])) == f"token-{there[0]}"


@contextmanager
def refusing(node: RedisServer) -> Iterator[None]:
    """Have a node refuse connections meanwhile."""
    node.kill()
    try:
        yield
    finally:
        node.start()


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("trouble", [RedisServer.paused, refusing])
@pytest.mark.parametrize("form", FORMS)
def test_promise_11_a_fresh_process_serves_the_users_of_healthy_nodes_whichever_is_down(
    cluster, form, drive, trouble, number
):
    ground = LiveGround(cluster.url)
    driver = drive(ground, form)
    users = [user(each) for each in range(40)]
    for each in range(30):
        driver.put(f"token-{each}", *users[each])
    node = cluster.nodes[number]
    fine = [each for each in range(40) if not lies_on(cluster, number, driver, each)]
    fresh = drive(
        ground,
        form,
        store=FallbackStore(
            ground.open(timeout=2.0), MemoryStore(), clock=steady_clock, telemetry=Silence(), outage_trust=60
        ),
    )
    with trouble(node):
        for each in fine:
            if each < 30:
                assert fresh.peek(*users[each]) == f"token-{each}"
            else:
                fresh.put("anew", *users[each])  # perhaps the first in its shard
        assert not fresh.store.outage.lasts
        gone = fine[0]
        assert fresh.run(fresh.ops.end_session(users[gone][1])) == 1
        assert driver.peek(*users[gone]) is None
        with pytest.raises(StoreUnavailable):  # it has not seen them alive
            fresh.peek(*users[min(set(range(30)) - set(fine))])
    until(cluster.is_whole)


def test_a_process_that_starts_asks_each_node_once_where_all_refuse_since_one_is_down(cluster, drive):
    """As nodes do with `cluster-require-full-coverage yes`, Redis's default."""
    ground = LiveGround(cluster.url)
    drive(ground, "blocking").put("token", *user(0))
    others = cluster.nodes[1:]
    fresh = drive(ground, "blocking")
    for node in others:
        node.admin.config_set("cluster-require-full-coverage", "yes")
    with refusing(cluster.nodes[0]):
        until(lambda: all(b"cluster_state:fail" in state_of(node) for node in others))
        with pytest.raises(StoreUnavailable):
            fresh.peek(*user(0))
        assert 0 < sum(map(scripts_refused_by, others)) <= 8  # there are 32 copies
    for node in others:
        node.admin.config_set("cluster-require-full-coverage", "no")
    until(cluster.is_whole)


def state_of(node: RedisServer) -> bytes:
    found = node.admin.execute_command("CLUSTER INFO")
    return found if isinstance(found, bytes) else f"cluster_state:{found['cluster_state']}".encode()


def scripts_refused_by(node: RedisServer) -> int:
    statistics = node.admin.info("commandstats")
    return sum(statistics.get(f"cmdstat_{name}", {}).get("rejected_calls", 0) for name in ("evalsha", "eval"))


def test_an_event_loop_that_met_a_dead_node_leaves_no_connections(cluster, drive):
    ground = LiveGround(cluster.url)
    driver = drive(ground, "blocking")
    for number in range(20):
        driver.put(f"token-{number}", *user(number))
    unlucky = next(number for number in range(20) if lies_on(cluster, 1, driver, number))
    others = [cluster.nodes[0], cluster.nodes[2]]

    def connections() -> int:
        return sum(len(node.admin.client_list(_type="normal")) for node in others)

    before = connections()
    store = ground.open()

    async def main() -> None:
        ops = store.operations(blocking=False)
        await ops.peek(*user(unlucky))
        assert connections() > before
        with refusing(cluster.nodes[1]), pytest.raises(StoreUnavailable):
            await ops.peek(*user(unlucky))
        await store.aclose()

    asyncio.run(main())
    until(lambda: connections() == before)
    until(cluster.is_whole)


def lies_on(cluster, number: int, driver, each: int) -> bool:
    """Say whether a user lies on this node of a cluster."""
    vault = driver.store._keys._vault
    tag, *_ = vault.keyspace.user(*vault.home(user(each)[0].user))
    slot = cluster.nodes[number].admin.execute_command("CLUSTER KEYSLOT", tag)
    return bool(number * SLOTS // 3 <= slot < (number + 1) * SLOTS // 3)


def is_elsewhere(cluster, driver, number: int) -> bool:
    """Say whether a user lies on another node than the second."""
    before = cluster.nodes[1].calls().get("evalsha", 0)
    driver.peek(*user(number))
    return bool(cluster.nodes[1].calls().get("evalsha", 0) == before)
