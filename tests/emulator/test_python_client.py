"""Monite's official Python client gets an answer from every operation that is served, and a sentence from the others."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import monite
import pytest
from monite.core.api_error import ApiError

from monite_auth.emulator import Emulator, Monite, serve
from monite_auth.emulator.api import SERVED
from monite_auth.emulator.specification.facts import API_VERSION, Operation
from tests.conformance import callers
from tests.conformance.document import HEADERS
from tests.emulator.python_client import arguments, called, first_option, methods, operations
from tests.waiting import PATIENCE

PAGE = Path(__file__).parents[2] / "docs" / "emulator.md"
#: The methods of the client whose operations are served.
SERVED_BY = {
    name: operation
    for name, operation in operations().items()
    if (operation.method, operation.path) in SERVED
}
#: What a method has to be given although its annotations say that it may be left out.
ALSO = {
    "entities.create": ["organization"],
    "entities.bank_accounts.create": ["iban"],
    "payables.create": ["currency", "total_amount"],
}
#: What has to be done before a method can.
BEFORE = {"entities.post_entities_id_activate": "entities.post_entities_id_deactivate"}
#: Methods that want a state or a body which this test does not bring about. Other tests carry their operations out.
WANTING = re.compile(
    r"receivables\.|recurrences\.|events\.get_by_id|projects\.update_by_id|payment_records\.post_"
    r"|payables\.(line_items|approve|mark|post_payables_id_cancel_ocr|reject|reopen|submit|get_payables_id_suggestions)"
)
#: What no two things may have in common.
UNIQUE = {"name", "login"}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with serve(Monite(requests_per_second=10_000)) as emulator:
        yield emulator


@asynccontextmanager
async def opened(make_client: Any, emulator: Emulator, token: str) -> AsyncIterator[Any]:
    """Open a client, sync or async, for the entity that the conformance run is about."""
    options: dict[str, Any] = {
        "base_url": emulator.api_url,
        "monite_version": API_VERSION,
        "monite_entity_id": HEADERS["x-monite-entity-id"],
        "token": token,
    }
    if make_client is monite.Monite:
        with httpx.Client(timeout=PATIENCE) as http:
            yield monite.Monite(**options, httpx_client=http)
    else:
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            yield monite.AsyncMonite(**options, httpx_client=http)


class World:
    """Calls one method of the client, with everything there that the call is about."""

    def __init__(self, emulator: Emulator) -> None:
        emulator.monite.reset()
        self._emulator = emulator
        self._callers = {"partner": callers.partner(emulator), "user": callers.user(emulator)}
        self._numbers = count(1)

    def call(self, name: str, make_client: Any = monite.Monite, ids: Mapping[str, str] | None = None) -> Any:
        """Call a method, and return its answer. `ids` are those of its path; None stands for what there is to find."""
        operation = operations()[name]
        ids = self.ids(operation.path) if ids is None else ids
        if name in BEFORE:
            self.call(BEFORE[name], ids=ids)
        token = self._callers[caller_of(operation)].token

        async def call() -> Any:
            async with opened(make_client, self._emulator, token) as client:
                method = dict(methods(client))[name]
                also = ALSO.get(name, [])
                if operation.method in {"PATCH", "PUT"} and not also:
                    also = first_option(method)
                return await called(
                    method, **arguments(method, lambda word: ids.get(word) or self.make(word), also)
                )

        # What has to be there for a call is made within it, by other calls.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, call()).result()

    def ids(self, path: str) -> dict[str, str]:
        """Return an id for each placeholder of a path: that of a new thing, where such things can be made."""
        found: dict[str, str] = {}
        for placeholder in re.finditer(r"{(\w+)}", path):
            things = path[: placeholder.start() - 1]
            if creating := name_of("POST", things):
                thing = self.call(creating, ids=found)
            else:
                thing = self.call(name_of("GET", things), ids=found).data[0]
            found[placeholder[1]] = thing.id
        return found

    def make(self, word: str) -> str | None:
        """Return a text for an argument or a field, or None where any text will do."""
        if word in callers.CREDENTIALS:
            return callers.CREDENTIALS[word]
        if word == "token":
            return callers.fresh_token(self._emulator)
        if word in {"id", "object_id"}:
            return self.ids("/payables/{payable_id}")["payable_id"]
        if word in UNIQUE:
            return f"{word} {next(self._numbers)}"
        paths = [each.path for each in SERVED_BY.values() if re.fullmatch(rf"/\w+/{{{word}}}", each.path)]
        return self.ids(paths[0])[word] if paths else None


def name_of(method: str, path: str) -> str:
    """Return the method of the client that is an operation; an empty text if it has none, or it is not served."""
    names = [name for name, each in SERVED_BY.items() if (each.method, each.path) == (method, path)]
    return next(iter(names), "")


def caller_of(operation: Operation) -> str:
    """Return who can call an operation: the partner, unless it is about the caller."""
    caller = SERVED[operation.method, operation.path].caller
    return "user" if caller == "user" else "partner"


@pytest.mark.parametrize("make_client", [monite.Monite, monite.AsyncMonite])
@pytest.mark.parametrize("name", [each for each in SERVED_BY if not WANTING.match(each)])
def test_a_method_gets_its_answer(emulator, make_client, name):
    World(emulator).call(name, make_client)


@pytest.mark.parametrize("make_client", [monite.Monite, monite.AsyncMonite])
def test_a_method_that_is_not_served_says_so_by_its_operations_name(emulator, make_client):
    async def refuse() -> None:
        async with opened(make_client, emulator, callers.partner(emulator).token) as client:
            for name, method in methods(client):
                if name not in SERVED_BY:
                    with pytest.raises(ApiError) as caught:
                        await called(method, **arguments(method))
                    assert caught.value.status_code == 501
                    assert f"{operations()[name].name} is not served" in str(caught.value.body)

    asyncio.run(refuse())


def test_the_page_counts_the_methods():
    page = PAGE.read_text().replace("\n", " ")
    assert f"{len(SERVED_BY)} of the {len(operations())} methods" in page
    assert f"calls {len([each for each in SERVED_BY if not WANTING.match(each)])} of them" in page
