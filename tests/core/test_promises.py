"""The promises, one caller at a time: time and Monite's answers are scripted.

What needs real threads and tasks is in test_concurrency.py; promise 6 is for stores that outlive a process.
"""

import pytest

from monite_auth import EntityUser, Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.identity import PARTNER
from monite_auth.monite_api.answers import Fault
from monite_auth.stores import Busy, Claimed, Committed, Priority
from monite_auth.stores.budget import HEADROOM
from tests.scripted import ALICE, BOB, World, granted, numbered, refused, reply, throttled

ALICE_ELSEWHERE = Principal("alice", session_id="alice-2")


# -- 1. Isolation


def test_promise_1_users_tenants_and_the_partner_each_have_their_own_token():
    world = World(numbered(), directory=lambda p: EntityUser("a" * 32, "b" * 32))
    principals = [
        PARTNER,
        Principal("alice", session_id="1"),
        Principal("alice", tenant="t", session_id="1"),
        Principal("bob", session_id="1"),
        Principal("t", tenant="alice", session_id="1"),
        Principal("None", session_id="1"),
    ]
    first = [world.value(principal) for principal in principals]
    assert len(set(first)) == len(principals)
    assert [world.value(principal) for principal in principals] == first


def test_promise_1_sessions_share_the_users_token_unless_each_is_to_have_its_own():
    assert (shared := World(numbered())).value(ALICE) == shared.value(ALICE_ELSEWHERE)
    assert (own := World(numbered(), token_scope="session")).value(ALICE) != own.value(ALICE_ELSEWHERE)


# -- 2. One mint


def test_promise_2_a_token_at_hand_is_used_and_nothing_is_minted():
    world = World(numbered())
    assert [world.value() for _ in range(100)] == ["token-1"] * 100
    assert len(world.mints) == 1


def test_promise_2_a_lease_whose_holder_died_is_taken_over_when_it_has_run_out():
    world = World(numbered())
    dead = run(world.store.claim(world.engine.tokens.slot(ALICE), ALICE, owner="dead", seconds=5, min_life=0))
    assert isinstance(dead, Claimed)
    started = world.now
    assert world.value() == "token-1"
    assert world.now - started == pytest.approx(5, abs=0.1)


def test_promise_2_an_attempt_that_is_given_up_is_over_before_another_process_mints():
    claims = []

    def no_answer(_request):
        world.now += world.settings.lease  # as long as an attempt waits
        slot = world.engine.tokens.slot(ALICE)
        claims.append(run(world.store.claim(slot, ALICE, owner="other", seconds=5, min_life=0)))
        return Fault("timeout")

    world = World(no_answer, numbered(), deadline=60)
    assert world.value() == "token-1"
    assert [type(claim) for claim in claims] == [Busy]


def test_promise_2_what_a_late_holder_brings_after_a_takeover_is_revoked():
    world = World(numbered())
    slot = world.engine.tokens.slot(ALICE)
    late = run(world.store.claim(slot, ALICE, owner="late", seconds=5, min_life=0))
    token = World(granted("late-token")).token()
    world.value()
    assert run(world.store.commit(late.lease, token)) is Committed.FENCED
    assert world.value() == "token-1"
    world.drain()
    assert world.revoked == ["late-token"]


# -- 3. Freshness


def test_promise_3_an_expired_token_is_never_handed_out():
    world = World(numbered())
    token = world.token()
    world.now = token.expires_at
    assert world.value() == "token-2"


def test_promise_3_expiry_counts_from_when_the_request_was_sent_less_five_seconds():
    world = World()

    def slow(_request):
        world.now += 4
        return granted(expires_in=100)

    world.answers = [slow]
    sent_at = world.now
    assert world.token().expires_at == sent_at + 95


def test_promise_3_min_ttl_is_guaranteed():
    world = World(numbered())
    token = world.token()
    world.now = token.expires_at - 599
    assert world.token(min_ttl=599).value.reveal() == "token-1"
    fresh = world.token(min_ttl=600)
    assert fresh.value.reveal() == "token-2"
    assert fresh.expires_in >= 600


def test_promise_3_a_min_ttl_beyond_monites_tokens_is_an_error_and_no_stream_of_mints():
    world = World(numbered(life=300))
    for _ in range(5):
        with pytest.raises(errors.TokenTooShort, match="live 295 s") as caught:
            world.token(min_ttl=600)
    assert caught.value.status_hint == 502
    assert len(world.mints) == 1


def test_promise_3_a_rejected_token_is_not_handed_out_again_and_a_later_one_is_not_touched():
    world = World(numbered())
    first = world.token()
    run(world.engine.tokens.reject(world, ALICE, first))
    assert world.value() == "token-2"
    run(world.engine.tokens.reject(world, ALICE, first))
    assert world.value() == "token-2"


# -- 4. Valid beats new


