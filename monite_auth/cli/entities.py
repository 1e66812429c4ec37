"""`entities list` and `entities show`: the partner's customers in Monite."""

from typing import Any
from uuid import UUID

import click

from monite_auth.cli.administration import Administration, entity_name
from monite_auth.cli.application import application
from monite_auth.cli.results import Result, Table
from monite_auth.cli.verb import Group, verb
from monite_auth.monite_api.records import Record

__all__ = ["entities"]

entities = Group("entities", help="The entities of the partner: its customers in Monite.")


@verb("list", "List all entities, the oldest first.")
def list_() -> Result:
    """Read every page of them."""
    with application().broker() as broker:
        found = [_shown(each) for each in Administration(broker).entities()]
    return Result({"entities": found}, [Table.of(found, "id", "type", "status", "name")])


@verb("show", "Show one entity.")
@click.argument("entity", type=click.UUID)
def show(entity: UUID) -> Result:
    """Read it."""
    with application().broker() as broker:
        found = _shown(Administration(broker).entity(str(entity)))
    return Result(
        found, [Table(("field", "value"), [(name, str(value or "")) for name, value in found.items()])]
    )


def _shown(entity: Record) -> dict[str, Any]:
    """Return what a list says of an entity. There is more in Monite: addresses and bank details are not for a terminal."""
    return {
        "id": entity["id"],
        "type": entity.get("type"),
        "status": entity.get("status"),
        "name": entity_name(entity),
        "email": entity.get("email"),
        "created_at": entity.get("created_at"),
    }


entities.add_command(list_)
entities.add_command(show)
