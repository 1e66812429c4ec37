"""Whose entity it is: who knows a company's name and e-mail address does not get into it."""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from monite_auth import Principal, TokenBroker, errors
from monite_auth.emulator import BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Fault
from monite_auth.emulator.directory import Entity
from monite_auth.engine.runtime import run
from monite_auth.provisioning import EntityProfile, Profile, ProvisioningDirectory
from monite_auth.provisioning.ownership import CLOCKS_DIFFER, Owner, Ownership
from monite_auth.rbac import Role
from monite_auth.stores.memory import MemoryStore
from tests.redis_server import RedisServer
from tests.scripted import settings
from tests.waiting import until

CAFE = EntityProfile(
    email="hello@cafe.example",
    legal_name="Corner Café GmbH",
    address={"country": "DE", "city": "Berlin", "postal_code": "10115", "line1": "Invalidenstraße 1"},
)
BY_HAND = replace(CAFE, join_existing=True)
CLERK = Role("Clerk", {"payable": "create read"})

OWNERS = [
    pytest.param(
        Principal("ida", tenant="cafe"), Principal("ida", tenant="rival"), id="two tenants of one user"
    ),
    pytest.param(Principal("ida", tenant="cafe"), Principal("eve", tenant="rival"), id="tenants"),
    pytest.param(Principal("ida"), Principal("eve"), id="users without a tenant"),
    pytest.param(Principal("ida"), Principal("ida", tenant="ida"), id="a user and a tenant"),
    pytest.param(Principal("tenant"), Principal("x", tenant="tenant"), id="a user named like a tenant"),
]


class Filled(ProvisioningDirectory):
    """A directory of what is typed into a form."""

    def __init__(self, company: EntityProfile) -> None:
        self.company = company
        self.first_name = "Ida"
        super().__init__(
            lambda principal: replace(profile_of(principal, self.company), first_name=self.first_name)
        )


def profile_of(principal: Principal, company: EntityProfile = CAFE) -> Profile:
    return Profile(login=f"app-{principal.user_id}", first_name="Ida", role=CLERK, entity=company)


@pytest.fixture(params=["blocking", "async"])
def call(request) -> Iterator[Callable[..., Any]]:
    """Return a function that calls a method in one of its two forms."""
    if request.param == "blocking":
        yield lambda owner, method, *arguments: getattr(owner, method)(*arguments)
        return
    with asyncio.Runner() as runner:
        yield lambda owner, method, *arguments: runner.run(getattr(owner, f"a{method}")(*arguments))


@pytest.fixture
def open_app(emulated) -> Iterator[Callable[..., "Filled"]]:
    """Return a function that makes a directory with a broker of its own: another process, where they share a store.

    It has the company of all its principals in `company`.
    """
    brokers = []

    def make(company: EntityProfile = CAFE, **changes: Any) -> Filled:
        directory = Filled(company)
        brokers.append(TokenBroker(replace(emulated, **changes), directory))
        return directory

    yield make
    for broker in brokers:
        broker.close()


def companies(emulator):
    return [each for each in emulator.monite.directory.entities.all() if each.name == CAFE.legal_name]


def people(emulator):
    return [user.login for user in emulator.monite.directory.users.all()]


def create_by_other_means(emulator):
    """As with the partner portal: no store of ours hears of it."""
    emulator.monite.directory.entities.add(
        Entity, str(uuid4()), entity_id="", default_role_id="", fields=CAFE.to_json()
    )


# -- who is let in


@pytest.mark.parametrize(("owner", "stranger"), OWNERS)
def test_promise_1_knowing_a_companys_name_and_address_lets_nobody_in(
    open_app, emulator, call, owner, stranger
):
    app = open_app()
    entity_id = call(app, "find", owner).entity_id
    before = people(emulator)
    for form in (
        CAFE,
        replace(CAFE, email="HELLO@cafe.EXAMPLE"),
        replace(CAFE, address={**CAFE.address, "city": "X"}),
    ):
        app.company = form
        for method in ("find", "update", "remove"):
            with pytest.raises(errors.ProvisioningFailed, match="join_existing") as caught:
                call(app, method, stranger)
            assert caught.value.fields == ("entity",)
            assert f'Profile(entity="{entity_id}")' in str(caught.value)
            assert "Café" not in str(caught.value)
            assert "cafe.example" not in str(caught.value)
    assert people(emulator) == before
    assert len(companies(emulator)) == 1


