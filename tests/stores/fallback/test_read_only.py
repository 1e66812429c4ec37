"""A store that takes no writes still answers reads, and endings as far as it can: these go on."""

import pytest

from monite_auth import PARTNER, Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.stores import Operations
from monite_auth.stores.fallback.outage import STEADY
from monite_auth.stores.health import health_of
from tests.scripted import ALICE, BOB, numbered
from tests.stores.fallback.outage import AGAIN, Outage

A_FULL_REDIS = frozenset({"claim", "put_note"})
"""What needs new room. Endings, and what clears up, still work."""

READS = frozenset({"peek", "session_state", "get_note", "status", "backlog", "overview"})

A_FULL_DISK = frozenset(name for name in dir(Operations) if not name.startswith("_")) - READS
"""All that is written to a file."""

KINDS = {"a full Redis": A_FULL_REDIS, "a full disk": A_FULL_DISK}
in_each_kind = pytest.mark.parametrize("refused", KINDS.values(), ids=KINDS)


def full(world: Outage, refused: frozenset[str]) -> None:
    world.shared.refuses = refused


def elsewhere(world: Outage, ending: str, subject: object) -> None:
    """Let another process end something, which had its writes done just in time."""
    refused, world.shared.refuses = world.shared.refuses, frozenset()
    run(getattr(world.new_process().operations(blocking=True), ending)(subject))
    world.shared.refuses = refused


@in_each_kind
def test_promise_4_live_tokens_are_read_though_nobody_is_trusted_any_more(refused):
    world = Outage(numbered(), outage_trust=0)
    assert world.value() == "token-1"
    full(world, refused)
    with pytest.raises(errors.StoreUnavailable):
        world.token(AGAIN)  # it has to be claimed for: nobody knows it
    for _ in range(5):
        assert world.value() == "token-1"
        world.now += 2
    assert len(world.mints) == 1


@in_each_kind
def test_a_session_that_the_store_knows_is_minted_for_once_by_each_process(refused):
    world = Outage(numbered(), outage_trust=0)
    full(world, refused)
    assert [world.value() for _ in range(3)] == ["token-1"] * 3
    world.now += 500
    assert world.value() == "token-1"
    assert world.value(PARTNER) == "token-2"


@in_each_kind
def test_promise_5_a_session_that_ended_elsewhere_is_known_as_ended_though_it_is_trusted(refused):
    world = Outage(numbered())
    elsewhere(world, "end_session", ALICE)
    full(world, refused)
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert world.mints == []


@in_each_kind
@pytest.mark.parametrize(("ending", "subject"), [("end_session", ALICE), ("end_user", "alice")])
def test_promise_5_a_token_that_is_kept_here_is_not_handed_out_after_an_ending_elsewhere(
    refused, ending, subject
):
    world = Outage(numbered())
    full(world, refused)
    assert world.value() == "token-1"
    elsewhere(world, ending, subject)
    with pytest.raises(errors.SessionEnded):
        world.token()


@in_each_kind
def test_a_session_that_nobody_knows_is_served_only_if_it_is_trusted(refused):
    world = Outage(numbered())
    full(world, refused)
    with pytest.raises(errors.StoreUnavailable):
        world.token(AGAIN)
    run(world.store.begin_session(AGAIN))
    assert world.value(AGAIN) == "token-1"


@in_each_kind
def test_promise_7_a_logout_goes_on(refused):
    world = Outage(numbered())
    world.value()
    world.value(BOB)
    full(world, refused)
    world.logout()
    with pytest.raises(errors.SessionEnded):
        world.token()
    for _ in range(3):
        assert world.value(BOB) == "token-2"  # what is owed does not concern him
        world.now += 2
    assert len(world.mints) == 2
    full(world, frozenset())
    world.now += 2
    world.drain()
    assert world.revoked == ["token-1"]
    assert world.value(BOB) == "token-2"


