"""Approval policies at work: `/approval_policies/{approval_policy_id}/processes`, and the answers to approval requests.

A payable that is submitted gets a process of the policy that is about it. Its requests decide what becomes of the payable.
"""

from datetime import UTC, datetime
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.payables.approval_scripts import applies, outcome, planned
from monite_auth.emulator.api.payables.approvals import POLICIES, REQUESTS
from monite_auth.emulator.api.payables.history import move
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Payable, Record

PROCESSES = Resource(
    "/approval_policies/{approval_policy_id}/processes", "approval policy process", parent=POLICIES
)
PROCESSES.serve()
POLICIES.lookups["process_id"] = lambda call, policy: [
    each.id for each in PROCESSES.table(call).all(parent_id=policy.id)
]
#: What a payable becomes when its process has an end.
BECOMES = {"approved": "waiting_to_be_paid", "rejected": "rejected"}
_PATH = "/approval_policies/{approval_policy_id}/processes/{process_id}"


def start(call: Call, bill: Payable) -> None:
    """Begin the process of the policy that is about a payable. If several are, that of the highest priority is taken."""
    steps: list[dict[str, Any]] = []
    found = [each for each in POLICIES.table(call).all(call.entity.id) if _is_about(call, each, bill)]
    if not found:
        return
    policy = max(found, key=lambda each: each.fields.get("priority") or 0)
    plan = planned(policy.fields["script"], steps)
    fields = {
        "object_id": bill.id,
        "status": "waiting",
        "input": {"event_name": "submitted_for_approval", "invoice": {"id": bill.id}},
        "metadata": {},
        "script_snapshot": policy.fields["script"],
        "plan": plan,
        "steps": steps,
        "created_by": call.author_id,
    }
    process = PROCESSES.add(call, fields, policy.id)
    call.directory.payables.change(bill, {"approval_policy_id": policy.id})
    _go_on(call, process)


def stop(call: Call, bill: Payable) -> None:
    """Cancel what runs for a payable that is moved by hand."""
    for process in _waiting(call):
        if process.fields["object_id"] == bill.id:
            _end(call, process, "canceled")


def _is_about(call: Call, policy: Record, bill: Payable) -> bool:
    fields, now = policy.fields, datetime.fromtimestamp(call.monite.clock.now(), UTC)
    begins, ends = (_moment(fields.get(name)) or now for name in ("starts_at", "ends_at"))
    return (
        fields["status"] == "active"
        and begins <= now <= ends
        and planned(fields["script"], []) is not None
        and applies(fields.get("trigger"), {**bill.shown(), "was_created_by_user_id": bill.created_by})
    )


def _moment(text: str | None) -> datetime | None:
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _waiting(call: Call) -> list[Record]:
    everything: list[Record] = PROCESSES.table(call).all(call.entity.id)
    return [each for each in everything if each.fields["status"] == "waiting"]


def _go_on(call: Call, process: Record) -> None:
    """Make the requests whose turn it is. If they have decided, end the process and move its payable on."""
    fields = process.fields
    steps = [dict(step) for step in fields["steps"]]

    def status(number: int) -> str:
        step = steps[number]
        if "approval_request_id" not in step:
            asked = {name: step[name] for name in ("user_ids", "role_ids", "required_approval_count")}
            asked |= {"object_type": "payable", "object_id": fields["object_id"]}
            step["approval_request_id"] = REQUESTS.add(call, REQUESTS.unanswered(call, asked)).id
        request = REQUESTS.table(call).get(step["approval_request_id"])
        return request.fields["status"] if request else "canceled"

    result = outcome(fields["plan"], status)
    PROCESSES.table(call).change(process, {"steps": steps})
    if result in BECOMES:
        _end(call, process, "succeeded")
        bill = call.directory.payables.get(fields["object_id"])
        if bill is not None and bill.status == "approve_in_progress":
            move(call, bill, BECOMES[result])


def _end(call: Call, process: Record, status: str) -> None:
    """Give a process its last status. Nobody is asked any more."""
    for step in process.fields["steps"]:
        request = REQUESTS.table(call).get(step.get("approval_request_id", ""))
        if request is not None and request.fields["status"] == "waiting":
            REQUESTS.table(call).change(request, {"status": "canceled"})
    PROCESSES.table(call).change(process, {"status": status, "updated_by": call.author_id})


def _process_of(call: Call, request: Record) -> Record | None:
    """Return the process that waits for a request, if it was not made by hand."""
    for process in _waiting(call):
        if any(step.get("approval_request_id") == request.id for step in process.fields["steps"]):
            return process
    return None


@serves(f"GET {_PATH}/steps")
def list_steps(call: Call) -> dict[str, Any]:
    process = PROCESSES.found(call, "read")
    shown = []
    for step in process.fields["steps"]:
        request = REQUESTS.table(call).get(step.get("approval_request_id", ""))
        unasked = "not_started" if process.fields["status"] == "waiting" else "skipped"
        told = request.fields if request else {"status": unasked, "approved_by": []}
        shown.append({**told, **step, "object_id": process.fields["object_id"]})
    return {"data": shown}


@serves(f"POST {_PATH}/cancel")
def cancel_process(call: Call) -> dict[str, Any]:
    process = PROCESSES.found(call, "update")
    if process.fields["status"] != "waiting":
        raise RefusedError(409, f"This approval policy process is {process.fields['status']}.")
    _end(call, process, "canceled")
    return process.shown()


def _answered(call: Call, request: Record, **fields: Any) -> dict[str, Any]:
    """Change a request, and let the process that waits for it go on."""
    process = _process_of(call, request)
    REQUESTS.table(call).change(request, fields)
    if process is not None and fields["status"] == "canceled":
        _end(call, process, "canceled")
    elif process is not None:
        _go_on(call, process)
    return request.shown()


@serves("POST /approval_requests/{approval_request_id}/approve")
def approve(call: Call) -> dict[str, Any]:
    request = REQUESTS.asked(call)
    if call.author_id in request.fields["approved_by"]:
        raise RefusedError(409, "You have approved this already.")
    approved_by = [*request.fields["approved_by"], call.author_id]
    enough = len(approved_by) >= request.fields["required_approval_count"]
    return _answered(call, request, approved_by=approved_by, status="approved" if enough else "waiting")


@serves("POST /approval_requests/{approval_request_id}/reject")
def reject(call: Call) -> dict[str, Any]:
    return _answered(call, REQUESTS.asked(call), rejected_by=call.author_id, status="rejected")


@serves("POST /approval_requests/{approval_request_id}/cancel")
def cancel(call: Call) -> dict[str, Any]:
    return _answered(call, REQUESTS.waiting(call), status="canceled")
