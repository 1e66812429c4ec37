"""What every store must do: each operation, each outcome, in both forms. `harness` says how a kind joins."""

from dataclasses import replace

import pytest

from monite_auth import Principal, Secret
from monite_auth.identity import PARTNER
from monite_auth.stores import (
    PARTNER_SLOT,
    Busy,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Ended,
    Hit,
    Priority,
    Slot,
    Ticket,
)
from monite_auth.stores.budget import HEADROOM
from tests.stores.harness import ABROAD, AGAIN, ALICE, BOB, BOBS, FORMS, HOME, PERSON, MemoryGround

# -- peek, claim, commit


def test_a_cold_slot_has_nothing_and_is_there_to_claim(driver):
    assert driver.peek() is None
    assert isinstance(driver.claim(), Claimed)


def test_what_is_committed_is_there_with_all_its_facts(driver):
    token = driver.token("t")
    assert driver.run(driver.ops.commit(driver.lease(), token)) is Committed.STORED
    found = driver.run(driver.ops.peek(HOME, ALICE))
    assert found.value == token.value
    assert found.entity_user == PERSON
    assert found.expires_at == driver.about(token.expires_at)
    assert found.issued_at == driver.about(token.issued_at)
    assert found.renew_at == driver.about(token.renew_at)
    assert found.expires_in == driver.about(1800)


def test_a_partner_token_is_nobodys_in_particular(driver):
    lease = driver.lease(slot=PARTNER_SLOT, principal=PARTNER)
    token = replace(driver.token("t"), entity_user=None)
    assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
    assert driver.run(driver.ops.peek(PARTNER_SLOT, PARTNER)).entity_user is None


def test_a_hit_is_a_token_with_enough_life_left(driver):
    driver.put("t", life=100)
    claim = driver.claim(min_life=99)
    assert isinstance(claim, Hit)
    assert claim.token.value == Secret("t")
    assert isinstance(driver.claim(min_life=101), Claimed)


def test_an_expired_token_is_neither_peeked_at_nor_a_hit(driver):
    driver.put("t", life=100)
    driver.advance(100)
    assert driver.peek() is None
    assert isinstance(driver.claim(), Claimed)


def test_a_session_gets_tokens_after_its_first_claim(driver):
    driver.put("t")
    assert driver.peek(principal=AGAIN) is None
    assert isinstance(driver.claim(principal=AGAIN), Hit)
    assert driver.peek(principal=AGAIN) == "t"


def test_another_owner_is_busy_until_the_lease_has_run_out(driver):
    driver.lease(owner="me", seconds=5)
    driver.advance(3)
    claim = driver.claim(owner="you")
    assert isinstance(claim, Busy)
    assert claim.retry_in == driver.about(2)
    driver.advance(2)
    assert isinstance(driver.claim(owner="you"), Claimed)


def test_a_claim_of_the_same_owner_renews_the_lease_and_voids_the_one_before(driver):
    first = driver.lease(seconds=5)
    driver.advance(4)
    second = driver.lease(seconds=5)
    driver.advance(4)
    assert isinstance(driver.claim(owner="you"), Busy)
    assert driver.commit(first, "void") is False
    assert driver.commit(second, "good") is True
    assert driver.peek() == "good"
    assert driver.pending() == ["void"]


def test_a_lease_that_ran_out_but_was_not_taken_still_counts(driver):
    lease = driver.lease(seconds=5)
    driver.advance(50)
    assert driver.commit(lease, "late") is True
    assert driver.peek() == "late"


def test_a_lease_serves_once(driver):
    lease = driver.lease()
    assert driver.commit(lease, "one") is True
    assert driver.commit(lease, "two") is False
    assert driver.peek() == "one"
    assert driver.pending() == ["two"]


def test_slots_do_not_mix(driver):
    driver.put("home")
    driver.put("abroad", slot=ABROAD)
    driver.put("bobs", slot=BOBS, principal=BOB)
    driver.put("partner", slot=PARTNER_SLOT, principal=PARTNER)
    assert driver.peek() == "home"
    assert driver.peek(ABROAD) == "abroad"
    assert driver.peek(BOBS, BOB) == "bobs"
    assert driver.peek(PARTNER_SLOT, PARTNER) == "partner"


# -- abandon


