"""Who has to agree: `/approval_policies` and `/approval_requests`. What follows from them is in `approval_processes`."""

from collections.abc import Mapping
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.payables.approval_scripts import UnknownError, planned
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.world.directory import Record

#: How many characters the name or the description of a policy has at most.
LONGEST = 255


class Policies(Resource):
    """Approval policies."""

    def filled(self, call: Call) -> dict[str, Any]:
        self._check_script(call)
        return {**call.body, "status": "active", "created_by": call.author_id}

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        if call.body.get("status") == "deleted":
            raise RefusedError(400, "Delete an approval policy with DELETE.")
        # The document says so of a new one, and of what is shown.
        for name in ("name", "description"):
            if len(call.body.get(name) or "") > LONGEST:
                sentence = f"String should have at most {LONGEST} characters"
                raise InvalidError([(("body", name), sentence, "string_too_long")])
        self._check_script(call)
        return {**super().changed(call, record), "updated_by": call.author_id}

    def _check_script(self, call: Call) -> None:
        """Check that a script asks people or roles of the entity.

        Raises:
            RefusedError: it asks others, or nobody (400).

        """
        steps: list[dict[str, Any]] = []
        try:
            planned(call.body.get("script"), steps)
        except UnknownError as error:
            raise RefusedError(400, f"Script validation error: {error}.") from None
        people = (("user_ids", call.directory.users), ("role_ids", call.directory.roles))
        for name, table in people:
            known = {each.id for each in table.all(call.entity.id)}
            for each in (each for step in steps for each in step[name] if each not in known):
                raise RefusedError(400, f"Script validation error: {each} is none of this entity's {name}.")


class Requests(Resource):
    """Approval requests, which wait for the people or the roles that they ask."""

    def filled(self, call: Call) -> dict[str, Any]:
        body = call.body
        if body["object_type"] == "payable":
            call.known(call.directory.payables, body["object_id"], "payable")
        for user_id in body.get("user_ids", ()):
            call.known(call.directory.users, user_id, "entity user")
        for role_id in body.get("role_ids", ()):
            call.known(call.directory.roles, role_id, "role")
        return self.unanswered(call, body)

    def unanswered(self, call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a request that nobody has answered."""
        return {
            "user_ids": [],
            "role_ids": [],
            **asked,
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
