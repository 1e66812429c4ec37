"""Who has to agree: `/approval_policies`, which are kept and not run, and `/approval_requests`."""

from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record


class Policies(Resource):
    """Approval policies."""

    def filled(self, call: Call) -> dict[str, Any]:
        return {**call.body, "status": "active", "created_by": call.author_id}

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        if call.body.get("status") == "deleted":
            raise RefusedError(400, "Delete an approval policy with DELETE.")
        return {**super().changed(call, record), "updated_by": call.author_id}


class Requests(Resource):
    """Approval requests, which wait for the people or the roles that they ask."""

    def filled(self, call: Call) -> dict[str, Any]:
        body = call.body
        if body["object_type"] == "payable":
            call.known(call.directory.payables, body["object_id"], "payable")
        return {
            "user_ids": [],
            "role_ids": [],
            **body,
            "approved_by": [],
            "status": "waiting",
            "created_by": call.author_id,
        }

    def waiting(self, call: Call) -> Record:
        """Return the request that the call ends.

        Raises:
            RefusedError: it has an end already (409), or the caller's role does not allow it (403).

        """
        request = self.found(call, "update")
        status = request.fields["status"]
        if status != "waiting":
            raise RefusedError(409, f"This approval request is {status}.")
        return request

    def asked(self, call: Call) -> Record:
        """Return the request that the call answers. The partner may answer for everybody.

        Raises:
            RefusedError: as in `waiting`, or the caller is not asked (403).

        """
        request = self.waiting(call)
        user, fields = call.user, request.fields
        if user and user.id not in fields["user_ids"] and user.role_id not in fields["role_ids"]:
            raise RefusedError(403, "This approval request asks others.")
        return request


POLICIES = Policies(
    "/approval_policies",
    "approval policy",
    object_type="approval_policy",
    # No policy is run, so none has a process.
    lookups={"process_id": lambda _, __: []},
)
REQUESTS = Requests(
    "/approval_requests",
    "approval request",
    object_type="approval_request",
    lookups={
        "user_id": lambda _, each: each.fields["user_ids"],
        "role_id": lambda _, each: each.fields["role_ids"],
    },
)
POLICIES.serve()
REQUESTS.serve()


@serves("POST /approval_requests/{approval_request_id}/approve")
def approve(call: Call) -> dict[str, Any]:
    request = REQUESTS.asked(call)
    if call.author_id in request.fields["approved_by"]:
        raise RefusedError(409, "You have approved this already.")
    approved_by = [*request.fields["approved_by"], call.author_id]
    enough = len(approved_by) >= request.fields["required_approval_count"]
    status = "approved" if enough else "waiting"
    REQUESTS.table(call).change(request, {"approved_by": approved_by, "status": status})
    return request.shown()


@serves("POST /approval_requests/{approval_request_id}/reject")
def reject(call: Call) -> dict[str, Any]:
    request = REQUESTS.asked(call)
    REQUESTS.table(call).change(request, {"rejected_by": call.author_id, "status": "rejected"})
    return request.shown()


@serves("POST /approval_requests/{approval_request_id}/cancel")
def cancel(call: Call) -> dict[str, Any]:
    request = REQUESTS.waiting(call)
    REQUESTS.table(call).change(request, {"status": "canceled"})
    return request.shown()