def test_an_abandoned_claim_is_free_at_once(driver):
    driver.run(driver.ops.abandon(driver.lease(owner="me")))
    assert isinstance(driver.claim(owner="you"), Claimed)


def test_a_void_lease_abandons_nothing(driver):
    first = driver.lease()
    driver.lease()
    driver.run(driver.ops.abandon(first, Cooldown(30, "monite_unavailable", "x")))
    assert isinstance(driver.claim(owner="you"), Busy)


def test_a_rest_keeps_the_slot_alone_and_says_why(driver):
    why = Cooldown(30, "entity_user_rejected", "no such user", "req-1", 404, "Not found")
    driver.run(driver.ops.abandon(driver.lease(), why))
    driver.advance(10)
    claim = driver.claim()
    assert isinstance(claim, CoolingDown)
    assert claim.retry_in == driver.about(20)
    assert claim.why == why
    assert isinstance(driver.claim(slot=ABROAD), Claimed)
    driver.advance(20)
    assert isinstance(driver.claim(), Claimed)


def test_a_rest_of_everyone_keeps_all_slots(driver):
    driver.run(driver.ops.abandon(driver.lease(), Cooldown(30, "credentials_rejected", "x", everyone=True)))
    assert isinstance(driver.claim(slot=BOBS, principal=BOB), CoolingDown)
    assert isinstance(driver.claim(slot=PARTNER_SLOT, principal=PARTNER), CoolingDown)
    driver.advance(30)
    assert isinstance(driver.claim(slot=BOBS, principal=BOB), Claimed)


def test_a_rest_does_not_hide_a_valid_token(driver):
    driver.put("t")
    driver.run(driver.ops.abandon(driver.lease(min_life=1e9), Cooldown(30, "monite_unavailable", "x")))
    assert driver.peek() == "t"
    assert isinstance(driver.claim(), Hit)


def test_a_rest_of_everyone_counts_even_from_a_void_lease(driver):
    first = driver.lease()
    driver.lease()
    driver.run(driver.ops.abandon(first, Cooldown(30, "credentials_rejected", "x", everyone=True)))
    assert isinstance(driver.claim(slot=BOBS, principal=BOB), CoolingDown)


def test_a_new_token_ends_the_rest(driver):
    lease = driver.lease()
    driver.run(driver.ops.abandon(lease, Cooldown(30, "monite_unavailable", "x")))
    assert isinstance(driver.claim(), CoolingDown)
    driver.advance(31)
    driver.put("t", life=100)
    assert isinstance(driver.claim(min_life=200), Claimed)


# -- discard


def test_a_discarded_token_is_gone_and_a_newer_one_is_not(driver):
    old = driver.token("old").fingerprint
    driver.put("old")
    driver.run(driver.ops.discard(HOME, old))
    assert driver.peek() is None
    driver.put("new")
    driver.run(driver.ops.discard(HOME, old))
    assert driver.peek() == "new"
    driver.run(driver.ops.discard(BOBS, old))


# -- endings


def test_ending_a_session_makes_all_its_tokens_pending(driver):
    driver.put("first")
    driver.put("second")  # the first is superseded and still valid
    driver.put("abroad", slot=ABROAD)
    driver.put("discarded", slot=Slot("alice", "third", None))
    driver.run(driver.ops.discard(Slot("alice", "third", None), driver.token("discarded").fingerprint))
    driver.put("bobs", slot=BOBS, principal=BOB)
    assert driver.run(driver.ops.end_session(ALICE)) == 4
    assert driver.pending() == ["abroad", "discarded", "first", "second"]
    assert driver.peek() is None
    assert isinstance(driver.claim(), Ended)
    assert driver.peek(BOBS, BOB) == "bobs"


def test_a_superseded_token_that_has_expired_is_not_revoked(driver):
    driver.put("short", life=10)
    driver.put("long", life=1800)
    driver.advance(20)
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    assert driver.pending() == ["long"]


def test_ending_a_session_fences_the_mint_in_flight_and_keeps_its_lease(driver):
    lease = driver.lease(owner="me")
    driver.run(driver.ops.end_session(ALICE))
    assert isinstance(driver.claim(owner="you", principal=AGAIN), Busy)
    assert driver.commit(lease, "fenced") is False
    assert driver.pending() == ["fenced"]
    assert isinstance(driver.claim(owner="you", principal=AGAIN), Claimed)