def test_promise_5_nothing_is_read_of_users_whom_an_owed_ending_concerns():
    world = Outage(numbered())
    world.value()
    full(world, A_FULL_DISK)
    run(world.store.end_user("alice"))
    with pytest.raises((errors.SessionEnded, errors.StoreUnavailable)):
        world.token()
    run(world.store.revoke(world.token(BOB)))  # whoever has its value
    with pytest.raises(errors.StoreReadOnly):
        run(world.store.status("bob"))


@in_each_kind
def test_when_writes_are_taken_again_what_was_kept_here_is_revoked(refused, caplog):
    world = Outage(numbered())
    full(world, refused)
    assert [world.value(), world.value(BOB)] == ["token-1", "token-2"]
    assert health_of(world.fallback).store == "degraded"
    full(world, frozenset())
    world.now += STEADY + 1
    assert world.value(AGAIN) == "token-3"  # whoever mints first
    assert world.value() == "token-3"
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]
    assert health_of(world.fallback).store == "up"
    said = [record.getMessage() for record in caplog.records if record.levelname != "INFO"]
    assert [each.partition(".")[0] for each in said] == [
        "The token store takes no writes",
        "The token store takes writes again",
    ]


@in_each_kind
def test_that_writes_are_taken_again_is_found_out_in_the_background_where_nobody_comes(refused):
    world = Outage(numbered())
    full(world, refused)
    assert world.value() == "token-1"
    assert world.drain().next_in == 1.0
    full(world, frozenset())
    world.now += STEADY
    for _ in range(2):
        world.drain()
        world.now += STEADY
    assert world.revoked == ["token-1"]
    assert health_of(world.fallback).store == "up"


@pytest.mark.parametrize("refused_first", ["due", "claim of the partner's slot"])
def test_that_writes_are_taken_again_is_found_out_though_no_user_was_refused(refused_first):
    world = Outage(numbered())
    full(world, A_FULL_DISK)
    if refused_first == "due":
        world.drain()
    else:
        assert world.value(PARTNER) == "token-1"
    assert health_of(world.fallback).store == "degraded"
    full(world, frozenset())
    world.now += STEADY
    assert world.drain().next_in is None
    health = health_of(world.fallback)
    assert (health.store, health.since) == ("up", world.now)


@in_each_kind
def test_a_store_that_goes_down_while_it_takes_no_writes_loses_nothing(refused):
    world = Outage(numbered())
    full(world, refused)
    assert world.value() == "token-1"
    world.shared.is_down = True
    assert world.value() == "token-1"
    with pytest.raises(errors.StoreUnavailable):
        world.token(AGAIN)
    world.back()
    assert world.value() == "token-1"
    full(world, frozenset())
    world.now += 2
    assert world.value(Principal("bob", session_id="bob-2")) == "token-2"
    world.drain()
    assert world.revoked == ["token-1"]


def test_a_store_that_cannot_be_read_is_down_whatever_it_says(caplog):
    world = Outage(numbered())
    full(world, A_FULL_DISK | {"peek"})
    assert world.value() == "token-1"
    assert "is down" in caplog.text


def test_promise_5_a_logout_here_while_the_store_is_asked_for_the_session_counts():
    world = Outage(numbered())
    full(world, A_FULL_DISK)
    assert world.value() == "token-1"  # of this process alone

    def ask_for_session() -> None:
        world.shared.before_answer = lambda: run(world.store.end_session(ALICE))

    world.shared.before_answer = ask_for_session  # after the peek
    assert world.peek(ALICE) is None


@in_each_kind
def test_a_call_finds_its_token_though_the_store_takes_no_writes(refused):
    world = Outage(numbered(), outage_trust=0)
    world.token(PARTNER)
    full(world, refused)
    assert world.value() == "token-2"  # which this process keeps for itself
    for principal, value in ((ALICE, "token-2"), (PARTNER, "token-1")):
        slot = world.engine.tokens.slot(principal)
        found = run(world.store.peek_in_turn(slot, principal, patience=2))
        assert found.token.value.reveal() == value
    assert run(world.engine.tokens.token_in_turn(world, ALICE)).value.reveal() == "token-2"