def test_promise_1_an_entity_made_by_other_means_has_no_owner(open_app, emulator, call):
    bakery = emulator.monite.directory.entities.get(BAKERY_ID)
    company = EntityProfile(
        email=bakery.fields["email"], legal_name=bakery.name, address=CAFE.address, join_existing=False
    )
    with pytest.raises(errors.ProvisioningFailed, match=f"{BAKERY_ID}.*has not noted that it was created"):
        call(open_app(company), "find", Principal("eve", tenant="bakery"))


def test_colleagues_share_what_one_of_them_has_created_for_their_tenant(open_app, emulator, tmp_path, call):
    store = f"sqlite:///{tmp_path}/store.db"
    first = call(open_app(store_url=store), "find", Principal("ida", tenant="cafe"))
    second = call(open_app(store_url=store), "find", Principal("otto", tenant="cafe"))  # after a restart
    assert first.entity_id == second.entity_id
    assert first.entity_user_id != second.entity_user_id
    assert len(companies(emulator)) == 1


def test_the_creator_is_let_in_again_when_their_profile_changes(open_app, emulator, call):
    app = open_app()
    first = call(app, "find", Principal("ida"))
    app.first_name = "Ida Maria"
    assert call(app, "find", Principal("ida")) == first


def test_a_company_that_is_renamed_here_and_there_stays_its_owners(open_app, emulator, call):
    app = open_app()
    first = call(app, "find", Principal("ida"))
    emulator.monite.directory.entities.change(
        companies(emulator)[0], {"organization": {"legal_name": "New GmbH"}}
    )
    app.company = replace(CAFE, legal_name="New GmbH")
    assert call(app, "find", Principal("ida")) == first


def test_of_two_with_one_name_each_owner_gets_their_own(open_app, emulator, call):
    """The second one was created by other means, since here the stranger is refused."""
    app = open_app()
    first = call(app, "find", Principal("ida", tenant="cafe"))
    create_by_other_means(emulator)
    assert call(app, "update", Principal("ida", tenant="cafe")) == first


