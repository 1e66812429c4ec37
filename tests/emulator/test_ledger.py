"""The ledger's facts about every token, in process and as JSON."""

import hashlib

import pytest

from monite_auth.emulator import AMELIA_ID, ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, Clock, Monite
from monite_auth.emulator.traffic.journal import Journal
from monite_auth.emulator.traffic.ledger import Holder


class Line:
    """A connection that a test can close."""

    closed = False

    def is_closing(self):
        return self.closed


def test_the_ledger_knows_for_whom_a_token_was_minted(api, monite):
    token = monite.ledger.find(api.token(ANNA_ID))
    assert (token.entity_user_id, token.holder.entity_id) == (ANNA_ID, BAKERY_ID)
    assert (token.holder.login, token.holder.name) == ("anna.becker", "Anna Becker")
    assert token.client_id == DEMO_CLIENT_ID
    assert token.expires_at - token.minted_at == 1800
    assert token.answer_lost is False


def test_the_ledger_finds_live_tokens_and_all_mints_of_a_user(api, monite):
    revoked, live, other, partner = (api.token(holder) for holder in (ANNA_ID, ANNA_ID, AMELIA_ID, None))
    api.revoke(revoked)
    assert [token.value for token in monite.ledger.live(ANNA_ID)] == [live]
    assert [token.value for token in monite.ledger.mints(ANNA_ID)] == [revoked, live]
    assert [token.value for token in monite.ledger.mints(None)] == [partner]
    assert [token.value for token in monite.ledger.live()] == [live, other, partner]
    assert monite.ledger.find("unknown") is None


def test_uses_and_refusals_are_noted_with_their_times(api, monite):
    token = monite.ledger.find(api.token(ANNA_ID))
    for _ in range(2):
        monite.clock.advance(10)
        api.call("GET", "/entity_users/me", token.value)
    assert (token.uses, token.last_used_at) == (2, monite.clock.now())
    api.revoke(token.value)
    assert token.uses == 2, "revoking a token is not a use of it"
    monite.clock.advance(10)
    api.call("GET", "/entity_users/me", token.value)
    assert (token.refusals, token.last_refusal, token.last_refused_at) == (1, "revoked", monite.clock.now())
    assert token.revoked_at == monite.clock.now() - 10


def test_a_refused_call_of_a_live_token_is_a_use(api, monite):
    token = monite.ledger.find(api.token(ANNA_ID))
    assert api.call("GET", "/entities", token.value).status_code == 403
    assert (token.uses, token.refusals) == (1, 0)


def test_no_text_form_of_a_token_shows_it(api, monite):
    token = monite.ledger.find(api.token(ANNA_ID))
    assert token.value not in repr(token)
    assert token.masked == f"…{token.value[-4:]}"
    assert token.fingerprint == hashlib.sha256(token.value.encode()).hexdigest()[:12]


def test_the_ledger_as_json_is_masked_and_can_be_filtered(api, monite):
    revoked, live, other = (api.token(holder) for holder in (ANNA_ID, ANNA_ID, AMELIA_ID))
    api.revoke(revoked)
    whole = api.send("GET", "/_emulator/ledger")
    assert not any(token in whole.text for token in (revoked, live, other))
    assert [token["state"] for token in whole.json()["tokens"]] == ["revoked", "live", "live"]
    assert whole.json()["max_concurrent_mints"] == {ANNA_ID: 1, AMELIA_ID: 1}
    query = {"entity_user_id": ANNA_ID, "state": "live"}
    (shown,) = api.send("GET", "/_emulator/ledger", params=query).json()["tokens"]
    assert shown["fingerprint"] == monite.ledger.find(live).fingerprint
    monite.clock.advance(1800)
    expired = api.send("GET", "/_emulator/ledger", params={"state": "expired"}).json()["tokens"]
    assert len(expired) == 2


def test_mints_in_flight_at_once_are_counted_per_user(monite):
    ledger = monite.ledger
    with ledger.minting(ANNA_ID, Line()), ledger.minting(AMELIA_ID, Line()), ledger.minting(ANNA_ID, None):
        pass
    with ledger.minting(ANNA_ID, Line()):
        pass
    assert ledger.max_concurrent_mints == {ANNA_ID: 2, AMELIA_ID: 1}


