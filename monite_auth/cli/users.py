"""`users list`, `show`, `find`, `link` and `provision`: the people of the partner's customers in Monite."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from monite_auth.cli.administration import Administration
from monite_auth.cli.application import application, job_of
from monite_auth.cli.people import People, provision_people, read_people, write_failed
from monite_auth.cli.results import DIFFERS, FAILED, Part, Result, Table
from monite_auth.cli.screen import screen
from monite_auth.cli.verb import Group, verb
from monite_auth.errors import ConfigurationError
from monite_auth.identity import EntityUser, Linkable
from monite_auth.monite_api.records import Record

__all__ = ["users"]

users = Group("users", help="The entity users: people of the partner's customers in Monite.")

entity_option = click.option(
    "--entity", type=click.UUID, required=True, metavar="ENTITY", help="Their entity's id."
)


@verb("list", "List the entity users of an entity, the oldest first.")
@entity_option
def list_(entity: UUID) -> Result:
    """Read every page of them."""
    with application().broker() as broker:
        found = [_shown(each, str(entity)) for each in Administration(broker).users(str(entity))]
    return Result({"users": found}, [_table(found)])


@verb("show", "Show one entity user.")
@click.argument("entity_user", type=click.UUID)
@entity_option
def show(entity_user: UUID, entity: UUID) -> Result:
    """Read it."""
    with application().broker() as broker:
        found = _shown(Administration(broker).user(str(entity_user), str(entity)), str(entity))
    return Result(
        found, [Table(("field", "value"), [(name, str(value or "")) for name, value in found.items()])]
    )


@verb(
    "find",
    "Find entity users by their login. Without --entity, every entity is asked, with a request for each.",
)
@click.argument("login")
@click.option("--entity", type=click.UUID, metavar="ENTITY", help="Look in this entity only.")
def find(login: str, entity: UUID | None) -> Result:
    """Ask each entity."""
    with application().broker() as broker:
        monite = Administration(broker)
        ids = [str(entity)] if entity is not None else [each["id"] for each in monite.entities()]
        with screen().progress("Entities", ids) as asked:
            found = [_shown(each, entity_id) for entity_id in asked for each in monite.find(login, entity_id)]
    if not found:
        where = "that entity" if entity is not None else f"any of {len(ids)} entities"
        raise ConfigurationError(
            f"nobody has the login {login!r} in {where}.", lead="The arguments do not fit what Monite has:"
        )
    return Result({"users": found}, [_table(found)])


@verb(
    "link", "Say who a user of the application is in Monite. Its directory has to be one that can keep that."
)
@click.argument("user")
@click.argument("entity_user", type=click.UUID)
@click.argument("entity", type=click.UUID)
@click.option("--tenant", help="Which of the user's organizations this is about.")
def link(user: str, entity_user: UUID, entity: UUID, tenant: str | None) -> Result:
    """Check that Monite has the two, keep the link, and take the tokens of an earlier one away."""
    here = application()
    here.require_directory()
    with here.broker() as broker:
        if not isinstance(broker.directory, Linkable):
            raise ConfigurationError(
                "the directory finds people by itself and has no method `link`. Put the two ids where it looks, or use "
                "monite_auth.provisioning.",
                lead="Nothing was linked:",
            )
        principal = job_of(broker, here.user_id(user), tenant)
        person = EntityUser(str(entity_user), str(entity))
        Administration(broker).user(str(entity_user), str(entity))
        broker.directory.link(principal, person)
        broker.relink(principal.user_id)
    data = {
        "user_id": principal.user_id,
        "tenant": tenant,
        "entity_user_id": person.entity_user_id,
        "entity_id": person.entity_id,
    }
    return Result(
        data,
        [f"{user} is the entity user {person.entity_user_id} of the entity {person.entity_id} from now on."],
    )


@verb(
    "provision",
    "Find or create the people of a CSV file in Monite. Rows that fail are reported, and stop no others.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--entity", type=click.UUID, metavar="ENTITY", help="The entity of rows that name none.")
@click.option("--dry-run", is_flag=True, help="Say what would change; exit with 2 if anything would.")
@click.option(
    "--from", "first", type=click.IntRange(min=1), default=1, metavar="LINE", help="Skip the lines before."
)
@click.option(
    "--failed",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write the rows that failed here, each with its error: a file to mend, and to provision again.",
)
def provision(file: Path, entity: UUID | None, dry_run: bool, first: int, failed: Path | None) -> Result:
    """Work on one row after the other. Whoever is done is remembered, so that a second run takes up where the first ended."""
    rows = [
        each
        for each in read_people(file, default_entity=None if entity is None else str(entity))
        if each.line >= first
    ]
    people = People()
    with application().broker() as broker, screen().progress("People", rows) as asked:
        provision_people(broker, asked, people, is_plan=dry_run)
    if failed is not None:
        write_failed(failed, people.failed)
    return _report(people, left=len(rows) - people.done, dry_run=dry_run)


def _report(people: People, *, left: int, dry_run: bool) -> Result:
    """Return what became of the rows. `left`: how many were not worked on."""
    counts = {
        "changed": len(people.changed),
        "unchanged": people.unchanged,
        "failed": len(people.failed),
        "left": left,
    }
    changed = Table(("line", "login", "would" if dry_run else "done"), people.changed)
    failed = Table(
        ("line", "login", "error"), [(str(row.line), row.login, why) for row, why in people.failed]
    )
    names = {**{name: name for name in counts}, **({"changed": "to change"} if dry_run else {})}
    parts: list[Part] = [each for each in (changed, failed) if each.rows]
    parts.append(", ".join(f"{names[name]} {number}" for name, number in counts.items()) + ".")
    line, why = people.stopped or (None, None)
    if line is not None:
        parts.append(f"Stopped at line {line}: {why} Go on with --from {line}.")
    data = {
        **counts,
        "dry_run": dry_run,
        "stopped_at": line,
        "stopped_because": why,
        "changes": [
            {"line": int(line), "login": login, "changes": what} for line, login, what in people.changed
        ],
        "errors": [{"line": row.line, "login": row.login, "message": why} for row, why in people.failed],
    }
    if people.failed or people.stopped:
        return Result(data, parts, FAILED)
    return Result(data, parts, DIFFERS if dry_run and people.changed else 0)


def _shown(user: Record, entity_id: str) -> dict[str, Any]:
    names = (user.get("first_name"), user.get("last_name"))
    return {
        "id": user["id"],
        "entity_id": entity_id,
        "login": user.get("login"),
        "name": " ".join(str(each) for each in names if each),
        "email": user.get("email"),
        "role_id": user.get("role_id"),
        "status": user.get("status"),
    }


def _table(found: list[dict[str, Any]]) -> Table:
    return Table.of(found, "id", "entity_id", "login", "name", "status")


for each in (list_, show, find, link, provision):
    users.add_command(each)
