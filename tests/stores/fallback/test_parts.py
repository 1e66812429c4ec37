"""An outage has the size of what is broken: users of other parts of the store notice nothing."""

import pytest

from monite_auth import errors
from monite_auth.engine.runtime import run
from monite_auth.stores import Priority
from monite_auth.stores.fallback.outage import STEADY
from monite_auth.stores.fallback.parts import QUIET
from monite_auth.stores.health import health_of
from tests.scripted import ALICE, BOB, numbered
from tests.stores.fallback.outage import Outage

ALICES_NODE: dict[object, str] = {"alice": "node 1"}


def broken(*, seen=(ALICE, BOB)) -> Outage:
    """Return a world in which the node of alice is down, and BOB has a token."""
    world = Outage(numbered(), seen=seen)
    assert world.value(BOB) == "token-1"
    world.shared.broken = ALICES_NODE
    return world


def test_promise_11_a_part_that_is_down_leaves_the_users_of_others_alone(caplog):
    world = broken()
    for _ in range(5):
        assert world.value() == "token-2"  # minted once, and kept here
        assert world.value(BOB) == "token-1"
        assert not world.store._outage.is_on
        world.now += 2
    world.logout(BOB)
    assert ("end_session", BOB) in world.shared.done
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "A part of the token store is down" in caplog.text
    assert health_of(world.fallback).store == "degraded"


def test_promise_11_users_of_a_part_that_is_down_are_served_only_if_they_were_seen_alive():
    world = broken(seen=())
    with pytest.raises(errors.StoreUnavailable):
        world.token()
    assert world.value(BOB) == "token-1"


def test_promise_7_a_logout_that_a_part_does_not_take_is_owed_and_holds_up_nobody_else():
    world = broken()
    world.logout()
    with pytest.raises(errors.SessionEnded):
        world.token()
    for _ in range(3):
        assert world.value(BOB) == "token-1"
        world.now += 2
    world.logout(BOB)
    assert ("end_session", BOB) in world.shared.done
    assert world.drain().settled == 1
    assert world.fallback.waiting == 1
    world.shared.broken = {}
    world.now += 2
    world.drain()
    assert world.fallback.waiting == 0
    assert ("end_session", ALICE) in world.shared.done


def test_promise_7_a_logout_after_one_that_a_part_did_not_take_is_told_at_once():
    world = broken()
    world.logout()
    world.logout(BOB)
    assert ("end_session", BOB) in world.shared.done
    assert world.fallback.waiting == 1


def test_promise_5_nobody_whom_an_owed_ending_concerns_gets_a_token_out_of_a_part_that_is_back():
    world = Outage(numbered())
    world.value()
    world.shared.broken = ALICES_NODE
    run(world.store.end_session(ALICE))
    world.shared.broken = {}
    with pytest.raises((errors.SessionEnded, errors.StoreUnavailable)):
        world.token()
    world.now += 2
    with pytest.raises(errors.SessionEnded):
        world.token()


def test_when_a_part_is_back_its_tokens_of_the_outage_are_revoked(caplog):
    world = broken()
    assert world.value() == "token-2"
    world.shared.broken = {}
    world.now += STEADY + 1
    assert world.value() == "token-3"
    world.drain()
    assert world.revoked == ["token-2"]
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert health_of(world.fallback).store == "up"


def test_a_part_that_concerns_nobody_is_one_outage_whatever_else_the_store_answers(caplog):
    world = Outage(numbered())
    world.shared.broken_at = {"admit": "record of the budget"}
    for _ in range(5):
        assert run(world.store.admit(Priority.USER, None, patience=9)).admitted
        world.now += STEADY + 1
        world.drain()  # which asks about nobody, too
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_part_that_nobody_asks_for_any_more_counts_as_back():
    world = broken()
    world.value()
    world.shared.broken = {}
    world.now += QUIET
    world.value(BOB)
    assert health_of(world.fallback).store == "up"


def test_a_part_that_failed_is_left_alone_for_a_moment():
    world = broken()
    world.value()
    asked = world.shared.asked
    for _ in range(100):
        world.value()
    assert world.shared.asked == asked
