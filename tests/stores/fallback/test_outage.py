"""While the shared store is down users go on, and afterwards no token of the outage is left behind."""

import asyncio

import pytest

from monite_auth import PARTNER, Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.stores.fallback.handover import BITE
from tests.scripted import ALICE, BOB, granted, numbered
from tests.stores.fallback.outage import Outage, after_an_outage


def test_users_go_on_and_each_process_mints_once_for_itself():
    world = Outage(numbered())
    world.shared.is_down = True
    assert [world.value() for _ in range(5)] == ["token-1"] * 5
    assert world.value(BOB) == "token-2"
    assert len(world.mints) == 2


def test_a_store_that_failed_is_left_alone_for_a_moment():
    world = Outage(numbered())
    world.shared.is_down = True
    world.value()
    asked = world.shared.asked
    for _ in range(100):
        world.value()
    assert world.shared.asked == asked
    world.now += 1.1
    world.value()
    assert world.shared.asked == asked + 1


def test_an_outage_is_told_once_and_so_is_its_end(caplog):
    world = Outage(numbered())
    world.shared.is_down = True
    for _ in range(5):
        world.value()
        world.back()
    world.value()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_promise_7_a_logout_is_accepted_and_holds_here_at_once(caplog):
    world = Outage(numbered())
    world.shared.is_down = True
    world.value()
    world.logout()
    assert "is repeated as soon as the store is back" in caplog.text
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert world.drain().settled == 1
    assert world.revoked == ["token-1"]


def test_when_the_store_is_back_tokens_of_the_outage_are_revoked_and_minted_anew_there():
    world = Outage(numbered())
    world.shared.is_down = True
    assert world.value() == "token-1"
    world.back()
    assert world.value() == "token-2"
    assert world.drain().settled == 1
    assert world.revoked == ["token-1"]
    assert run(world.inner.peek(world.engine.tokens.slot(ALICE), ALICE)).value.reveal() == "token-2"


def test_what_an_outage_left_outlives_the_process_once_the_store_is_back():
    world = after_an_outage(ALICE, PARTNER)
    assert world.drain().settled == 2
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_a_store_that_goes_down_again_during_the_handing_over_loses_nothing():
    world = after_an_outage(ALICE, BOB)
    world.shared.fails_at = "commit"
    world.peek(ALICE)
    world.shared.fails_at = None
    world.now += 5
    world.drain()
    assert {"token-1", "token-2"} <= set(world.revoked)


def test_a_caller_that_is_cancelled_during_the_handing_over_loses_nothing():
    world = after_an_outage(ALICE, BOB)
    world.shared.cancelled_at = "commit"
    with pytest.raises(asyncio.CancelledError):
        world.peek(ALICE)
    world.shared.cancelled_at = None
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_a_mint_that_is_cancelled_while_the_store_takes_its_token_leaves_it_pending():
    world = Outage(numbered())
    world.shared.cancelled_at = "commit"
    with pytest.raises(asyncio.CancelledError):
        world.value()
    world.shared.cancelled_at = None
    world.drain()
    assert world.revoked == ["token-1"]


def test_a_mint_that_outlives_the_outage_leaves_no_token_behind_in_memory():
    world = Outage()

    def comes_back(_request):
        world.shared.is_down = False
        world.now += 5
        world.peek(BOB)  # somebody else notices first
        return granted("late")

    world.shared.is_down = True
    world.answers = [comes_back, granted("anew")]
    assert world.value() == "anew"
    world.drain()
    assert world.revoked == ["late"]


def test_a_mint_whose_commit_the_store_did_not_answer_is_revoked_and_not_handed_out_later():
    world = Outage()

    def goes_down(_request):
        world.shared.loses_answers = True
        return granted("doubtful")

    world.answers = [goes_down, granted("good"), granted("anew")]
    assert world.value() == "good"
    world.shared.loses_answers = False
    world.now += 5
    assert world.value() == "anew"
    assert world.value() == "anew"
    world.drain()
    assert sorted(world.revoked) == ["doubtful", "good"]


def test_pending_revocations_of_both_are_worked_on():
    world = Outage(numbered())
    world.value(ALICE)
    run(world.store.end_session(ALICE))
    world.shared.is_down = True
    world.now += 2
    world.value(BOB)
    run(world.store.end_session(BOB))
    assert world.drain().settled == 1
    world.back()
    assert world.drain().settled == 1
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_a_known_session_goes_on_through_an_outage():
    world = Outage(numbered())
    principal = Principal("alice", session_id="alice-1")
    world.value(principal)
    world.shared.is_down = True
    world.now += 2
    assert world.value(principal) == "token-2"
    assert world.value(principal) == "token-2"


def test_a_note_is_neither_kept_nor_found_while_the_store_is_down_and_forgetting_says_so():
    world = Outage(numbered())
    run(world.store.put_note("alice", "link", "before", seconds=1000))
    world.shared.is_down = True
    run(world.store.put_note("alice", "link", "meanwhile", seconds=1000))
    assert run(world.store.get_note("alice", "link")) is None
    with pytest.raises(errors.StoreUnavailable):
        run(world.store.delete_note("alice", "link"))
    world.back()
    assert run(world.store.get_note("alice", "link")) == "before"
    run(world.store.delete_note("alice", "link"))
    assert run(world.store.get_note("alice", "link")) is None


