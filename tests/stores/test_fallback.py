"""While the shared store is down: users go on, logouts say so, and afterwards nothing is left behind."""

import asyncio

import pytest

from monite_auth import MemoryStore, Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.stores.choose import store_for
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.memory import MemoryStore as Memory
from monite_auth.telemetry import Silence
from tests.scripted import ALICE, BOB, World, granted, settings


class Fragile:
    """A shared store that may be down, or do its work and lose the answer."""

    def __init__(self, inner: Memory) -> None:
        self.inner = inner
        self.is_down = False
        self.loses_answers = False
        self.fails_at: str | None = None
        self.cancelled_at: str | None = None
        self.asked = 0

    def operations(self, *, blocking: bool) -> "Fragile":
        return self

    def __getattr__(self, name: str):
        async def operation(*args, **kwargs):
            self.asked += 1
            if self.is_down or name == self.fails_at:
                raise errors.StoreUnavailable("down")
            if name == self.cancelled_at:
                raise asyncio.CancelledError
            result = await getattr(self.inner, name)(*args, **kwargs)
            if self.loses_answers:
                raise errors.StoreUnavailable("the answer was lost")
            return result

        return operation


class Outage(World):
    """A world whose store can fail."""

    def __init__(self, *answers, **changes) -> None:
        super().__init__(*answers, **changes)
        self.shared = Fragile(self.memory)
        memory = MemoryStore(clock=self.clock, requests_per_second=30)
        self.fallback = FallbackStore(self.shared, memory, clock=self.clock, telemetry=Silence())
        self.store = self.fallback.operations(blocking=True)


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


def test_a_logout_says_that_it_was_not_recorded_and_holds_here_all_the_same():
    world = Outage(numbered())
    world.shared.is_down = True
    world.value()
    with pytest.raises(errors.StoreUnavailable):
        world.logout()
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
    assert run(world.memory.peek(world.flows.slot(ALICE), ALICE)).value.reveal() == "token-2"


def test_what_an_outage_left_outlives_the_process_once_the_store_is_back():
    world = Outage(numbered())
    world.shared.is_down = True
    world.value()
    world.value(None)  # the partner's, too
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
    run(world.store.peek(world.flows.slot(ALICE), ALICE))
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
        run(world.store.peek(world.flows.slot(ALICE), ALICE))
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
        run(world.store.peek(world.flows.slot(BOB), BOB))  # somebody else notices first
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
    with pytest.raises(errors.StoreUnavailable):
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


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite://tokens.db", "sqlite:///:memory:"])
def test_a_url_that_names_no_file_is_refused(url):
    with pytest.raises(errors.ConfigurationError, match="sqlite:///relative/path"):
        store_for(settings(store_url=url), lambda: 0.0, Silence())


def test_a_url_chooses_the_store(tmp_path):
    assert isinstance(store_for(settings(), lambda: 0.0, Silence()), MemoryStore)
    chosen = store_for(settings(store_url=f"sqlite:///{tmp_path}/tokens%20here.db"), lambda: 0.0, Silence())
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
    run(world.flows.revoke(world, leaked))
    if is_drained:
        world.drain()
    world.shared.is_down = False
    world.now += 2
    assert world.value() == "token-2"
    world.run_background()
    world.drain()
    assert set(world.revoked) == {"token-1"}
