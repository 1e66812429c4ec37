"""What people say about a bill: `/comments`."""

from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record


class Comments(Resource):
    """Comments on payables, the only objects that Monite has comments for."""

    def filled(self, call: Call) -> dict[str, Any]:
        body = call.body
        if body["object_type"] != "payable":
            raise RefusedError(400, f"There are no comments on objects of type {body['object_type']}.")
        call.known(call.directory.payables, body["object_id"], "payable")
        self._check_addressee(call)
        return {**body, "status": "active", "created_by_entity_user_id": call.author_id}

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        self._check_addressee(call)
        return super().changed(call, record)

    def _check_addressee(self, call: Call) -> None:
        call.check_reference("reply_to_entity_user_id", call.directory.users, "entity user")


COMMENTS = Comments("/comments", "comment", object_type="comment")
COMMENTS.serve()