def test_ending_one_session_leaves_the_users_others_their_right(driver):
    driver.put("t")
    driver.claim(principal=AGAIN)
    driver.run(driver.ops.end_session(ALICE))
    assert isinstance(driver.claim(principal=ALICE), Ended)
    assert isinstance(driver.claim(principal=AGAIN), Claimed)


def test_ending_a_session_leaves_slots_of_other_sessions_alone(driver):
    mine, other = Slot("alice", None, "alice-1"), Slot("alice", None, "alice-2")
    driver.put("mine", slot=mine)
    driver.put("other", slot=other, principal=AGAIN)
    driver.run(driver.ops.end_session(ALICE))
    assert driver.pending() == ["mine"]
    assert driver.peek(other, AGAIN) == "other"


def test_a_session_that_never_had_a_token_can_be_ended_too(driver):
    assert driver.run(driver.ops.end_session(ALICE)) == 0
    assert isinstance(driver.claim(), Ended)


def test_without_a_session_id_everything_that_logged_in_before_is_ended(driver):
    old = Principal("alice", authenticated_at=driver.now - 10)
    driver.put("t", principal=old)
    driver.run(driver.ops.end_session(old))
    assert driver.pending() == ["t"]
    assert isinstance(driver.claim(principal=old), Ended)
    new = Principal("alice", authenticated_at=driver.now)
    driver.put("u", principal=new)
    assert driver.peek(principal=new) == "u"
    assert driver.peek(principal=old) is None


def test_end_user_ends_known_sessions_and_those_that_logged_in_before(driver):
    driver.put("t")
    driver.claim(principal=AGAIN)
    assert driver.run(driver.ops.end_user("alice")) == 1
    for ended in (ALICE, AGAIN, Principal("alice", session_id="unseen", authenticated_at=driver.now - 1)):
        assert isinstance(driver.claim(principal=ended), Ended)
        assert driver.peek(principal=ended) is None
    fresh = Principal("alice", session_id="fresh", authenticated_at=driver.now)
    assert isinstance(driver.claim(principal=fresh), Claimed)


def test_relink_takes_tokens_and_fences_but_ends_nothing(driver):
    driver.put("t")
    lease = driver.lease(min_life=1e9)
    assert driver.run(driver.ops.relink("alice")) == 1
    assert driver.commit(lease, "fenced") is False
    assert driver.pending() == ["fenced", "t"]
    assert isinstance(driver.claim(), Claimed)
    assert driver.run(driver.ops.relink("nobody")) == 0


def test_a_principal_without_session_or_login_time_loses_its_tokens_and_may_come_back(driver):
    bare = Principal("alice")
    driver.put("t", principal=bare)
    assert driver.run(driver.ops.end_session(bare)) == 1
    assert driver.pending() == ["t"]
    assert isinstance(driver.claim(principal=bare), Claimed)


def test_promise_5_an_ended_session_stays_ended_when_nothing_else_is_left_of_its_user(driver):
    driver.put("t", life=100)
    driver.run(driver.ops.end_session(ALICE))
    driver.advance(3600)
    driver.pending()
    for number in range(40):  # whatever sweeps, sweeps
        driver.put("t", slot=Slot(f"user-{number}", None, None), principal=Principal(f"user-{number}"))
    assert driver.has_ended(ALICE)


def test_a_fenced_token_that_has_expired_is_not_revoked(driver):
    lease = driver.lease()
    driver.run(driver.ops.relink("alice"))
    assert driver.commit(lease, "expired", life=-10) is False
    assert driver.pending() == []


def test_ending_twice_makes_tokens_pending_once(driver):
    driver.put("t")
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    assert driver.run(driver.ops.end_session(ALICE)) == 0
    assert driver.run(driver.ops.end_user("alice")) == 0
    assert driver.pending() == ["t"]


# -- pending revocations


def test_a_revocation_is_given_to_one_drainer_at_a_time(driver):
    driver.end("t")
    due = driver.run(driver.ops.due(10, seconds=30))
    assert [each.token for each in due.batch] == [Secret("t")]
    assert due.next_in == driver.about(30)
    assert driver.run(driver.ops.due(10, seconds=30)).batch == []
    driver.advance(30)
    assert driver.pending() == ["t"]


