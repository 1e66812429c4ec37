"""Copying a store into one of another kind: what goes, what stays, and what a second time changes. Each kind is told by each other."""

import asyncio
from itertools import permutations

import pytest

from monite_auth import MemoryStore, PostgresStore, RedisStore, Secret, SQLiteStore
from monite_auth.errors import ConfigurationError
from monite_auth.identity import PARTNER, EntityUser, Principal
from monite_auth.processes.flows import run
from monite_auth.stores.copying import StoreCopy
from monite_auth.stores.values import PARTNER_SLOT, Claimed, Committed, Lease, SessionState, Slot
from monite_auth.tokens import AccessToken, steady_clock
from tests.postgres_server import PostgresServer
from tests.postgres_server import emptied as emptied_postgres
from tests.redis_server import RedisCluster, RedisServer
from tests.redis_server import emptied as emptied_redis
from tests.stores.harness import rows
from tests.waiting import PATIENCE

ANNA, VIKTOR = "anna", "viktor"
PERSON = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")
KINDS = "sqlite", "redis", "postgres"


@pytest.fixture(scope="module")
def redis_of_module():
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def cluster_of_module():
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def postgres_of_module():
    with PostgresServer() as server:
        yield server


class Place:
    """A place of one kind of store, where a process opens it with these `keys`."""

    def __init__(self, kind, request, tmp_path):
        self.kind = kind
        self.path = tmp_path / f"{kind}.db"
        if kind == "redis cluster":
            self.server = request.getfixturevalue("cluster_of_module")
            for node in self.server.nodes:
                emptied_redis(node)
        if kind == "redis":
            self.server = emptied_redis(request.getfixturevalue("redis_of_module"))
        if kind == "postgres":
            self.server = emptied_postgres(request.getfixturevalue("postgres_of_module"))

    def open(self, *keys, account="shop"):
        options = {"keys": [Secret(f"the key {each} of the tests, long enough") for each in keys]}
        if self.kind == "sqlite":
            return SQLiteStore(self.path, busy_timeout=PATIENCE, **options).of(account)
        kind = PostgresStore if self.kind == "postgres" else RedisStore
        return kind(self.server.url, timeout=PATIENCE, **options).of(account)


class Process:
    """A process that uses a store."""

    def __init__(self, store):
        self.store = store
        self.ops = store.operations(blocking=True)

    def __getattr__(self, name):
        return lambda *args, **kwargs: run(getattr(self.ops, name)(*args, **kwargs))

    def mint(self, value, principal, slot=None, owner="me"):
        slot = slot or Slot(principal.user_id, None, None)
        claim = self.claim(slot, principal, owner=owner, seconds=5, min_life=0)
        assert isinstance(claim, Claimed), claim
        now = steady_clock()
        token = AccessToken(Secret(value), now + 1800, now, now + 1500, PERSON, steady_clock)
        assert self.commit(claim.lease, token) is Committed.STORED
        return token

    def state(self, principal):
        return self.session_state(principal)

    def revocable(self):
        return sorted(each.token.reveal() for each in self.due(100, seconds=60).batch)


@pytest.fixture(
    params=[*permutations(KINDS, 2), ("sqlite", "redis cluster"), ("redis cluster", "sqlite")], ids="-".join
)
def places(request, tmp_path):
    return [Place(kind, request, tmp_path) for kind in request.param]


@pytest.fixture
def stores(places):
    """Processes of the old and of the new store, whose keys differ, and a function that copies: it has both keys."""
    old, new = Process(places[0].open("old")), Process(places[1].open("new"))

    def copy(*, last=False, back=False):
        keys = ("old", "new") if back else ("new", "old")
        pair = [each.open(*keys) for each in (reversed(places) if back else places)]
        copied = asyncio.run(StoreCopy(*pair, clock=steady_clock).run(last=last))
        for each in pair:
            each.close()
        return copied

    yield old, new, copy
    old.store.close()
    new.store.close()


def session(user, number, at=None):
    return Principal(user, session_id=f"{user}-{number}", authenticated_at=at)


