"""Monite's official Python client gets an answer from every operation that is served, and a sentence from the others."""

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any

import httpx
import monite
import pytest
from monite.core.api_error import ApiError
from monite.types import CounterpartRawDataUpdateRequest

from monite_auth.emulator import ANNA_ID, Emulator, Monite, serve
from monite_auth.emulator.api import SERVED
from monite_auth.emulator.specification.facts import API_VERSION, Operation
from tests.conformance import callers
from tests.conformance.document import HEADERS
from tests.emulator.python_client import DAY, Maker, arguments, called, first_option, methods, operations
from tests.waiting import PATIENCE

PAGE = Path(__file__).parents[2] / "docs" / "emulator.md"
#: The methods of the client whose operations are served.
SERVED_BY = {
    name: operation
    for name, operation in operations().items()
    if (operation.method, operation.path) in SERVED
}
#: A client to look at.
UNCONNECTED = monite.Monite(monite_version=API_VERSION, token="")
#: What a method has to be given although its annotations say that it may be left out.
ALSO = {
    "entities.create": ["organization"],
    "entities.bank_accounts.create": ["iban"],
    "payables.create": ["currency", "document_id", "due_date", "issued_at"],
    "payables.line_items.create": ["name", "quantity", "unit_price"],
    "payment_records.post_payment_records_id_cancel": ["payment_intent_status"],
    "payment_records.post_payment_records_id_start_processing": ["payment_intent_status"],
    "products.create": ["price"],
    "projects.update_by_id": ["name"],
    "receivables.accept_by_id": ["signature"],
    "receivables.post_receivables_search": ["limit"],
    "recurrences.create": ["start_date", "max_occurrences"],
}
#: Arguments that are not made up.
GIVEN: dict[str, dict[str, Any]] = {
    "approval_policies.create": {
        "script": [{"call": "ApprovalRequests.request_approval_by_users", "params": {"user_ids": [ANNA_ID]}}],
        "priority": 1,  # above those of the demo
    },
    "payables.update_by_id": {
        "counterpart_raw_data": CounterpartRawDataUpdateRequest(name="Mühlenhof Mehle KG")
    },
}
#: What has to be done before a method can, with the ids of its path.
BEFORE = {
    "entities.post_entities_id_activate": ["entities.post_entities_id_deactivate"],
    "payables.approve_payment_by_id": ["payables.line_items.create"],
    "payables.get_payables_id_suggestions": ["payables.update_by_id"],
    "payables.mark_as_paid_by_id": ["payables.approve_payment_by_id"],
    "payables.mark_as_partially_paid_by_id": ["payables.approve_payment_by_id"],
    "payables.reject_by_id": ["payables.submit_for_approval_by_id"],
    "payables.reopen_by_id": ["payables.reject_by_id"],
    "payables.submit_for_approval_by_id": ["payables.line_items.create"],
    "receivables.accept_by_id": ["receivables.issue_by_id"],
    "receivables.cancel_by_id": ["receivables.issue_by_id"],
    "receivables.decline_by_id": ["receivables.issue_by_id"],
    "receivables.mark_as_paid_by_id": ["receivables.issue_by_id"],
    "receivables.mark_as_partially_paid_by_id": ["receivables.issue_by_id"],
    "receivables.mark_as_uncollectible_by_id": ["receivables.issue_by_id"],
    "recurrences.post_recurrences_id_resume": ["recurrences.post_recurrences_id_pause"],
}
#: What fills a list that would be empty.
FILLED_BY = {
    "/approval_policies/{approval_policy_id}/processes": ["payables.submit_for_approval_by_id"],
    "/events": ["webhook_subscriptions.create", "payables.create"],
    "/receivables/{receivable_id}/mails": ["receivables.send_by_id"],
}
#: What makes a thing that is as a method needs it, where the usual one is not.
MADE_BY = {"payables.post_payables_id_cancel_ocr": "payables.upload_from_file"}
#: The methods that are about quotes. Those of other receivables are called with invoices.
QUOTES = {"receivables.accept_by_id", "receivables.decline_by_id"}
#: The ids of one kind of thing that have several names.
SAME = {
    "invoice_id": "receivable_id",
    "reply_to_entity_user_id": "entity_user_id",
    "role_ids": "role_id",
}
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
    # Certificates take longer to load than the call takes, and the emulator has none.
    http: dict[str, Any] = {"timeout": PATIENCE, "verify": False}
    if make_client is monite.Monite:
        with httpx.Client(**http) as client:
            yield monite.Monite(**options, httpx_client=client)
    else:
        async with httpx.AsyncClient(**http) as client:
            yield monite.AsyncMonite(**options, httpx_client=client)


