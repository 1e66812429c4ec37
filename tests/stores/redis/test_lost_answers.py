"""Answers, idle connections and scripts may get lost on the way to Redis: nothing happens twice, and no caller notices."""

import pytest

from monite_auth import Principal
from monite_auth.stores import Committed, Lease
from tests.stores.harness import ALICE, HOME
from tests.stores.live import LiveGround
from tests.stores.redis.ground import do_everything


def test_a_commit_that_is_said_twice_stores_once_and_revokes_nothing(driver):
    lease, token = driver.lease(), driver.token("t")
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    assert driver.pending() == []
    driver.put("newer")
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    assert driver.peek() == "newer"


@pytest.mark.parametrize("was_discarded", [False, True])
def test_promise_5_a_stored_token_that_comes_under_a_void_lease_is_revoked_and_not_handed_out(
    driver, was_discarded
):
    token = driver.token("t")  # as the fallback brings it, which could not know that it was stored
    assert driver.run(driver.ops.commit(driver.lease(), token)) is Committed.STORED
    if was_discarded:
        driver.run(driver.ops.discard(HOME, token.fingerprint))
    assert driver.run(driver.ops.commit(Lease(HOME, "void"), token)) is Committed.FENCED
    assert driver.peek() is None
    assert driver.pending() == ["t"]
    assert driver.run(driver.ops.end_session(ALICE)) == 0


def test_promise_5_a_commit_said_again_after_a_logout_brings_nothing_back(driver):
    lease, token = driver.lease(), driver.token("t")
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    driver.run(driver.ops.end_session(ALICE))
    assert driver.run(driver.ops.commit(lease, token)) is Committed.FENCED
    assert driver.peek(principal=Principal("alice")) is None
    assert driver.pending() == ["t"]


def test_promise_5_a_fenced_commit_said_twice_is_pending_once(driver):
    lease, token = driver.lease(), driver.token("t")
    driver.run(driver.ops.end_session(ALICE))
    assert driver.run(driver.ops.commit(lease, token)) is Committed.FENCED
    assert driver.run(driver.ops.commit(lease, token)) is Committed.FENCED
    assert driver.pending() == ["t"]


@pytest.mark.parametrize("place", ["server", "cluster"])
def test_a_connection_that_was_cut_while_idle_is_nobodys_trouble(place, request, form, drive):
    found = request.getfixturevalue(place)
    driver = drive(LiveGround(found.url), form)
    driver.put("t")
    for _ in range(3):
        for node in getattr(found, "nodes", [found]):
            node.admin.client_kill_filter(_type="normal")
        assert driver.peek() == "t"


def test_scripts_are_shown_again_to_a_server_that_forgot_them(driver, server):
    driver.put("t")
    server.admin.script_flush()
    assert driver.peek() == "t"
    server.admin.script_flush()
    do_everything(driver)