def test_sessions_that_have_ended_have_ended_in_the_new_store_and_others_go_on(stores):
    old, new, copy = stores
    one, two, three = (session(ANNA, number) for number in (1, 2, 3))
    for each in (one, two, session(VIKTOR, 1)):
        old.begin_session(each)
    old.end_session(one)
    old.end_session(three)  # which no store has known
    old.end_user(VIKTOR)
    again = session(VIKTOR, 2)
    old.begin_session(again)
    copied = copy()
    assert copied.sessions == 2
    assert [new.state(each) for each in (one, two, three, session(VIKTOR, 1), again)] == [
        SessionState.ENDED,
        SessionState.ALIVE,
        SessionState.ENDED,
        SessionState.ENDED,
        SessionState.ALIVE,
    ]
    # An unknown one from before has ended by its date, and one without a date that the old store knew ends with its user.
    dated = Principal(VIKTOR, session_id="unknown", authenticated_at=steady_clock() - 600)
    assert new.state(dated) is SessionState.ENDED
    new.end_user(ANNA)
    assert new.state(two) is SessionState.ENDED


def test_all_of_everybody_has_ended_in_the_new_store(stores):
    old, new, copy = stores
    before = session(ANNA, 1, at=steady_clock() - 60)
    old.begin_session(session(VIKTOR, 1))
    old.end_everything()
    copy()
    assert new.state(before) is SessionState.ENDED
    assert new.state(session(VIKTOR, 1)) is SessionState.ENDED
    assert new.state(session(ANNA, 2, at=steady_clock() + 1)) is SessionState.ALIVE


def test_revocations_move_whether_they_are_due_or_not(stores):
    old, new, copy = stores
    values = ["one", "two", "three"]
    for number, value in enumerate(values):
        old.mint(value, session(f"user {number}", 1))
        old.end_session(session(f"user {number}", 1))
    (leased,) = old.due(1, seconds=600).batch
    (postponed,) = old.due(1, seconds=600).batch
    old.postpone(postponed, 600)
    assert leased.id != postponed.id
    assert copy().revocations == 3
    assert old.backlog() == 0
    assert new.revocable() == sorted(values)
    assert copy().revocations == 0
    assert new.backlog() == 3


def test_a_revocation_that_a_broken_copy_has_left_on_both_lists_is_one(stores):
    old, new, copy = stores
    token = old.mint("of anna", session(ANNA, 1))
    copy()
    old.end_session(session(ANNA, 1))
    new.commit(Lease.void(PARTNER_SLOT), token)
    copy()
    assert old.backlog() == 0
    assert new.revocable() == ["of anna"]


def test_a_second_time_changes_nothing(stores):
    old, new, copy = stores
    for user in (ANNA, VIKTOR):
        old.begin_session(session(user, 1))
        old.end_session(session(user, 1))
    old.end_user(VIKTOR)
    copy()
    again = session(VIKTOR, 2)
    new.begin_session(again)
    new.mint("of the new store", again)
    copied = copy()
    assert (copied.endings, copied.sessions, copied.returned, copied.revocations) == (0, 0, 0, 0)
    assert new.peek(Slot(VIKTOR, None, None), again).value.reveal() == "of the new store"
    assert new.backlog() == 0


def test_a_logout_in_the_new_store_ends_what_the_old_one_has(stores):
    old, new, copy = stores
    anna, viktor, other = session(ANNA, 1), session(VIKTOR, 1), session(VIKTOR, 2)
    old.mint("of anna", anna)
    old.mint("of viktor", viktor)
    copy()
    old.begin_session(other, ago=5)  # which the new one has not heard of
    new.end_session(anna)
    new.end_user(VIKTOR)
    assert copy().returned > 0
    assert [old.state(each) for each in (anna, viktor, other)] == [SessionState.ENDED] * 3
    assert old.peek(Slot(ANNA, None, None), anna) is None
    assert new.revocable() == ["of anna", "of viktor"]


def test_tokens_stay_where_they_are_until_the_last_copy_has_them_revoked(stores):
    old, new, copy = stores
    anna = session(ANNA, 1)
    old.mint("of anna", anna)
    old.mint("of the partner", PARTNER, PARTNER_SLOT)
    copy()
    assert old.peek(Slot(ANNA, None, None), anna).value.reveal() == "of anna"
    assert new.peek(Slot(ANNA, None, None), anna) is None
    new.mint("of anna, too", anna)
    copied = copy(last=True)
    assert (copied.taken, copied.revocations, copied.left) == (2, 2, 0)
    assert new.revocable() == ["of anna", "of the partner"]
    assert new.state(anna) is SessionState.ALIVE
    assert new.peek(Slot(ANNA, None, None), anna).value.reveal() == "of anna, too"