class World:
    """Calls one method of the client, with everything there that the call is about."""

    def __init__(self, emulator: Emulator) -> None:
        emulator.monite.reset()
        emulator.monite.clock.set(dt.datetime.combine(DAY, dt.time(12), dt.UTC))
        self._emulator = emulator
        self._callers = {"partner": callers.partner(emulator), "user": callers.user(emulator)}
        self._numbers = count(1)
        self._kinds = Maker.kinds
        #: The things that bodies name, by the words for their ids.
        self._named: dict[str, Any] = {}

    def call(self, name: str, make_client: Any = monite.Monite, ids: Mapping[str, str] | None = None) -> Any:
        """Call a method, and return its answer. `ids` are those of its path; None stands for what there is to find."""
        operation = operations()[name]
        if name in QUOTES:
            self._kinds = "Organization|Quote"
        ids = self.ids(operation.path, MADE_BY.get(name)) if ids is None else ids
        for before in BEFORE.get(name, ()):
            self.call(before, ids=ids)
        method = attrgetter(name)
        also = ALSO.get(name, [])
        if operation.method in {"PATCH", "PUT"} and not also:
            also = first_option(method(UNCONNECTED))
        maker = Maker(lambda word: ids.get(word) or self.make(word), self._kinds)
        given = arguments(method(UNCONNECTED), maker, also) | GIVEN.get(name, {})
        token = self._callers[caller_of(operation)].token

        async def call() -> Any:
            async with opened(make_client, self._emulator, token) as client:
                return await called(method(client), **given)

        return asyncio.run(call())

    def ids(self, path: str, making: str | None = None) -> dict[str, str]:
        """Return an id for each placeholder of a path: that of a new thing, where such things can be made."""
        found: dict[str, str] = {}
        for placeholder in re.finditer(r"{(\w+)}", path):
            things = path[: placeholder.start() - 1]
            if creating := making or name_of("POST", things):
                thing = self.call(creating, ids=found)
            else:
                for filling in FILLED_BY.get(things, ()):
                    self.call(filling, ids=found)
                thing = self.call(name_of("GET", things), ids=found).data[0]
            found[placeholder[1]] = thing.id
        return found

    def make(self, word: str) -> str | None:
        """Return a text for an argument or a field, or None where any text will do."""
        if word in callers.CREDENTIALS:
            return callers.CREDENTIALS[word]
        if word == "url":
            # Webhooks are delivered, and no further than this.
            return self._emulator.url
        if word == "token":
            return callers.fresh_token(self._emulator)
        if word in {"id", "object_id"}:
            return self.ids("/payables/{payable_id}")["payable_id"]
        if word in UNIQUE:
            return f"{word} {next(self._numbers)}"
        if word not in self._named:
            self._named[word] = self.named(word)
        found: str | None = self._named[word]
        return found

    def named(self, word: str) -> Any:
        """Return the id of a thing that a body names, or None if it is no such word."""
        if word == "vat_rate_id":
            return self.call("vat_rates.get").data[0].id
        if word == "counterpart_billing_address_id":
            ids = {"counterpart_id": self.make("counterpart_id") or ""}
            return self.call("counterparts.addresses.get", ids=ids).data[0].id
        word = SAME.get(word, word)
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
@pytest.mark.parametrize("name", SERVED_BY)
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
