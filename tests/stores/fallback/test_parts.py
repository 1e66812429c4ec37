"""An outage has the size of what is broken: users of other parts of the store notice nothing."""

import pytest

from monite_auth import PARTNER, Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.stores import Hit, Priority
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


BOB_AGAIN = Principal("bob", session_id="bob-2")


def with_everything_owed() -> Outage:
    """Return a world in which everything has ended, and a part of the store has not heard of it."""
    world = Outage(numbered())
    assert [world.value(), world.value(BOB)] == ["token-1", "token-2"]
    world.shared.broken_at = {"end_everything": "node 1"}
    assert run(world.store.end_everything()).is_owed
    return world


def test_promise_5_an_owed_end_of_everything_ends_each_user_before_they_are_asked_for():
    world = with_everything_owed()
    for principal in (BOB, ALICE):
        with pytest.raises(errors.SessionEnded):
            world.token(principal)
    assert world.fallback.waiting == 1
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_promise_11_an_owed_end_of_everything_holds_up_nobody_who_has_logged_in_since():
    world = with_everything_owed()
    world.now += 1
    run(world.new_process().operations(blocking=True).begin_session(BOB_AGAIN))
    for _ in range(3):
        world.now += 2
        assert world.value(BOB_AGAIN) == "token-3"
        assert world.value(PARTNER) == "token-4"
        world.drain()
    assert len(world.mints) == 4
    assert [name for name, *_ in world.shared.done].count("end_user") == 1
    world.logout(BOB_AGAIN)
    assert ("end_session", BOB_AGAIN) in world.shared.done
    world.shared.broken_at = {}
    world.now += 2
    world.drain()
    assert world.fallback.waiting == 0
    with pytest.raises(errors.SessionEnded):
        world.token()


def test_promise_5_everything_that_ends_once_more_ends_for_those_who_were_told_of_the_first_time():
    world = with_everything_owed()
    world.now += 1
    run(world.store.begin_session(BOB_AGAIN))
    assert world.value(BOB_AGAIN) == "token-3"
    world.now += 1
    run(world.store.end_everything())
    with pytest.raises(errors.SessionEnded):
        world.token(BOB_AGAIN)


def test_promise_5_those_whose_part_is_down_are_refused_after_an_owed_end_of_everything():
    world = with_everything_owed()
    world.shared.broken = {"alice": "node 1"}
    for _ in range(3):
        with pytest.raises((errors.SessionEnded, errors.StoreUnavailable)):
            world.token()
        world.now += 2
    world.shared.broken = {}
    with pytest.raises(errors.SessionEnded):
        world.token()


def test_an_end_of_everything_is_repeated_only_where_it_has_not_come_yet():
    world = Outage(numbered())
    asked = []

    async def end_everything(left=(), **_late):
        asked.append(left)
        if len(asked) < 4:
            raise errors.StoreUnavailable("a node is down", part="node 1", left=("7", "8", "9")[len(asked) :])
        return 0

    world.inner.end_everything = end_everything
    assert run(world.store.end_everything()).is_owed
    for _ in range(4):
        world.now += 2
        world.drain()
    assert asked == [(), ("8", "9"), ("9",), ("9",)]
    assert world.fallback.waiting == 0


def with_a_revoked_token() -> Outage:
    """Return a world in which the token of BOB is revoked, and a part of the store has not heard of it."""
    world = Outage(numbered())
    assert [world.value(), world.value(BOB)] == ["token-1", "token-2"]
    token = world.token(BOB)
    world.shared.broken_at = {"revoke": "node 1"}
    run(world.store.revoke(token))
    return world


def test_promise_11_an_owed_revocation_holds_up_nobody_and_hands_the_token_out_no_more():
    world = with_a_revoked_token()
    for _ in range(3):
        assert world.value() == "token-1"
        assert world.peek(BOB) is None or world.value(BOB) == "token-3"
        assert world.value(BOB) == "token-3"
        world.now += 2
        world.drain()
    assert world.fallback.waiting == 1
    world.shared.broken_at = {}
    world.now += 2
    world.drain()
    assert world.fallback.waiting == 0
    assert set(world.revoked) == {"token-2"}  # by this process at once, and by the store's list


def test_promise_3_a_token_whose_revocation_is_owed_is_not_taken_from_monite_again():
    world = with_a_revoked_token()
    revoked = run(world.inner.claim(*claim_of(world, BOB), owner="x", seconds=1, min_life=0))
    assert isinstance(revoked, Hit)
    claim = run(world.store.claim(*claim_of(world, BOB), owner="me", seconds=9, min_life=0))
    assert run(world.store.commit(claim.lease, revoked.token)).value == "doomed"


def test_each_revocation_that_is_owed_is_tried_for_itself():
    world = with_a_revoked_token()
    other = world.token()
    run(world.store.revoke(other))
    revoke = world.inner.revoke

    async def one_of_them(token):
        if token.value.reveal() == "token-2":
            raise errors.StoreUnavailable("a node is down", part="node 1")
        return await revoke(token)

    world.inner.revoke = one_of_them
    world.shared.broken_at = {}
    world.now += 2
    world.drain()
    assert world.fallback.waiting == 1
    assert world.revoked.count("token-1") == 2  # by this process at once, and by the store's list


def claim_of(world: Outage, principal: Principal):
    return world.engine.tokens.slot(principal), principal


def test_a_part_of_which_nobody_comes_is_asked_for_in_the_background_and_its_tokens_are_handed_over():
    world = broken()
    assert world.value() == "token-2"
    world.drain()
    world.shared.broken = {}
    world.now += STEADY
    assert world.drain().settled == 1
    assert world.revoked == ["token-2"]
    assert health_of(world.fallback).store == "up"


def test_a_part_that_is_still_down_is_asked_for_in_the_background_now_and_then():
    world = broken()
    world.value()
    for _ in range(3):
        world.now += STEADY
        asked = world.shared.asked
        world.drain()
        world.drain()
        assert world.shared.asked == asked + 5  # what is due, twice in each drain, and alice once
    assert health_of(world.fallback).store == "degraded"
