"""A snapshot that is damaged anywhere is refused with its place, or it is a world of which everything can be read."""

import asyncio
import copy
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monite_auth.emulator import BAKERY_ID, DEMO_CLIENT_ID, Clock, Monite, create_app
from monite_auth.emulator.api import SERVED
from monite_auth.emulator.world.directory import Directory
from tests.emulator.conftest import NOON, VERSION, Api
from tests.emulator.world import make_everything

READ = sorted(path for method, path in SERVED if method == "GET")
WRONG = st.sampled_from([None, True, -1, 0.5, 10**400, "", "x", str(UUID(int=7)), [], [None], {}, {"a": 1}])


def empty() -> Monite:
    return Monite(seed=False, clock=Clock(lambda: NOON), requests_per_second=10**6)


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    monite = Monite(clock=Clock(lambda: NOON), requests_per_second=10**6, random_seed=7)
    make_everything(Api(monite))
    return monite.snapshot()


def addresses(directory: Directory, path: str, table: str | None) -> Iterator[str]:
    """Return the addresses that a path stands for: its records, if they or what they are a part of is in the table."""
    whole, *more = re.split(r"{\w+}", path)
    if not more:
        yield path
        return
    name = whole.strip("/").replace("/", ".")
    for record in directory.table(name).all():
        if len(more) == 1 and table in {None, name}:
            yield f"{whole}{record.id}{more[0]}"
        elif len(more) == 2:
            inside = f"{name}.{more[0].strip('/')}"
            for part in directory.table(inside).all(parent_id=record.id):
                if table in {None, name, inside}:
                    yield f"{whole}{record.id}{more[0]}{part.id}{more[1]}"


async def read_everything(monite: Monite, table: str | None = None) -> Counter[int]:
    """Read as the partner and as somebody who works there, and return how often which status was answered.

    Of the single records, only those of the table are read if there is one, since it is the one with the damage.
    """
    statuses: Counter[int] = Counter()
    directory = monite.partner.directory
    transport = httpx.ASGITransport(create_app(monite), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator/v1") as client:
        for user in (None, *directory.users.all()[:1]):
            token = monite.mint(user, DEMO_CLIENT_ID).value
            entity_id = user.entity_id if user else BAKERY_ID
            headers = {**VERSION, "authorization": f"Bearer {token}", "x-monite-entity-id": entity_id}
            for path in READ:
                for address in addresses(directory, path, table):
                    answer = await client.get(address, headers=headers)
                    assert answer.status_code < 500, f"{address}: {answer.text}"
                    statuses[answer.status_code] += 1
    return statuses


def test_everything_can_be_read_of_a_world_that_is_whole(snapshot):
    monite = empty()
    monite.restore(snapshot)
    statuses = asyncio.run(read_everything(monite))
    assert statuses[200] > len(READ)


def test_a_snapshot_that_lacks_a_kind_of_record_is_refused_with_its_place_or_can_be_read(snapshot):
    refused = set()
    for table in {name for name, _ in snapshot["partners"][0]["records"]}:
        lacking = copy.deepcopy(snapshot)
        records = lacking["partners"][0]["records"]
        records[:] = [each for each in records if each[0] != table]
        monite = empty()
        try:
            monite.restore(lacking)
        except ValueError as error:
            assert re.search(r"no whole snapshot: \w", str(error)), error
            refused.add(table)
        else:
            asyncio.run(read_everything(monite, table))
    assert refused == {"entities"}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return every place in a value: what it is in, and its name there."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield value, name
        yield from places(each)


def damage(data: st.DataObject, snapshot: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a copy in which something is missing, of a wrong kind, or in another's place, and the table where that is."""
    damaged = copy.deepcopy(snapshot)
    records = damaged["partners"][0]["records"]
    table = data.draw(st.sampled_from(sorted({name for name, _ in records})), "table")
    own = [number for number, (name, _) in enumerate(records) if name == table]

    def somewhere() -> tuple[Any, Any]:
        number = data.draw(st.sampled_from(own))
        elsewhere = [(damaged, name) for name in damaged]
        for name in sorted(damaged.keys() - {"partners"}):
            elsewhere += places(damaged[name])
        found: list[tuple[Any, Any]] = data.draw(
            st.sampled_from([[*places(records[number][1])], [(records, number)], elsewhere])
        )
        place: tuple[Any, Any] = data.draw(st.sampled_from(found))
        return place

    (holder, name), how = somewhere(), data.draw(st.sampled_from(["remove", "replace", "swap"]))
    if how == "remove":
        del holder[name]
    elif how == "replace":
        holder[name] = data.draw(WRONG)
    else:
        other, there = somewhere()
        holder[name], other[there] = other[there], holder[name]
    return table, damaged


@settings(max_examples=20, derandomize=True, database=None)
@given(data=st.data())
def test_what_is_damaged_is_refused_with_its_place_or_can_be_read(snapshot, data):
    table, damaged = damage(data, snapshot)
    monite = empty()
    try:
        monite.restore(damaged)
    except ValueError as error:
        assert re.search(r"no whole snapshot: \w|the clock|in 'format'", str(error)), error
    else:
        asyncio.run(read_everything(monite, table))
