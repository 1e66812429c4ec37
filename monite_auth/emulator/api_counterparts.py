"""Suppliers and customers: the part of `/v1/counterparts` that Monite's browser SDK needs for its list and its forms.

Each counterpart keeps the address that it was created with. The emulator stores no bank accounts, VAT IDs, contacts or tags.
"""

import uuid
from typing import Any, Literal

from fastapi import APIRouter

from monite_auth.emulator.access import Access, Workplace, found
from monite_auth.emulator.directory import Counterpart
from monite_auth.emulator.errors import RefusedError
from monite_auth.emulator.pagination import Limit, Page
from monite_auth.emulator.schemas_counterparts import CreateCounterpart, UpdateCounterpart

router = APIRouter(prefix="/counterparts")


@router.post("", status_code=201)
async def create_counterpart(body: CreateCounterpart, access: Workplace) -> dict[str, Any]:
    access.demand("create", "counterpart")
    fields = body.given()
    party = fields[body.type]
    party.pop("tag_ids", None)
    counterpart = access.monite.directory.counterparts.add(
        Counterpart,
        str(uuid.uuid4()),
        entity_id=access.entity.id,
        created_by=access.user_id,
        address={"id": str(uuid.uuid4()), **party.pop("address")},
        fields=fields,
    )
    return counterpart.shown()


@router.get("")
async def list_counterparts(
    access: Workplace,
    limit: Limit = 100,
    pagination_token: str | None = None,
    type: Literal["organization", "individual"] | None = None,  # noqa: A002 - the name of the parameter at Monite
    counterpart_name__icontains: str | None = None,
    is_customer: bool | None = None,
    is_vendor: bool | None = None,
) -> dict[str, Any]:
    filters = {
        "type": type,
        "name": counterpart_name__icontains,
        "is_customer": None if is_customer is None else str(is_customer),
        "is_vendor": None if is_vendor is None else str(is_vendor),
    }
    page = Page("counterparts", limit, pagination_token, filters, newest_first=True)
    counterparts = access.visible("counterpart", access.monite.directory.counterparts.all(access.entity.id))
    # Omit the tokens where there is no further page: this list allows no null in its schema.
    answer = page.of([each for each in counterparts if _matches(each, page)])
    return {key: value for key, value in answer.items() if value is not None}


@router.get("/{counterpart_id}")
async def read_counterpart(counterpart_id: uuid.UUID, access: Workplace) -> dict[str, Any]:
    return _counterpart(access, counterpart_id, "read").shown()


@router.patch("/{counterpart_id}")
async def update_counterpart(
    counterpart_id: uuid.UUID, body: UpdateCounterpart, access: Workplace
) -> dict[str, Any]:
    counterpart = _counterpart(access, counterpart_id, "update")
    fields = body.given()
    if counterpart.type not in fields:
        raise RefusedError(400, f"This counterpart is an {counterpart.type}.")
    changes = fields.pop(counterpart.type)
    changes.pop("tag_ids", None)
    party = {counterpart.type: counterpart.party | changes}
    access.monite.directory.counterparts.change(counterpart, fields | party)
    return counterpart.shown()


@router.delete("/{counterpart_id}", status_code=204)
async def delete_counterpart(counterpart_id: uuid.UUID, access: Workplace) -> None:
    access.monite.directory.counterparts.remove(_counterpart(access, counterpart_id, "delete"))


@router.get("/{counterpart_id}/addresses")
async def list_addresses(counterpart_id: uuid.UUID, access: Workplace) -> dict[str, Any]:
    counterpart = _counterpart(access, counterpart_id, "read")
    return {"data": [{**counterpart.address, "counterpart_id": counterpart.id}]}


@router.get("/{counterpart_id}/bank_accounts")
@router.get("/{counterpart_id}/contacts")
async def list_nothing(counterpart_id: uuid.UUID, access: Workplace) -> dict[str, Any]:
    _counterpart(access, counterpart_id, "read")
    return {"data": []}


@router.get("/{counterpart_id}/vat_ids")
async def list_vat_ids(counterpart_id: uuid.UUID, access: Workplace) -> dict[str, Any]:
    access.demand("read", "counterpart_vat_id")
    return await list_nothing(counterpart_id, access)


def _matches(counterpart: Counterpart, page: Page) -> bool:
    wanted, party = page.filters, counterpart.party
    return (
        wanted["type"] in {None, counterpart.type}
        and (wanted["name"] or "").lower() in counterpart.name.lower()
        and wanted["is_customer"] in {None, str(party["is_customer"])}
        and wanted["is_vendor"] in {None, str(party["is_vendor"])}
    )


def _counterpart(
    access: Access, counterpart_id: uuid.UUID, action: Literal["read", "update", "delete"]
) -> Counterpart:
    access.demand(action, "counterpart")
    counterparts = access.monite.directory.counterparts
    counterpart = found(
        counterparts.get(str(counterpart_id), access.entity.id), "counterpart", counterpart_id
    )
    access.demand(action, "counterpart", counterpart)
    return counterpart