def test_promise_1_of_many_tenants_that_describe_one_company_at_once_one_gets_it(open_app, emulator):
    app = open_app()
    barrier = threading.Barrier(8)

    def find(number: int) -> str | None:
        barrier.wait()
        try:
            found = app.find(Principal(f"user-{number}", tenant=f"tenant-{number // 2}"))
        except errors.ProvisioningFailed:
            return None
        return found.entity_id if found is not None else None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(find, range(8)))
    (company,) = companies(emulator)
    (owner,) = {number // 2 for number, each in enumerate(found) if each is not None}  # both of one tenant
    assert found[2 * owner : 2 * owner + 2] == [company.id] * 2
    assert len([login for login in people(emulator) if login.startswith("app-")]) == 2


def test_an_existing_entity_is_joined_where_the_app_says_so(open_app, emulator, call):
    owner, guest = Principal("ida", tenant="cafe"), Principal("gast", tenant="guests")
    found = call(open_app(), "find", owner)
    assert call(open_app(BY_HAND), "find", guest).entity_id == found.entity_id
    assert len(companies(emulator)) == 1
    # The word is the profile's, each time, and makes nobody an owner.
    with pytest.raises(errors.ProvisioningFailed):
        call(open_app(), "find", Principal("eve", tenant="guests"))


def test_an_entity_to_join_is_created_where_there_is_none(open_app, emulator, call):
    app = open_app(BY_HAND)
    assert call(app, "find", Principal("ida")).entity_id == companies(emulator)[0].id
    assert call(app, "update", Principal("ida")).entity_id == companies(emulator)[0].id


@pytest.mark.parametrize("word", ["yes", 1, None])
def test_to_join_has_to_be_said_clearly(word):
    with pytest.raises(ValueError, match="join_existing is True or False"):
        replace(CAFE, join_existing=word)


# -- the dry run


def test_a_plan_says_whether_an_entity_is_created_joined_or_refused_and_why(open_app, emulator, call):
    owner, other = Principal("ida", tenant="cafe"), Principal("eve", tenant="rival")
    app = open_app()
    assert call(app, "plan", owner)[0] == "Create the entity, an organization."
    entity_id = call(app, "find", owner).entity_id
    assert call(app, "plan", owner) == []
    assert call(app, "plan", Principal("otto", tenant="cafe")) == [
        f"Join the entity {entity_id}: this store created it for this tenant.",
        "Create an entity user with the role 'Clerk'.",
    ]
    (refusal,) = call(app, "plan", other)
    assert refusal.startswith("Refuse: Monite already has an entity of this type")
    assert "join_existing=True" in refusal
    assert call(open_app(BY_HAND), "plan", other) == [
        f"Join the entity {entity_id}: the profile says join_existing.",
        "Create an entity user with the role 'Clerk'.",
    ]
    assert people(emulator).count("app-ida") == 1
    assert not {"app-otto", "app-eve"} & set(people(emulator))


def test_a_plan_notes_nothing(open_app, emulator, call):
    app = open_app()
    call(app, "plan", Principal("ida"))
    create_by_other_means(emulator)
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", Principal("ida"))


# -- notes that are lost, and stores that are down


def test_a_lost_note_is_a_refusal_that_says_how_to_go_on(open_app, emulator, call):
    owner = Principal("ida", tenant="cafe")
    entity_id = call(open_app(), "find", owner).entity_id
    emptied = open_app()  # each has a store of its own, in memory
    with pytest.raises(errors.ProvisioningFailed, match=f'entity="{entity_id}"'):
        call(emptied, "find", owner)
    assert len(companies(emulator)) == 1
    assert call(open_app(BY_HAND), "find", owner).entity_id == entity_id


def test_while_redis_is_down_no_entity_is_created_and_none_is_refused_for_good(open_app, emulator, call):
    owner = Principal("ida", tenant="cafe")
    with RedisServer() as server:
        app = open_app(store_url=server.url)
        server.kill()
        with pytest.raises(errors.StoreUnavailable):
            call(app, "find", owner)
        assert companies(emulator) == []
        server.start()
        until(lambda: _answers(app, owner))
        entity_id = call(app, "find", owner).entity_id
        server.kill()
        with pytest.raises(errors.StoreUnavailable):
            call(app, "update", Principal("otto", tenant="cafe"))
    assert [each.id for each in companies(emulator)] == [entity_id]


def _answers(app, owner) -> bool:
    try:
        return app.find(owner) is not None
    except errors.StoreUnavailable:
        return False


# -- a creation that broke off


class JustBefore(Mapping[str, Any]):
    """More fields of an entity, none: something happens when the request is built."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def __iter__(self) -> Iterator[str]:
        self._happens()
        return iter(())

    def __len__(self) -> int:
        return 0

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)


def meeting(emulator, **fault: Any) -> EntityProfile:
    """Return a company whose creation meets with trouble."""
    trouble = Fault(path="/entities", times=1, **fault)
    return replace(CAFE, more=JustBefore(lambda: emulator.monite.faults.add(trouble)))


def test_promise_2_an_entity_whose_answer_was_lost_is_found_by_its_creator(
    open_app, emulator, call, tmp_path
):
    owner, stranger = Principal("ida", tenant="cafe"), Principal("eve", tenant="rival")
    store = f"sqlite:///{tmp_path}/store.db"
    with pytest.raises(errors.MoniteUnavailable):
        call(open_app(meeting(emulator, kind="cut_after"), store_url=store), "find", owner)
    (created,) = companies(emulator)
    app = open_app(store_url=store)
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", stranger)
    assert call(app, "plan", owner)[0].startswith("Join the entity")
    assert call(app, "find", Principal("otto", tenant="cafe")).entity_id == created.id
    assert call(app, "find", owner).entity_id == created.id
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", stranger)
    assert len(companies(emulator)) == 1


def test_promise_1_a_creation_that_came_to_nothing_gives_no_right_to_anothers_entity(
    open_app, emulator, call, tmp_path
):
    """The stranger's request never got through; then the company's own people come."""
    owner, stranger = Principal("ida", tenant="cafe"), Principal("eve", tenant="rival")
    store = f"sqlite:///{tmp_path}/store.db"
    with pytest.raises(errors.MoniteUnavailable):
        call(open_app(meeting(emulator, kind="cut_before"), store_url=store), "find", stranger)
    assert companies(emulator) == []
    with pytest.raises(errors.MoniteUnavailable):
        call(open_app(meeting(emulator, kind="cut_after"), store_url=store), "find", owner)
    app = open_app(store_url=store)
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", stranger)
    assert call(app, "find", owner).entity_id == companies(emulator)[0].id
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", stranger)


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 403}, {"kind": "throttle", "retry_after": 1}])
def test_promise_1_a_refused_creation_leaves_no_note(open_app, emulator, call, fault, tmp_path):
    stranger = Principal("eve", tenant="rival")
    store = f"sqlite:///{tmp_path}/store.db"
    with pytest.raises((errors.ProvisioningFailed, errors.RateLimited)):
        call(open_app(meeting(emulator, **fault), store_url=store, deadline=0.9), "find", stranger)
    create_by_other_means(emulator)
    with pytest.raises(errors.ProvisioningFailed, match="has not noted"):
        call(open_app(store_url=store), "find", stranger)


def _create_and_die(changes, reached, go):
    ours = settings(client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, **changes)
    company = replace(CAFE, more=JustBefore(lambda: (reached.set(), go.wait(60))))
    directory = ProvisioningDirectory(lambda principal: profile_of(principal, company))
    TokenBroker(ours, directory)
    directory.find(Principal("ida", tenant="cafe"))


def test_promise_6_a_process_that_dies_between_creation_and_note_wedges_nothing(open_app, emulator, tmp_path):
    store = f"sqlite:///{tmp_path}/store.db"
    spawn = multiprocessing.get_context("spawn")
    reached, go = spawn.Event(), spawn.Event()
    changes = {"base_url": emulator.api_url, "store_url": store, "read_timeout": 60, "deadline": 60}
    child = spawn.Process(target=_create_and_die, args=(changes, reached, go))
    child.start()
    assert reached.wait(60)
    order = emulator.monite.faults.add(Fault(kind="latency", path="/entities", seconds=60))
    go.set()
    until(lambda: companies(emulator))
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    child.close()
    emulator.monite.faults.remove(order.id)
    app = open_app(store_url=store)
    with pytest.raises(errors.ProvisioningFailed):
        app.find(Principal("eve", tenant="rival"))
    assert app.find(Principal("otto", tenant="cafe")).entity_id == companies(emulator)[0].id


# -- the notes by themselves


class Noted:
    """What Ownership asks of a caller: a store, and the time."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.store = MemoryStore(clock=self.clock, requests_per_second=1000).operations(blocking=True)

    def clock(self) -> float:
        return self.now

    def of(self, tenant: str) -> Ownership:
        return Ownership(self, Owner("tenant", tenant), longest=20)  # type: ignore[arg-type]  # all that it asks

    def entity(self, created: float) -> dict[str, Any]:
        return {"id": BAKERY_ID, "created_at": datetime.fromtimestamp(self.now + created, UTC).isoformat()}


def test_an_entity_made_long_after_the_note_belongs_to_somebody_else():
    noted = Noted()
    cafe = noted.of("cafe")
    run(cafe.begin(CAFE))
    entity, late = noted.entity(created=15), noted.entity(created=21 + CLOCKS_DIFFER)
    noted.now += 7 * 24 * 3600  # they come back a week later
    assert run(cafe.has(entity, CAFE))
    assert not run(cafe.has(late, CAFE))
    assert not run(cafe.has(entity, replace(CAFE, legal_name="Another GmbH")))
    assert not run(noted.of("rival").has(entity, CAFE))


@pytest.mark.parametrize("moment", [None, "yesterday", 7, ...])
def test_an_entity_of_which_monite_does_not_say_since_when_is_anothers(moment):
    noted = Noted()
    cafe = noted.of("cafe")
    run(cafe.begin(CAFE))
    assert not run(cafe.has({"id": BAKERY_ID} | ({} if moment is ... else {"created_at": moment}), CAFE))


def test_a_note_given_up_or_overwritten_proves_nothing():
    noted = Noted()
    cafe, rival = noted.of("cafe"), noted.of("rival")
    entity = noted.entity(created=1)
    run(cafe.begin(CAFE))
    run(rival.begin(CAFE))
    assert (run(cafe.has(entity, CAFE)), run(rival.has(entity, CAFE))) == (False, True)
    run(rival.give_up(CAFE))
    assert (run(cafe.has(entity, CAFE)), run(rival.has(entity, CAFE))) == (False, False)


def test_an_owner_is_remembered_for_years():
    noted = Noted()
    run(noted.of("cafe").take(BAKERY_ID))
    noted.now += 9 * 365 * 24 * 3600
    assert run(noted.of("cafe").has(noted.entity(created=0), CAFE))