def test_promise_4_a_token_in_the_last_part_of_its_life_is_renewed_behind_the_callers_back():
    world = World(numbered())
    token = world.token()
    assert token.life * 0.78 <= token.renew_at - token.issued_at <= token.life * 0.82
    world.now = token.renew_at - 1
    world.value()
    assert world.background == []
    world.now = token.renew_at
    assert [world.value(), world.value()] == ["token-1", "token-1"]
    assert len(world.background) == 1
    world.run_background()
    assert world.value() == "token-2"
    assert len(world.mints) == 2


def test_a_renewal_that_another_process_is_at_is_left_to_it():
    world = World(numbered())
    token = world.token()
    world.now = token.renew_at
    slot = world.engine.tokens.slot(ALICE)
    run(world.store.claim(slot, ALICE, owner="another", seconds=5, min_life=token.expires_in + 1))
    for _ in range(20):
        world.value()
        world.run_background()
    assert (len(world.mints), world.slept) == (1, [])


@pytest.mark.parametrize("failure", [refused(500), refused(400), refused(401), throttled("60")])
def test_promise_4_a_renewal_that_fails_is_nobodys_failure_while_the_old_token_lives(failure):
    world = World(granted("old"), failure)
    token = world.token()
    for moment in (token.renew_at, token.renew_at + 100, token.expires_at - 1):
        world.now = max(world.now, moment)
        assert world.value() == "old"
        world.run_background()


# -- 5. Logout is final


def test_promise_5_live_and_superseded_tokens_of_all_tenants_are_revoked():
    world = World(numbered(), directory=lambda p: EntityUser("a" * 32, "b" * 32))
    in_tenant = Principal("alice", tenant="t", session_id=ALICE.session_id)
    world.value(ALICE)
    world.now += 1300
    world.token(ALICE, min_ttl=600)  # supersedes token-1, which lives on in a browser
    world.value(in_tenant)
    world.value(BOB)
    world.logout(ALICE)
    world.run_background()
    assert sorted(world.revoked) == ["token-1", "token-2", "token-3"]
    for principal in (ALICE, in_tenant):
        with pytest.raises(errors.SessionEnded):
            world.token(principal)
    assert world.value(BOB) == "token-4"


def test_promise_5_a_rejected_token_is_revoked_too_in_case_the_refusal_was_wrong():
    world = World(numbered())
    run(world.engine.tokens.reject(world, ALICE, world.token()))
    world.logout()
    world.drain()
    assert world.revoked == ["token-1"]


def test_promise_5_a_logout_during_a_mint_fences_it():
    world = World()

    def log_out_meanwhile(_request):
        world.logout()
        return granted("too-late")

    world.answers = [log_out_meanwhile, granted("for-nobody")]
    with pytest.raises(errors.SessionEnded):
        world.token()
    world.run_background()
    assert world.revoked == ["too-late"]
    assert len(world.mints) == 1


def test_promise_5_another_session_of_the_user_goes_on_with_a_new_token():
    world = World(numbered())
    assert world.value(ALICE) == world.value(ALICE_ELSEWHERE) == "token-1"
    world.logout(ALICE)
    world.run_background()
    assert world.revoked == ["token-1"]
    assert world.value(ALICE_ELSEWHERE) == "token-2"


def test_promise_5_with_a_token_per_session_another_sessions_token_is_left_alone():
    world = World(numbered(), token_scope="session")
    world.value(ALICE)
    world.value(ALICE_ELSEWHERE)
    world.logout(ALICE)
    world.run_background()
    assert world.revoked == ["token-1"]
    assert world.value(ALICE_ELSEWHERE) == "token-2"


def test_promise_5_a_session_without_an_id_is_ended_by_when_it_logged_in():
    world = World(numbered())
    before = Principal("alice", authenticated_at=world.now)
    world.value(before)
    world.now += 10
    world.logout(before)
    world.run_background()
    assert world.revoked == ["token-1"]
    with pytest.raises(errors.SessionEnded):
        world.token(before)
    assert world.value(Principal("alice", authenticated_at=world.now)) == "token-2"


def test_promise_5_end_user_ends_every_session_that_was_ever_seen_and_older_ones():
    world = World(numbered())
    world.value(ALICE)
    world.value(ALICE_ELSEWHERE)
    old = Principal("alice", session_id="never-seen", authenticated_at=world.now - 5)
    run(world.engine.endings.end_user(world, "alice"))
    world.run_background()
    for principal in (ALICE, ALICE_ELSEWHERE, old):
        with pytest.raises(errors.SessionEnded):
            world.token(principal)
    assert world.value(Principal("alice", session_id="new", authenticated_at=world.now)) == "token-2"


def test_a_relink_takes_the_tokens_away_and_leaves_the_sessions():
    world = World(numbered())
    world.value()
    run(world.engine.endings.relink(world, "alice"))
    world.run_background()
    assert world.revoked == ["token-1"]
    assert world.value() == "token-2"


