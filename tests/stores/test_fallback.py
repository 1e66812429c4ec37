"""While the shared store is down: users go on, logouts are kept and repeated, and afterwards nothing is left behind."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from monite_auth import PARTNER, MemoryStore, Principal, RedisStore, TokenBroker, errors
from monite_auth.engine.runtime import run
from monite_auth.stores import Claimed
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.fallback.owed import MOST_REFUSALS
from monite_auth.stores.opening import open_store
from monite_auth.telemetry import Silence
from tests.forking import FORKS, child_of, needs_fork
from tests.scripted import ALICE, BOB, World, granted, settings


class Forever:
    def __await__(self):
        yield


class Fragile:
    """A shared store that may be down, or do its work and lose the answer."""

    is_shared = True

    def __init__(self, inner: MemoryStore) -> None:
        self.inner = inner.operations(blocking=True)
        self.done: list[tuple[str, ...]] = []
        self.during: Callable[[], object] | None = None
        """What happens once while the store is at work on something that is not a read."""
        self.is_down = False
        self.loses_answers = False
        self.fails_at: str | None = None
        self.cancelled_at: str | None = None
        self.stuck_at: str | None = None
        self.asked = 0

    def of(self, account: str) -> "Fragile":
        return self

    def operations(self, *, blocking: bool) -> "Fragile":
        return self

    def __getattr__(self, name: str):
        async def operation(*args, **kwargs):
            self.asked += 1
            if self.is_down or name == self.fails_at:
                raise errors.StoreUnavailable("down")
            if name == self.cancelled_at:
                raise asyncio.CancelledError
            if name != "peek" and self.during is not None:
                during, self.during = self.during, None
                during()
            if name == self.stuck_at:
                await Forever()
            result = await getattr(self.inner, name)(*args, **kwargs)
            self.done.append((name, *args))
            if self.loses_answers:
                raise errors.StoreUnavailable("the answer was lost")
            return result

        return operation


class Outage(World):
    """A world whose store can fail. This process has `seen` some sessions alive in it just now."""

    def __init__(self, *answers, seen=(ALICE, BOB), shared: Fragile | None = None, **changes) -> None:
        super().__init__(*answers, **changes)
        self.shared = shared or Fragile(self.memory)
        self.inner = self.shared.inner
        memory = MemoryStore(clock=self.clock, requests_per_second=30)
        self.fallback = self.new_process(memory)
        self.store = self.fallback.operations(blocking=True)
        for principal in seen:
            self.see(principal)

    def new_process(self, memory: MemoryStore | None = None) -> FallbackStore:
        """Return the store as another process has it."""
        return FallbackStore(
            self.shared,
            memory or MemoryStore(clock=self.clock, requests_per_second=30),
            clock=self.clock,
            telemetry=Silence(),
            outage_trust=self.settings.outage_trust,
        )

    def see(self, principal: Principal) -> None:
        """Have the store answer as for a session that is alive, and leave no token there."""
        slot = self.engine.tokens.slot(principal)
        claim = run(self.store.claim(slot, principal, owner="me", seconds=1, min_life=0))
        if isinstance(claim, Claimed):
            run(self.store.abandon(claim.lease))


def numbered():
    count = iter(range(1, 1000))
    return lambda _request: granted(f"token-{next(count)}")


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
        world.now += 2
    world.shared.is_down = False
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
    world.now += 5
    world.shared.is_down = False
    assert world.value() == "token-2"
    assert world.drain().settled == 1
    assert world.revoked == ["token-1"]
    assert run(world.inner.peek(world.engine.tokens.slot(ALICE), ALICE)).value.reveal() == "token-2"


def test_what_an_outage_left_outlives_the_process_once_the_store_is_back():
    world = Outage(numbered())
    world.shared.is_down = True
    world.value()
    world.value(PARTNER)  # the partner's, too
    world.now += 5
    world.shared.is_down = False
    assert world.drain().settled == 2
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_a_store_that_goes_down_again_during_the_handing_over_loses_nothing():
    world = Outage(numbered())
    world.shared.is_down = True
    world.value()
    world.value(BOB)
    world.now += 5
    world.shared.is_down = False
    world.shared.fails_at = "commit"
    run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE))
    world.shared.fails_at = None
    world.now += 5
    world.drain()
    assert {"token-1", "token-2"} <= set(world.revoked)


def test_a_caller_that_is_cancelled_during_the_handing_over_loses_nothing():
    world = Outage(numbered())
    world.shared.is_down = True
    world.value()
    world.value(BOB)
    world.now += 5
    world.shared.is_down = False
    world.shared.cancelled_at = "commit"
    with pytest.raises(asyncio.CancelledError):
        run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE))
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
        run(world.store.peek(world.engine.tokens.slot(BOB), BOB))  # somebody else notices first
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
    world.now += 2
    world.shared.is_down = False
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


@pytest.mark.parametrize("way", ["store_url", "store"])
def test_a_shared_store_is_protected_however_it_was_given(way):
    url = "redis://127.0.0.1:1/0"  # nobody listens there
    chosen = settings(store_url=url if way == "store_url" else "memory://", deadline=1)
    store = None if way == "store_url" else RedisStore.from_settings(settings(store_url=url), lambda: 0.0)
    with TokenBroker(chosen, {}, store=store) as broker:
        assert isinstance(broker.store, FallbackStore)
        broker.logout(ALICE)
        with pytest.raises(errors.SessionEnded):
            broker.token(ALICE)
        with pytest.raises(errors.StoreUnavailable):
            broker.end_everything()


def test_memory_needs_no_protection_and_nothing_is_protected_twice():
    for store in (MemoryStore(), Outage().fallback):
        opened = open_store(settings(), store, clock=lambda: 0.0, telemetry=Silence())
        assert type(opened) is type(store)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_brokers_of_one_account_share_what_is_owed_whoever_they_have_the_store_from(kind, tmp_path):
    url = {"sqlite": f"sqlite:///{tmp_path}/tokens.db", "redis": "redis://127.0.0.1:1/0"}[
        kind
    ]  # neither is asked
    chosen = settings(store_url=url)
    first = open_store(chosen, clock=lambda: 0.0, telemetry=Silence())
    second = first.of("second")
    assert second is not first
    for store in (first, second):
        assert store.of("second") is second
        assert store.of(chosen.account_name) is first


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite://tokens.db", "sqlite:///:memory:"])
def test_a_url_that_names_no_file_is_refused(url):
    with pytest.raises(errors.ConfigurationError, match="sqlite:///relative/path"):
        open_store(settings(store_url=url), clock=lambda: 0.0, telemetry=Silence())


def test_a_url_chooses_the_store(tmp_path):
    assert isinstance(open_store(settings(), clock=lambda: 0.0, telemetry=Silence()), MemoryStore)
    chosen = open_store(
        settings(store_url=f"sqlite:///{tmp_path}/tokens%20here.db"), clock=lambda: 0.0, telemetry=Silence()
    )
    assert isinstance(chosen, FallbackStore)
    assert repr(chosen.shared) == f"<SQLiteStore {tmp_path}/tokens here.db>"


def test_a_note_is_neither_kept_nor_found_while_the_store_is_down_and_forgetting_says_so():
    world = Outage(numbered())
    run(world.store.put_note("alice", "link", "before", seconds=1000))
    world.shared.is_down = True
    run(world.store.put_note("alice", "link", "meanwhile", seconds=1000))
    assert run(world.store.get_note("alice", "link")) is None
    with pytest.raises(errors.StoreUnavailable):
        run(world.store.delete_note("alice", "link"))
    world.now += 5
    world.shared.is_down = False
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
    world.shared.is_down = False
    world.now += 2
    assert world.value() == "token-2"
    world.run_background()
    world.drain()
    assert set(world.revoked) == {"token-1"}


# -- what is owed to the store

AGAIN = Principal("alice", session_id="alice-2")
ENDINGS = {
    "end_session": lambda store: store.end_session(ALICE),
    "end_user": lambda store: store.end_user("alice"),
    "end_everything": lambda store: store.end_everything(),
}
"""What ends the session of ALICE."""


def back(world: Outage) -> None:
    """Let the store answer again, and enough time pass for it to be asked."""
    world.shared.is_down = False
    world.now += 2


def accepted(world: Outage, ending: str) -> None:
    """Carry out an ending in an outage; only that of everything says that others have not heard of it."""
    try:
        run(ENDINGS[ending](world.store))
    except errors.StoreUnavailable:
        assert ending == "end_everything"


@pytest.mark.parametrize("ending", ENDINGS)
def test_promise_7_the_first_caller_after_an_outage_finds_the_ending_carried_out(ending):
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    accepted(world, ending)
    back(world)
    with pytest.raises(errors.SessionEnded):
        world.token()
    world.drain()
    assert world.revoked == ["token-1"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_promise_5_during_an_outage_no_session_that_was_ended_is_served(ending):
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    accepted(world, ending)
    for _ in range(3):
        with pytest.raises((errors.SessionEnded, errors.StoreUnavailable)):
            world.token()
        world.now += 2
    assert len(world.mints) == 1


def test_a_session_that_began_after_the_ending_is_served_during_the_outage_and_afterwards():
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    run(world.store.end_user("alice"))
    run(world.store.begin_session(AGAIN))
    assert world.value(AGAIN) == "token-2"
    back(world)
    assert world.value(AGAIN) == "token-3"
    with pytest.raises(errors.SessionEnded):
        world.token(ALICE)


def test_what_is_owed_is_repeated_in_its_order_and_once():
    world = Outage(numbered())
    world.shared.is_down = True
    run(world.store.end_user("alice"))
    run(world.store.begin_session(AGAIN))
    run(world.store.end_session(BOB))
    run(world.store.relink(PARTNER))
    back(world)
    world.shared.done.clear()
    for _ in range(2):
        run(world.store.backlog())
    assert world.shared.done == [
        ("end_user", "alice"),
        ("begin_session", AGAIN),
        ("end_session", BOB),
        ("relink", PARTNER),
        ("backlog",),
        ("backlog",),
    ]


def test_a_relink_and_the_partners_end_are_kept_too():
    world = Outage(numbered())
    world.value()
    world.value(PARTNER)
    world.shared.is_down = True
    run(world.store.relink("alice"))
    run(world.store.relink(PARTNER))
    back(world)
    assert [world.value(), world.value(PARTNER)] == ["token-3", "token-4"]
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_an_ending_whose_caller_is_cancelled_is_not_lost():
    world = Outage(numbered())
    world.value()
    world.shared.cancelled_at = "end_session"
    with pytest.raises(asyncio.CancelledError):
        run(world.store.end_session(ALICE))
    world.shared.cancelled_at = None
    with pytest.raises(errors.SessionEnded):
        world.token()


@pytest.mark.parametrize("trouble", ["cancelled", "down"])
def test_a_caller_that_stops_in_the_middle_of_repeating_loses_nothing(trouble):
    world = Outage(numbered())
    world.value()
    world.value(BOB)
    world.shared.is_down = True
    run(world.store.end_session(ALICE))
    run(world.store.end_user("bob"))
    back(world)
    if trouble == "cancelled":
        world.shared.cancelled_at = "end_user"
        with pytest.raises(asyncio.CancelledError):
            run(world.store.peek(world.engine.tokens.slot(BOB), BOB))
    else:
        world.shared.fails_at = "end_user"
        with pytest.raises(errors.StoreUnavailable):
            run(world.store.peek(world.engine.tokens.slot(BOB), BOB))
    world.shared.cancelled_at = world.shared.fails_at = None
    world.now += 2
    for principal in (ALICE, BOB):
        with pytest.raises(errors.SessionEnded):
            world.token(principal)
    assert [name for name, *_ in world.shared.done].count("end_session") == 1


def test_while_one_caller_repeats_the_others_get_nothing_out_of_the_store():
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    run(world.store.end_session(ALICE))
    back(world)
    found = []
    world.shared.during = lambda: found.append(run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE)))
    run(world.store.backlog())
    assert found == [None]
    assert [name for name, *_ in world.shared.done].count("end_session") == 1


def test_an_ending_that_comes_while_another_is_repeated_waits_its_turn():
    world = Outage(numbered())
    world.shared.is_down = True
    run(world.store.end_user("alice"))
    back(world)
    world.shared.during = lambda: run(world.store.begin_session(AGAIN))
    world.shared.done.clear()
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["end_user", "begin_session", "backlog"]


def test_a_turn_whose_event_loop_stopped_is_free_again_after_a_while():
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    run(world.store.end_session(ALICE))
    back(world)
    world.shared.stuck_at = "end_session"
    abandoned = world.store.backlog()
    abandoned.send(None)  # and never again
    world.shared.stuck_at = None
    run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE))
    assert ("end_session", ALICE) not in world.shared.done
    world.now += 31
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert ("end_session", ALICE) in world.shared.done
    abandoned.close()


def test_nobody_repeats_for_ever():
    world = Outage(numbered())
    world.shared.is_down = True
    for number in range(10):
        run(world.store.end_user(f"user-{number}"))
    back(world)

    async def slowly(user):
        world.now += 0.3
        return 0

    world.inner.end_user = slowly
    for expected in (4, 8, 10):
        run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE))
        assert [name for name, *_ in world.shared.done].count("end_user") == expected


def test_what_the_store_refuses_is_given_up_and_keeps_nobody(caplog):
    world = Outage(numbered())
    world.shared.is_down = True
    run(world.store.end_user("alice"))
    run(world.store.end_user("bob"))
    back(world)

    async def refuses(user):
        if user == "alice":
            raise ValueError(user)
        return 0

    world.inner.end_user = refuses
    for _ in range(MOST_REFUSALS - 1):
        with pytest.raises(
            errors.StoreUnavailable, match="has not taken end_user, which it missed: ValueError"
        ):
            run(world.store.backlog())
        world.now += 2
    assert "given up" not in caplog.text
    assert run(world.store.backlog()) == 0
    assert ("end_user", "bob") in world.shared.done
    assert "refuses end_user, which is given up" in caplog.text


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_odd_error_while_an_ending_is_repeated_gives_nobody_a_token(ending):
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    accepted(world, ending)
    back(world)

    async def breaks(*_args):
        delattr(world.inner, ending)
        raise RuntimeError("Event loop is closed")

    setattr(world.inner, ending, breaks)
    with pytest.raises((errors.SessionEnded, errors.StoreUnavailable)):
        world.token()
    world.now += 2
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert ending in [name for name, *_ in world.shared.done]


@needs_fork
@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_a_child_that_is_forked_while_its_parent_repeats_does_not_wait_for_that(fork):
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    run(world.store.end_session(ALICE))
    back(world)
    found = []
    world.shared.during = lambda: found.append(child_of(fork, lambda: run(world.store.backlog()) == 1))
    run(world.store.backlog())
    assert found == [True]


def test_a_drainer_repeats_what_is_owed_although_nobody_else_comes():
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    world.logout()
    assert world.drain().next_in == 1.0
    back(world)
    assert world.drain().settled == 1
    assert world.revoked == ["token-1"]


def test_a_logout_in_an_outage_wakes_a_drainer():
    world = Outage(numbered())
    world.shared.is_down = True
    world.logout()
    assert len(world.background) == 1


def test_a_login_in_an_outage_is_known_afterwards_whatever_its_date_says():
    world = Outage(numbered())
    run(world.store.end_user("alice"))
    late = Principal("alice", session_id="late", authenticated_at=world.now - 60)
    world.shared.is_down = True
    run(world.store.begin_session(late))
    back(world)
    assert world.value(late) == "token-1"


def test_a_store_that_is_closed_before_it_has_heard_of_all_says_so(caplog):
    world = Outage(numbered())
    world.shared.close = lambda: None
    world.fallback.close()
    assert not caplog.records
    world.shared.is_down = True
    world.logout()
    world.fallback.close()
    assert "has not heard of 1 logouts" in caplog.text


def test_threads_that_come_together_after_an_outage_repeat_it_once_and_none_fails():
    world = Outage(numbered())
    world.shared.is_down = True
    for number in range(50):
        run(world.store.end_user(f"user-{number}"))
    back(world)
    world.shared.done.clear()
    together = threading.Barrier(8)

    def come() -> None:
        together.wait()
        for _ in range(50):
            run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE))

    with ThreadPoolExecutor(8) as threads:
        for each in [threads.submit(come) for _ in range(8)]:
            each.result()
    ended = [user for name, user, *_ in world.shared.done if name == "end_user"]
    assert ended == [f"user-{number}" for number in range(50)]
