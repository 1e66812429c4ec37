"""Users whom the directory does not know cost the store no write."""

import pytest

from monite_auth import EntityUser, MemoryStore, Principal
from monite_auth.engine.unlinked import MOST_USERS, Unlinked
from monite_auth.errors import NotLinked, ProvisioningFailed, SessionEnded
from monite_auth.stores.memory.operations import MemoryOperations
from tests.scripted import World, granted


@pytest.fixture
def claims():
    return []


@pytest.fixture
def store(claims):
    class Counting(MemoryOperations):
        async def claim(self, slot, principal, **options):
            claims.append(slot)
            return await super().claim(slot, principal, **options)

    return MemoryStore(clock=lambda: 1_700_000_000.0, make_operations=Counting)  # when a world begins


def test_an_unlinked_user_costs_one_claim_and_none_after_that_in_any_tenant(store, claims):
    world = World(granted(), directory=lambda _: None, store=store)
    for number in range(20):
        with pytest.raises(NotLinked):
            world.token(Principal("alice", tenant=f"tenant-{number}", session_id="alice-1"))
    assert len(claims) == 1


def test_a_user_who_is_linked_gets_a_token_at_once(store, claims):
    people = {}
    world = World(granted(), directory=lambda principal: people.get(principal.user_id), store=store)
    for _ in range(3):
        with pytest.raises(NotLinked):
            world.token()
    people["alice"] = EntityUser("a" * 32, "b" * 32)
    assert world.value() == "token-1"
    assert len(claims) == 2


def test_promise_5_an_ended_session_of_an_unlinked_user_is_told_so(store):
    world = World(granted(), directory=lambda _: None, store=store)
    with pytest.raises(NotLinked):
        world.token()
    world.logout()
    for _ in range(2):
        with pytest.raises(SessionEnded):
            world.token()


def test_what_else_is_wrong_with_the_directory_is_asked_under_a_claim_so_that_it_cools_down(store):
    asked = []

    def directory(_principal):
        asked.append(1)
        if len(asked) > 1:
            raise ProvisioningFailed("Monite refuses the person.", retry_after=30)

    world = World(granted(), directory=directory, store=store)
    for error in (NotLinked, *[ProvisioningFailed] * 3):
        with pytest.raises(error):
            world.token()
    assert len(asked) == 3


def test_the_table_is_bounded():
    unlinked = Unlinked()
    for number in range(MOST_USERS + 1):
        unlinked.note(f"user-{number}", is_linked=False)
    assert "user-0" not in unlinked
    assert f"user-{MOST_USERS}" in unlinked