def test_a_settled_revocation_is_done(driver):
    driver.end("t")
    driver.run(driver.ops.settle(driver.run(driver.ops.due(1, seconds=30)).batch[0]))
    driver.advance(60)
    due = driver.run(driver.ops.due(10, seconds=30))
    assert (due.batch, due.next_in, due.expired) == ([], None, 0)


def test_what_is_settled_can_be_settled_and_postponed_again_without_effect(driver):
    driver.end("t")
    pending = driver.run(driver.ops.due(1, seconds=30)).batch[0]
    driver.run(driver.ops.settle(pending))
    driver.run(driver.ops.settle(pending))
    driver.run(driver.ops.postpone(pending, 0))
    assert driver.pending() == []


def test_a_postponed_revocation_comes_back_when_it_is_time_and_knows_its_tries(driver):
    driver.end("t")
    driver.run(driver.ops.postpone(driver.run(driver.ops.due(1, seconds=600)).batch[0], 7))
    driver.advance(6.9)
    assert driver.run(driver.ops.due(10, seconds=30)).batch == []
    driver.advance(0.2)
    assert [each.attempts for each in driver.run(driver.ops.due(10, seconds=30)).batch] == [1]


def test_a_revocation_whose_token_has_expired_is_dropped_and_counted(driver):
    driver.end("t", life=100)
    driver.advance(104)
    assert len(driver.run(driver.ops.due(10, seconds=0)).batch) == 1
    driver.advance(2)
    due = driver.run(driver.ops.due(10, seconds=30))
    assert (due.batch, due.expired, due.next_in) == ([], 1, None)


def test_no_more_than_asked_for_is_given(driver):
    driver.end("a", "b", "c")
    due = driver.run(driver.ops.due(2, seconds=30))
    assert len(due.batch) == 2
    assert due.next_in == 0
    assert len(driver.pending()) == 1


# -- the request budget


def admit(driver, priority=Priority.USER, ticket=None, patience=60.0):
    return driver.run(driver.ops.admit(priority, ticket, patience=patience))


def test_promise_8_requests_are_spaced_and_a_ticket_is_good_at_its_moment(driver):
    first, second = admit(driver), admit(driver)
    assert (first.admitted, first.wait) == (True, 0)
    assert second.admitted
    assert second.wait == driver.about(1 / (30 * HEADROOM))
    driver.advance(second.wait + 0.001)
    assert admit(driver, ticket=second.ticket).wait == 0


def test_promise_8_who_cannot_wait_so_long_books_nothing(driver):
    driver.run(driver.ops.hold(20))
    refused = admit(driver, patience=10)
    assert not refused.admitted
    assert refused.wait == driver.about(20)
    assert admit(driver, patience=30).wait == driver.about(20)


def test_promise_8_everybody_holds_and_then_goes_on(driver):
    driver.run(driver.ops.hold(20))
    driver.run(driver.ops.hold(5))
    waiting = admit(driver)
    assert waiting.wait == driver.about(20)
    driver.advance(20.001)
    assert admit(driver, ticket=waiting.ticket).wait == 0


def test_promise_8_who_has_been_sending_when_the_hold_came_waits_for_its_end_too(driver):
    sent = admit(driver)
    driver.advance(3)  # Monite's answer took so long, and says that it was one request too many
    driver.run(driver.ops.hold(20))
    again = admit(driver, ticket=Ticket(sent.ticket.moment))
    assert again.wait == driver.about(20)
    driver.advance(20.001)
    assert admit(driver, ticket=again.ticket).wait == 0


def test_promise_8_a_user_goes_before_a_renewal_and_that_before_a_revocation(driver):
    admit(driver)
    assert admit(driver).wait > 0
    assert not admit(driver, Priority.RENEWAL).admitted
    assert not admit(driver, Priority.REVOCATION).admitted
    driver.advance(1)
    assert admit(driver, Priority.RENEWAL).admitted


# -- notes


def put_note(driver, value, *, user="alice", name="link", seconds=100):
    driver.run(driver.ops.put_note(user, name, value, seconds=seconds))


def get_note(driver, *, user="alice", name="link"):
    return driver.run(driver.ops.get_note(user, name))


