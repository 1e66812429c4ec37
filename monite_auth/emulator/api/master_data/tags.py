"""Tags, and the records that bear them: `/tags`."""

from collections.abc import Mapping
from typing import Any

from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.resource import Resource, refuse_taken
from monite_auth.emulator.world.directory import Record

#: The tables whose records bear tags.
TAGGED = ("counterparts", "payables", "products", "projects", "receivables")
PARTIES = ("organization", "individual")


class Tags(Resource):
    """Tags. A name is unique within the entity. A change of a tag is seen wherever the tag is."""

    def filled(self, call: Call) -> dict[str, Any]:
        refuse_taken(self.table(call), call, "name", 400)
        return super().filled(call)

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        refuse_taken(self.table(call), call, "name", 400, other=record)
        return super().changed(call, record)

    def update(self, call: Call) -> dict[str, Any]:
        shown = super().update(call)
        _replace(call, shown["id"], [shown])
        return shown

    def remove(self, call: Call, record: Record) -> None:
        super().remove(call, record)
        _replace(call, record.id, [])


def with_tags(call: Call, fields: dict[str, Any]) -> dict[str, Any]:
    """Return what a body says, with tags in place of their ids.

    Raises:
        RefusedError: the entity has no such tag (404, or 400).

    """
    if "tag_ids" not in fields:
        return fields
    table = call.directory.table("tags")
    tags = [call.known(table, tag_id, "tag").shown() for tag_id in fields["tag_ids"]]
    return {**{name: value for name, value in fields.items() if name != "tag_ids"}, "tags": tags}


def _replace(call: Call, tag_id: str, by: list[dict[str, Any]]) -> None:
    """Replace a tag wherever it is: in a record, and in the organization or the individual that one describes."""

    def replaced(fields: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = ([tag] if tag["id"] != tag_id else by for tag in fields.get("tags") or ())
        return {**fields, "tags": [tag for tags in kept for tag in tags]} if "tags" in fields else fields

    for name in TAGGED:
        table = call.directory.table(name)
        for record in table.all(call.entity.id):
            parts = {part: replaced(record.fields[part]) for part in PARTIES if record.fields.get(part)}
            changed = replaced({**record.fields, **parts})
            if changed != record.fields:
                table.amend(record, changed)


TAGS = Tags("/tags", "tag", object_type="tag")
TAGS.serve()
