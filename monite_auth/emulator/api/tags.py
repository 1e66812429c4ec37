"""Tags, and the records that bear them: `/tags`."""

from collections.abc import Iterator
from typing import Any

from monite_auth.emulator.api.call import Call
from monite_auth.emulator.api.resource import Resource, refuse_taken
from monite_auth.emulator.directory import Record

#: The tables whose records bear tags.
TAGGED = ("counterparts", "payables", "products", "projects", "receivables")


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
    """Replace a tag wherever it is."""
    for holder in _holders(call):
        kept = ([tag] if tag["id"] != tag_id else by for tag in holder["tags"])
        holder["tags"] = [tag for tags in kept for tag in tags]


def _holders(call: Call) -> Iterator[dict[str, Any]]:
    """Return the objects that have tags: records, and the organization or the individual that one describes."""
    for name in TAGGED:
        for record in call.directory.table(name).all(call.entity.id):
            parts = (record.fields, record.fields.get("organization"), record.fields.get("individual"))
            yield from (part for part in parts if part and "tags" in part)


TAGS = Tags("/tags", "tag", object_type="tag")
TAGS.serve()