# -- 7. Logout is cheap


@pytest.mark.parametrize("failure", [refused(500), refused(401), refused(422), throttled("60")])
def test_promise_7_a_logout_neither_waits_for_monite_nor_fails_because_of_it(failure):
    world = World(granted())
    world.revocations = [failure, reply(200, {"message": "done"})]
    world.token()
    asked, then = len(world.requests), world.now
    world.logout()
    assert (len(world.requests), world.now) == (asked, then)
    world.run_background()
    assert world.revoked[-1] == "token-1"
    assert world.drain().settled == 0


def test_a_revocation_is_tried_until_it_is_settled_or_the_token_has_expired():
    world = World(granted())
    world.revocations = [refused(500)]
    token = world.token()
    world.logout()
    world.run_background()
    assert world.now > token.expires_at
    assert 8 <= len(world.revoked) <= 40
    assert world.drain().next_in is None


def test_a_process_that_is_in_use_looks_for_what_others_left_behind():
    world = World(numbered(), sweep_interval=30)
    world.value(BOB)
    world.value()
    world.run_background()  # the first sweep
    run(world.store.end_session(ALICE))  # by a process that died before it could revoke
    world.value(BOB)
    world.run_background()
    assert world.revoked == []
    world.now += 30
    world.value(BOB)  # a hit
    world.run_background()
    assert len(world.revoked) == 1


def test_a_process_that_mints_looks_for_what_others_left_behind():
    world = World(numbered(), sweep_interval=30)
    world.value()
    world.run_background()  # the first sweep
    run(world.store.end_session(ALICE))  # by a process that died before it could revoke
    world.now += 30
    world.value(BOB)  # a mint
    world.run_background()
    assert world.revoked == ["token-1"]


def test_refused_credentials_stop_a_drain_and_shout(caplog):
    world = World(numbered())
    world.revocations = [refused(401, "Invalid credentials")]
    for principal in (ALICE, BOB):
        world.value(principal)
        run(world.store.end_session(principal))
    report = world.drain()
    assert (report.settled, report.postponed, report.next_in) == (0, 1, 30)
    assert len(world.revoked) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_drain_with_more_than_the_budget_allows_spreads_it():
    world = World(numbered(), directory=lambda p: EntityUser("a" * 32, "b" * 32), requests_per_second=10)
    for number in range(30):
        principal = Principal(f"user-{number}", session_id="s")
        world.value(principal)
        run(world.store.end_session(principal))
    started = world.now
    assert world.drain().settled == 30
    assert world.now - started == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_token_that_was_already_dead_counts_as_revoked(status):
    world = World(granted())
    world.revocations = [refused(status, "The token has been revoked, expired or not found.")]
    world.token()
    world.logout()
    assert world.drain().settled == 1


# -- 8. One budget


def test_promise_8_mints_keep_to_the_budget():
    world = World(numbered(), directory=lambda p: EntityUser("a" * 32, "b" * 32), requests_per_second=30)
    for number in range(100):
        world.token(Principal(f"user-{number}", session_id="s"))
    for first, later in zip(world.mints, world.mints[30:], strict=False):
        assert later - first >= 1


def test_promise_8_a_caller_who_would_wait_too_long_is_told_at_once():
    world = World(granted(), requests_per_second=1)
    for _ in range(12):
        run(world.store.admit(Priority.USER, None, patience=60))
    then = world.now
    with pytest.raises(errors.RateLimited) as caught:
        world.token()
    assert world.now == then
    assert caught.value.retry_after == pytest.approx(12 / HEADROOM, abs=0.5)


def test_promise_8_a_renewal_stands_back_for_users_and_a_revocation_for_both():
    world = World(granted(), requests_per_second=10)
    assert run(world.store.admit(Priority.USER, None, patience=10)).wait == 0
    booked = run(world.store.admit(Priority.USER, None, patience=10))
    assert booked.admitted
    renewal = run(world.store.admit(Priority.RENEWAL, None, patience=10))
    revocation = run(world.store.admit(Priority.REVOCATION, None, patience=10))
    assert not renewal.admitted
    assert not revocation.admitted
    assert booked.wait < renewal.wait < revocation.wait
    world.now += renewal.wait
    assert run(world.store.admit(Priority.RENEWAL, None, patience=10)).admitted


def test_promise_8_a_user_who_joins_a_waiting_renewal_lends_it_their_priority():
    world = World(numbered(), requests_per_second=10)
    token = world.token()
    world.now = token.renew_at
    flights, slot = world.engine.flights, world.engine.tokens.slot(ALICE)
    flight, _ = flights.join(slot, world.now, expires_at=world.now + 5, priority=Priority.RENEWAL)
    joined, leads = flights.join(slot, world.now, expires_at=world.now + 5, priority=Priority.USER)
    assert joined is flight
    assert not leads
    assert flight.priority is Priority.USER
