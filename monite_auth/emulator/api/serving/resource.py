"""Plain create-read-update-delete, from facts: a kind of record, its path, and which permission it takes.

    Resource("/products", "product", object_type="product").serve()

serves those of the five operations that Monite has. What is more than that is a subclass, or an operation of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import Caller, serves
from monite_auth.emulator.api.serving.lists import Lookups, page
from monite_auth.emulator.specification.facts import Schema, operations
from monite_auth.emulator.specification.fitting import never_null
from monite_auth.emulator.world.directory import Record, Table
from monite_auth.emulator.world.permissions import Action, ObjectType


class Resource:
    """Serves one kind of record.

    Args:
        path: the path of the list, such as `/counterparts/{counterpart_id}/contacts`.
        what: what one record is called in sentences, such as "contact".
        object_type: the kind of object that a role must grant. None stands for what every caller may do.
        parent: what the records are parts of. Whoever may read or change the parent may do so with its parts,
            unless they have an object type of their own.
        defaults: the fields of a new record that the request does not fill.
        lookups: what the filters and orders of the list mean that are no names of fields.
        newest_first: whether the list begins with the newest record.
        caller: who may call; see `serving.Served`.
        kept: the fields that every record has although Monite does not demand them in what it shows.
        created: the status of an answer to a creation, where it is not the one of the specification.

    """

    def __init__(
        self,
        path: str,
        what: str,
        *,
        object_type: ObjectType | None = None,
        parent: "Resource | None" = None,
        defaults: Mapping[str, Any] | None = None,
        lookups: Lookups | None = None,
        newest_first: bool = False,
        caller: Caller | None = None,
        kept: Mapping[str, Schema] | None = None,
        created: int | None = None,
    ) -> None:
        self.path = path
        self.what = what
        self.object_type = object_type
        self.parent = parent
        self.defaults = dict(defaults or {})
        self.lookups = dict(lookups or {})
        self.newest_first = newest_first
        self.caller = caller
        self.kept = dict(kept or {})
        self.created = created
        #: The name of the table: the last word of the path, after those of the parents.
        self.table_name = ".".join(part for part in path.split("/") if part and part[0] != "{")
        self._parent_name = path.rpartition("}")[0].rpartition("{")[2]

    def serve(self) -> "Resource":
        """Register the operations that Monite has of the five."""
        own = f"{self.path}/{{"
        for operation in operations():
            path = operation.path
            one = path.startswith(own) and "/" not in path.removeprefix(own)
            handler = {
                ("POST", False): self.create,
                ("GET", False): self.list,
                ("GET", True): self.read,
                ("PATCH", True): self.update,
                ("DELETE", True): self.delete,
            }.get((operation.method, one))
            if handler and (one or path == self.path):
                status = self.created if operation.method == "POST" else None
                serves(f"{operation.method} {path}", caller=self.caller, status=status)(handler)
        return self

    # The five operations.

    def create(self, call: Call) -> dict[str, Any]:
        parent_id = self._parent(call, "create")
        self._demand(call, "create")
        return self.add(call, self.filled(call), parent_id).shown()

    def list(self, call: Call) -> dict[str, Any]:
        parent_id = self._parent(call, "read")
        return self.page(call, self.table(call).all(call.of_entity.id if call.of_entity else "", parent_id))

    def read(self, call: Call) -> dict[str, Any]:
        return self.found(call, "read").shown()

    def update(self, call: Call) -> dict[str, Any]:
        record = self.found(call, "update")
        self.table(call).change(record, self.changed(call, record))
        return record.shown()

    def delete(self, call: Call) -> None:
        self.remove(call, self.found(call, "delete"))

    # What a kind of record may do in its own way.

    def filled(self, call: Call) -> dict[str, Any]:
        """Return the fields of a new record."""
        return {**self.defaults, **call.body}

    def changed(self, call: Call, record: Record) -> dict[str, Any]:  # noqa: ARG002 - for those that look at it
        """Return the fields that an update replaces. What the answer must say keeps its value where the body says null."""
        _, schema = call.operation.success
        kept = never_null(schema) if schema else frozenset()
        return {name: value for name, value in call.body.items() if value is not None or name not in kept}

    def remove(self, call: Call, record: Record) -> None:
        self.table(call).remove(record)

    # What the operations are made of.

    def page(self, call: Call, records: Iterable[Record]) -> dict[str, Any]:
        """Return the page of those records that the caller may read and asks for."""
        seen = call.visible(self.object_type, records) if self.object_type else records
        return page(call, self.path, seen, self.lookups, newest_first=self.newest_first)

    def table(self, call: Call) -> Table[Any]:
        return call.directory.table(self.table_name)

    def add(self, call: Call, fields: Mapping[str, Any], parent_id: str | None = None) -> Record:
        """Add a record to the call's entity. A part of another record names it."""
        whole = {self._parent_name: parent_id} if parent_id else {}
        record: Record = self.table(call).add(
            call.monite.new_id(),
            {**fields, **whole},
            entity_id=call.of_entity.id if call.of_entity else "",
            created_by=call.user_id,
            parent_id=parent_id,
        )
        return record

    def found(self, call: Call, action: Action) -> Record:
        """Return the record that the path names.

        Raises:
            RefusedError: there is no such record (404), or the caller's role does not allow the action (403).

        """
        parent_id = self._parent(call, action)
        record_id = list(call.ids.values())[-1]
        table: Table[Record] = self.table(call)
        return call.find(
            table,
            record_id,
            self.what,
            action=action,
            object_type=self.object_type,
            parent_id=parent_id,
        )

    def _parent(self, call: Call, action: Action) -> str | None:
        """Return the id of the record that the path's record is a part of."""
        if self.parent is None:
            return None
        needs: Action = "read" if self.object_type or action == "read" else "update"
        parent = call.find(
            self.parent.table(call),
            call.ids[self._parent_name],
            self.parent.what,
            action=needs,
            object_type=self.parent.object_type,
        )
        return str(parent.id)

    def _demand(self, call: Call, action: Action) -> None:
        if self.object_type:
            call.demand(action, self.object_type)


def refuse_taken(
    table: Table[Any], call: Call, field: str, status: int, *, other: Record | None = None
) -> None:
    """Refuse a call whose body gives a field the value that another record of the entity has.

    Raises:
        RefusedError: with `status`.

    """
    value = call.body.get(field)
    if value is not None and any(
        record.fields.get(field) == value and record is not other for record in table.all(call.entity.id)
    ):
        raise RefusedError(status, f"The {field} '{value}' is taken by another of this entity.")