@pytest.mark.parametrize("is_drained", [True, False])
def test_a_token_that_is_revoked_meanwhile_is_not_handed_out_afterwards(is_drained):
    world = Outage(numbered())
    leaked = world.token()
    world.shared.is_down = True
    run(world.engine.endings.revoke(world, leaked))
    if is_drained:
        world.drain()
    world.back()
    assert world.value() == "token-2"
    world.run_background()
    world.drain()
    assert set(world.revoked) == {"token-1"}


def test_a_store_that_flaps_is_one_outage_with_one_mint_for_each_user(caplog):
    world = Outage(numbered())
    for _ in range(10):
        world.shared.is_down = True
        assert world.value() == "token-1"
        world.shared.is_down = False
        world.now += 2
        assert world.peek(ALICE) is None  # asked, and answering for now
        world.now += 1
    assert len(world.mints) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    world.back()
    assert world.value() == "token-2"
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "Failed attempts: 10, within 27 s" in caplog.text
    world.drain()
    assert world.revoked == ["token-1"]


SESSIONS = [Principal("alice", session_id=f"alice-{number}") for number in range(5 * BITE)]


def after_an_outage_with_many_tokens() -> Outage:
    world = Outage(numbered(), seen=SESSIONS, token_scope="session")
    world.shared.is_down = True
    for each in SESSIONS:
        world.value(each)
    world.back()
    return world


def test_nobody_hands_over_more_than_a_few_tokens_when_the_store_is_back():
    world = after_an_outage_with_many_tokens()
    for _ in range(3):
        before = len(world.shared.done)
        world.peek(ALICE)
        assert len(world.shared.done) - before == 1 + BITE


def test_a_store_that_takes_its_time_is_handed_one_token_at_a_time():
    world = after_an_outage_with_many_tokens()

    def takes_its_time():
        world.now += 0.1
        world.shared.during = takes_its_time

    takes_its_time()
    before = len(world.shared.done)
    world.peek(ALICE)
    assert len(world.shared.done) - before == 1 + 1


def test_the_drain_hands_over_what_is_left_though_nobody_else_comes():
    world = after_an_outage_with_many_tokens()
    settled, next_in = 0, 0.0
    while next_in is not None:
        world.now += next_in
        report = world.drain()
        settled, next_in = settled + report.settled, report.next_in
    assert settled == len(SESSIONS)


def test_promise_5_an_answer_that_was_on_its_way_when_a_logout_came_here_does_not_count():
    """The store has answered one caller, and could not record the logout of another."""
    world = Outage(numbered())
    world.value()

    def leave() -> None:
        world.shared.fails_at = "end_session"
        run(world.store.end_session(ALICE))
        world.shared.fails_at = None

    world.shared.before_answer = leave
    assert world.peek(ALICE) is None
    world.now += 2
    with pytest.raises(errors.SessionEnded):
        world.token()


def test_promise_3_nobody_revokes_a_token_that_the_store_may_hand_out():
    world = Outage(numbered())
    world.shared.loses_answers_of = "commit"
    assert world.value() == "token-2"  # of this process alone
    other = world.new_process().operations(blocking=True)
    slot = world.engine.tokens.slot(ALICE)
    handed_out = run(other.peek(slot, ALICE))
    assert handed_out.value.reveal() == "token-1"
    world.drain()
    assert world.revoked == []
    world.shared.loses_answers_of = None
    world.back()
    world.drain()
    assert run(other.peek(slot, ALICE)) is None
    assert sorted(world.revoked) == ["token-1", "token-2"]


def call(world, principal=ALICE):
    """Return what a call finds in the store."""
    return run(world.store.peek_in_turn(world.engine.tokens.slot(principal), principal, patience=2))


def test_a_call_has_its_token_and_its_turn_by_one_question():
    world = Outage(numbered())
    world.token()
    asked = world.shared.asked
    assert call(world).admission is not None
    assert world.shared.asked == asked + 1


def test_in_an_outage_a_call_finds_the_token_of_this_process():
    world = Outage(numbered())
    world.shared.is_down = True
    assert world.value() == "token-1"
    world.now += 1.1  # it may ask the store again
    token, turn = call(world)
    assert token.value.reveal() == "token-1"
    assert turn is None


def test_promise_11_a_call_of_a_session_that_is_not_trusted_finds_no_token_in_an_outage():
    world = Outage(numbered(), outage_trust=0)
    world.token()
    world.shared.is_down = True
    with pytest.raises(errors.StoreUnavailable):
        call(world)


def test_promise_5_a_logout_that_is_accepted_while_the_store_answers_a_call_holds_for_the_call():
    def logout():
        world.shared.is_down = True
        world.logout()
        world.shared.is_down = False

    world = Outage(numbered())
    world.token()
    world.shared.before_answer = logout
    world.now += 1.1
    assert call(world).token is None
