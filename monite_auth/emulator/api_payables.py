"""Bills to pay: the part of `/v1/payables` that a demo needs. Approval and payment are not emulated."""

import uuid
from typing import Any, Literal

from fastapi import APIRouter

from monite_auth.emulator.access import Access, Workplace, found
from monite_auth.emulator.directory import Payable
from monite_auth.emulator.errors import RefusedError
from monite_auth.emulator.pagination import Limit, Page
from monite_auth.emulator.schemas import CreatePayable, UpdatePayable

router = APIRouter(prefix="/payables")

Status = Literal[
    "draft",
    "new",
    "approve_in_progress",
    "waiting_to_be_paid",
    "partially_paid",
    "paid",
    "canceled",
    "rejected",
]
# These fields are accepted because the schema has them, and dropped: the emulator stores no files or tags.
NOT_KEPT = frozenset({"base64_encoded_file", "file_name", "tag_ids"})


@router.post("")
async def create_payable(body: CreatePayable, access: Workplace) -> dict[str, Any]:
    access.demand("create", "payable")
    payable = access.monite.directory.payables.add(
        Payable,
        str(uuid.uuid4()),
        entity_id=access.entity.id,
        created_by=access.user_id,
        status="draft",
        fields=_kept(body),
    )
    return payable.shown()


@router.get("")
async def list_payables(
    access: Workplace,
    limit: Limit = 100,
    pagination_token: str | None = None,
    status: Status | None = None,
    was_created_by_user_id: uuid.UUID | None = None,
) -> dict[str, Any]:
    filters = {"status": status, "author": was_created_by_user_id}
    page = Page("payables", limit, pagination_token, filters, newest_first=True)
    payables = access.visible("payable", access.monite.directory.payables.all(access.entity.id))
    answer = page.of(
        [
            payable
            for payable in payables
            if page.filters["status"] in {None, payable.status}
            and page.filters["author"] in {None, payable.created_by}
        ]
    )
    # Omit the token where there is no further page: unlike the other lists, this one allows no null in its schema.
    return {key: value for key, value in answer.items() if value is not None}


@router.get("/{payable_id}")
async def read_payable(payable_id: uuid.UUID, access: Workplace) -> dict[str, Any]:
    return _payable(access, payable_id, "read").shown()


@router.patch("/{payable_id}")
async def update_payable(payable_id: uuid.UUID, body: UpdatePayable, access: Workplace) -> dict[str, Any]:
    payable = _payable(access, payable_id, "update")
    fields = _kept(body)
    amount_paid = fields.pop("amount_paid", None)
    access.monite.directory.payables.change(payable, fields, amount_paid=amount_paid)
    return payable.shown()


@router.delete("/{payable_id}", status_code=204)
async def delete_payable(payable_id: uuid.UUID, access: Workplace) -> None:
    access.monite.directory.payables.remove(_payable(access, payable_id, "delete"))


def _kept(body: CreatePayable | UpdatePayable) -> dict[str, Any]:
    return {key: value for key, value in body.given().items() if key not in NOT_KEPT}


def _payable(access: Access, payable_id: uuid.UUID, action: Literal["read", "update", "delete"]) -> Payable:
    """Return a payable of the caller's entity for `action`.

    Raises:
        RefusedError: there is no such payable (404), the role does not allow it (403), or it is paid and `action` is
            not `read` (409).

    """
    access.demand(action, "payable")
    payable = found(
        access.monite.directory.payables.get(str(payable_id), access.entity.id), "payable", payable_id
    )
    access.demand(action, "payable", payable)
    if action != "read" and payable.status == "paid":
        raise RefusedError(409, f"A paid payable cannot be {action}d.")
    return payable