def test_a_mint_whose_client_has_hung_up_is_no_longer_in_flight(monite):
    given_up = Line()
    with monite.ledger.minting(ANNA_ID, given_up):
        given_up.closed = True
        with monite.ledger.minting(ANNA_ID, Line()):
            pass
    assert monite.ledger.max_concurrent_mints[ANNA_ID] == 1


def test_the_ledger_keeps_a_history_of_fixed_size_and_counts_the_rest():
    monite = Monite(clock=Clock(lambda: 1000.0), tokens_kept=10, token_life=60)
    live = monite.mint(None, "client")
    monite.token_life = 30
    monite.clock.advance(29)
    for _ in range(100):
        monite.ledger.refuse(monite.mint(None, "client"), "fault")
    for token in monite.ledger.live()[1:41]:
        monite.ledger.revoke(token)
    assert len(monite.ledger.tokens) == 10 + 61, "ten that were revoked, and all that live"
    monite.clock.advance(30)
    last = monite.mint(None, "client")
    assert (monite.ledger.tokens[0], monite.ledger.tokens[-1], len(monite.ledger.tokens)) == (live, last, 12)
    assert monite.ledger.mints(None) == monite.ledger.tokens
    assert monite.ledger.counts == {"minted": 102, "live": 2, "revoked": 40, "expired": 60, "refused": 100}
    assert last.id == 102


def test_a_token_that_lives_again_because_the_clock_went_back_is_not_forgotten():
    monite = Monite(clock=Clock(lambda: 1000.0), tokens_kept=1, token_life=60)
    token = monite.mint(None, "client")
    monite.clock.advance(61)
    monite.mint(None, "client")
    monite.clock.set(1001)
    for _ in range(3):
        monite.ledger.revoke(monite.mint(None, "client"))
    assert monite.ledger.find(token.value) is token
    assert monite.ledger.counts["live"] == 2


@pytest.mark.parametrize("life", [60, 600])
def test_a_token_of_a_time_far_away_does_not_keep_the_others(life):
    monite = Monite(clock=Clock(lambda: 1000.0), tokens_kept=10, token_life=60)
    monite.clock.set(4_000_000_000)
    far = monite.mint(None, "client")
    monite.clock.set(1000)
    monite.token_life = life
    for _ in range(100):
        monite.mint(None, "client")
        monite.clock.advance(life)
    assert len(monite.ledger.tokens) == 12, (
        "ten that have expired, and two that live: the last one, and that of 2096"
    )
    assert monite.ledger.find(far.value) is far
    assert monite.ledger.counts["minted"] == 101


def test_what_is_noted_of_revoked_tokens_is_bounded_while_the_clock_stands_still():
    ledger = Monite(clock=Clock(lambda: 1000.0), tokens_kept=10).ledger
    live = ledger.mint(Holder(), "client", 1800)
    for _ in range(25_000):
        ledger.revoke(ledger.mint(Holder(), "client", 1800))
    assert len(ledger.tokens) == 11
    assert len(ledger._expiries) <= 10_002
    assert ledger.live() == [live]


def test_mints_for_users_who_do_not_exist_leave_nothing_in_the_ledger():
    ledger = Monite(tokens_kept=10).ledger
    for number in range(100):
        with ledger.minting(str(number), None):
            pass
    assert len(ledger.max_concurrent_mints) == 10
    assert ledger._minting == {}


def test_the_clock_only_moves_forward():
    clock = Clock(lambda: 100.0)
    assert clock.advance(5) == clock.now() == 105.0
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)


def test_the_journal_numbers_events_and_goes_on_after_it_was_cleared():
    journal = Journal(Clock(lambda: 100.0))
    for _ in range(3):
        journal.record("clock", seconds=1)
    assert [event.number for event in journal.after(1)] == [2, 3]
    journal.clear()
    journal.record("clock", seconds=1)
    assert [event.number for event in journal.after(0)] == [4]