def test_the_last_copy_tells_of_a_process_that_still_uses_the_old_store(stores):
    old, _, copy = stores
    old.mint("of anna", session(ANNA, 1))
    copy(last=True)
    old.mint("of anna, too", session(ANNA, 1))
    claim = old.claim(Slot(VIKTOR, None, None), session(VIKTOR, 1), owner="me", seconds=5, min_life=0)
    copied = copy(last=True)
    assert (copied.taken, copied.left) == (1, 0)
    # What it was just minting is fenced, and is to be revoked: the next copy finds it.
    now = steady_clock()
    late = AccessToken(Secret("late"), now + 1800, now, now + 1500, PERSON, steady_clock)
    assert old.commit(claim.lease, late) is Committed.FENCED
    assert copy(last=True).revocations == 1


def test_it_can_be_copied_back(stores):
    old, new, copy = stores
    old.begin_session(session(VIKTOR, 1))
    copy()
    new.begin_session(session(ANNA, 1))
    new.mint("of anna", session(ANNA, 1))
    new.end_session(session(ANNA, 1))
    assert copy(back=True).revocations == 1
    assert old.state(session(ANNA, 1)) is SessionState.ENDED
    assert old.revocable() == ["of anna"]


def test_a_store_that_has_names_of_its_own_is_left_alone(stores):
    old, new, copy = stores
    old.begin_session(session(ANNA, 1))
    new.begin_session(session(VIKTOR, 1))
    with pytest.raises(ConfigurationError, match="names of its own"):
        copy()
    assert new.state(session(VIKTOR, 1)) is SessionState.ALIVE


def test_one_that_was_only_tried_takes_the_names_and_revokes_what_it_has(stores, places):
    old, tried, copy = stores
    tried.mint("of the partner", PARTNER, PARTNER_SLOT)
    old.end_session(session(ANNA, 1))
    copy()
    new = Process(places[1].open("new"))
    assert new.state(session(ANNA, 1)) is SessionState.ENDED
    assert new.peek(PARTNER_SLOT, PARTNER) is None
    assert {*new.revocable()} == {"of the partner"}
    new.store.close()


def test_another_account_is_not_copied(stores, places):
    old, new, copy = stores
    other = Process(places[0].open("old", account="other"))
    other.mint("of the other", session(ANNA, 1))
    other.end_session(session(ANNA, 1))
    old.begin_session(session(VIKTOR, 1))
    copy()
    assert new.backlog() == 0
    assert new.state(session(ANNA, 1)) is SessionState.UNKNOWN
    other.store.close()


def test_an_account_that_has_nothing_is_taken_for_a_mistake(stores, places):
    _, new, copy = stores
    other = Process(places[0].open("old", account="other"))
    other.begin_session(session(ANNA, 1))
    with pytest.raises(ConfigurationError, match="has nothing of this account"):
        copy()
    new.begin_session(session(ANNA, 1))  # and the new store has kept its own names
    other.store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_is_not_copied_into_itself(kind, request, tmp_path):
    place = Place(kind, request, tmp_path)
    old = Process(place.open("old"))
    old.mint("of anna", session(ANNA, 1))
    old.end_session(session(ANNA, 1))
    with pytest.raises(ConfigurationError, match="same store"):
        asyncio.run(StoreCopy(place.open("old"), place.open("old"), clock=steady_clock).run(last=True))
    assert old.revocable() == ["of anna"]
    old.store.close()


def test_the_memory_of_a_process_is_not_copied(tmp_path):
    file = SQLiteStore(tmp_path / "m.db", keys=[Secret("a key of the tests, long enough")])
    for pair in ((MemoryStore(), file), (file, MemoryStore())):
        with pytest.raises(ConfigurationError, match="memory:// cannot be copied"):
            StoreCopy(*pair, clock=steady_clock)


def test_more_than_a_page_is_copied(tmp_path):
    keys = [Secret("a key of the tests, long enough")]
    pair = [SQLiteStore(tmp_path / name, keys=keys).of("shop") for name in ("old.db", "new.db")]
    old, new = map(Process, pair)
    for number in range(1100):
        principal = session(f"user {number}", 1)
        old.mint(f"token {number}", principal)
        if number % 2:
            old.end_session(principal)
    copied = asyncio.run(StoreCopy(*pair, clock=steady_clock).run(last=True))
    assert (copied.endings, copied.sessions, copied.revocations, copied.taken) == (550, 550, 1100, 550)
    assert new.backlog() == 1100
    assert rows(tmp_path / "old.db", "SELECT count(*) FROM tokens") == [(0,)]
