"""What has happened to a payable: `/payables/{payable_id}/history`."""

from typing import Any

from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.lists import page
from monite_auth.emulator.world.clock import iso
from monite_auth.emulator.world.directory import Payable

TABLE = "payables.history"


def record_event(call: Call, bill: Payable, event_type: str, data: dict[str, Any] | None = None) -> None:
    """Add an event to the history of a payable."""
    author = {"entity_user_id": call.user_id} if call.user_id else {}
    call.directory.table(TABLE).add(
        call.monite.new_id(),
        {
            "payable_id": bill.id,
            "timestamp": iso(call.monite.clock.now()),
            "event_type": event_type,
            "event_data": data or {},
            **author,
        },
        entity_id=bill.entity_id,
        parent_id=bill.id,
    )


def move(call: Call, bill: Payable, status: str, **others: Any) -> None:
    """Give a payable another status, and other fields with it."""
    event = {"old_status": bill.status, "new_status": status}
    call.directory.payables.change(bill, {**others, "status": status})
    record_event(call, bill, "status_changed", event)


@serves("GET /payables/{payable_id}/history")
def read_history(call: Call) -> dict[str, Any]:
    # Whoever may read a payable sees what others have done to it, too.
    bill = call.find(call.directory.payables, call.ids["payable_id"], "payable", object_type="payable")
    events = call.directory.table(TABLE).all(parent_id=bill.id)
    return page(call, "/payables/history", events, {})