def test_a_note_is_kept_for_its_time_and_no_longer(driver):
    assert get_note(driver) is None
    put_note(driver, "what was found")
    driver.advance(99)
    assert get_note(driver) == "what was found"
    driver.advance(1)
    assert get_note(driver) is None


def test_a_later_note_takes_the_place_of_the_one_before_and_begins_its_own_time(driver):
    put_note(driver, "first", seconds=1000)
    put_note(driver, "second", seconds=10)
    assert get_note(driver) == "second"
    driver.advance(10)
    assert get_note(driver) is None
    put_note(driver, "third")
    assert get_note(driver) == "third"


def test_promise_1_notes_do_not_mix(driver):
    put_note(driver, "alice's")
    put_note(driver, "alice's abroad", name="link:abroad")
    put_note(driver, "bob's", user="bob")
    assert [get_note(driver), get_note(driver, user="bob")] == ["alice's", "bob's"]
    assert get_note(driver, name="link:abroad") == "alice's abroad"
    assert get_note(driver, user="alicelink", name="") is None
    driver.run(driver.ops.delete_note("alice", "link"))
    assert get_note(driver) is None
    assert [get_note(driver, name="link:abroad"), get_note(driver, user="bob")] == ["alice's abroad", "bob's"]


def test_what_is_not_there_can_be_forgotten(driver):
    driver.run(driver.ops.delete_note("nobody", "link"))
    put_note(driver, "x")
    for _ in range(2):
        driver.run(driver.ops.delete_note("alice", "link"))
    assert get_note(driver) is None


def test_a_note_may_say_anything(driver):
    for value in ("", "ÅÄÖ \x00 \n", "x" * 5000):
        put_note(driver, value)
        assert get_note(driver) == value


def test_no_ending_takes_a_note_with_it(driver):
    driver.put("t", life=10)
    put_note(driver, "stays", seconds=5000)
    driver.run(driver.ops.end_session(ALICE))
    driver.run(driver.ops.end_user("alice"))
    driver.run(driver.ops.relink("alice"))
    driver.advance(4000)
    driver.put("u", principal=Principal("alice", session_id="later"), life=10)
    assert get_note(driver) == "stays"


# -- several stores that share one place


def test_what_one_process_stores_the_other_hands_out(pair):
    one, other = pair
    one.put("t")
    assert other.peek() == "t"
    assert isinstance(other.claim(principal=AGAIN), Hit)
    assert one.peek(principal=AGAIN) == "t"


def test_promise_2_one_process_mints_and_the_other_waits(pair):
    one, other = pair
    lease = one.lease(owner="one")
    assert other.is_busy(owner="other")
    one.advance(5)
    late = other.lease(owner="other")
    assert one.commit(lease, "late") is False
    assert other.commit(late, "good") is True
    assert one.peek() == "good"


def test_promise_5_a_logout_in_one_process_holds_in_the_other(pair):
    one, other = pair
    one.put("t")
    lease = one.lease(min_life=1e9)
    assert other.run(other.ops.end_session(ALICE)) == 1
    assert one.peek() is None
    assert one.has_ended(ALICE)
    assert one.commit(lease, "fenced") is False
    assert one.pending() == ["fenced", "t"]
    assert other.pending() == []


def test_promise_8_two_processes_have_one_budget(pair):
    one, other = pair
    waits = [admit(driver).wait for driver in (one, other, one, other)]
    assert waits == [each.about(number / (30 * HEADROOM)) for number, each in enumerate([one, other] * 2)]
    one.run(one.ops.hold(10))
    assert admit(other).wait > 10


def test_a_rest_in_one_process_is_known_to_the_other(pair):
    one, other = pair
    why = Cooldown(30, "credentials_rejected", "x", everyone=True)
    one.run(one.ops.abandon(one.lease(), why))
    claim = other.claim(slot=BOBS, principal=BOB)
    assert isinstance(claim, CoolingDown)
    assert claim.why == why


def test_a_note_of_one_process_is_the_others_too(pair):
    one, other = pair
    put_note(one, "found by one")
    assert get_note(other) == "found by one"
    other.run(other.ops.delete_note("alice", "link"))
    assert get_note(one) is None


# -- bounds


@pytest.mark.parametrize("form", FORMS)
def test_memory_keeps_so_many_notes_and_no_more(drive, tmp_path, form):
    driver = drive(MemoryGround(tmp_path), form, max_users=3)
    for number in range(5):
        put_note(driver, "x", user=f"user-{number}")
    assert [get_note(driver, user=f"user-{number}") for number in range(5)] == [None, None, "x", "x", "x"]
    driver.advance(1000)
    put_note(driver, "x", user="one more")
    assert len(driver.ops._notes) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_user_that_falls_out_of_memory_is_revoked_not_forgotten(drive, tmp_path, form):
    driver = drive(MemoryGround(tmp_path), form, max_users=3)
    for number in range(5):
        driver.put(f"token-{number}", Slot(f"user-{number}", None, None), Principal(f"user-{number}"))
    assert driver.pending() == ["token-0", "token-1"]
    assert driver.peek(Slot("user-0", None, None), Principal("user-0")) is None
    assert driver.peek(Slot("user-4", None, None), Principal("user-4")) == "token-4"


def test_memory_does_not_grow_with_users_who_are_gone(drive, tmp_path):
    driver = drive(MemoryGround(tmp_path), "blocking", session_memory=100)
    for number in range(500):
        principal = Principal(f"user-{number}", session_id="s")
        driver.put(f"t{number}", Slot(principal.user_id, None, None), principal, life=50)
        driver.run(driver.ops.end_session(principal))
        driver.advance(10)
    driver.run(driver.ops.due(1000, seconds=0))
    assert len(driver.ops._users.by_name) == len(driver.ops._users) < 20
    assert len(driver.ops._endings) <= 41  # with the leeway of 300 s
    assert len(driver.ops._revocations) <= 6


def test_a_place_whose_time_was_over_takes_a_new_token(driver):
    for slot, principal in ((PARTNER_SLOT, PARTNER), (HOME, Principal("alice"))):
        driver.put("first", slot=slot, principal=principal, life=100)
        driver.advance(5000)
        driver.put("second", slot=slot, principal=principal, life=100)
        assert driver.peek(slot, principal) == "second"
    assert driver.pending() == []


def test_a_revocation_that_was_put_off_twice_to_one_moment_is_given_once(driver):
    driver.end("t")
    (pending,) = driver.run(driver.ops.due(1, seconds=600)).batch
    for _ in range(2):
        driver.run(driver.ops.postpone(pending, 7))
    driver.advance(8)
    assert driver.pending() == ["t"]


def test_a_relink_ends_the_rest_of_the_slot(driver):
    driver.run(driver.ops.abandon(driver.lease(), Cooldown(30, "entity_user_rejected", "no such user")))
    assert isinstance(driver.claim(), CoolingDown)
    driver.run(driver.ops.relink("alice"))
    assert isinstance(driver.claim(), Claimed)


def test_claim_and_peek_agree_long_after_an_ending_whether_it_is_remembered(ground, form, drive):
    driver = drive(ground, form, session_memory=100)
    old = Principal("alice", authenticated_at=driver.now - 10)
    driver.run(driver.ops.end_user("alice"))
    assert isinstance(driver.claim(principal=old), Ended)
    driver.advance(101)
    driver.put("t", principal=Principal("alice", authenticated_at=driver.now), life=1e4)
    claim = driver.claim(principal=old)
    assert isinstance(claim, Hit | Ended)
    assert driver.peek(principal=old) == ("t" if isinstance(claim, Hit) else None)


def test_the_status_of_a_user_is_what_is_handed_out_and_the_backlog_is_everybodys(driver):
    assert driver.run(driver.ops.status("alice")).live == 0
    assert driver.run(driver.ops.status("alice")).expires_at is None
    driver.put("first")
    driver.put("second", life=1000)
    driver.put("abroad", slot=ABROAD, life=500)
    driver.put("bobs", slot=BOBS, principal=BOB)
    status = driver.run(driver.ops.status("alice"))
    assert status.live == 2
    assert status.expires_at == driver.about(driver.now + 1000)
    assert driver.run(driver.ops.backlog()) == 0
    driver.advance(600)
    assert driver.run(driver.ops.status("alice")).live == 1
    driver.run(driver.ops.end_user("alice"))
    driver.run(driver.ops.end_user("bob"))
    assert driver.run(driver.ops.status("alice")).live == 0
    assert driver.run(driver.ops.backlog()) == 3
