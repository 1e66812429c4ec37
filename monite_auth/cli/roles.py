"""`roles list`, `show`, `diff`, `plan` and `apply`: the roles of the partner's customers in Monite."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from monite_auth.broker import TokenBroker
from monite_auth.cli.administration import Administration
from monite_auth.cli.application import application
from monite_auth.cli.results import DIFFERS, FAILED, Part, Result, Table
from monite_auth.cli.role_file import RoleFile, read_roles, write_role
from monite_auth.cli.role_plan import Step, apply_step, plan_roles
from monite_auth.cli.screen import screen
from monite_auth.cli.verb import Failure, Group, verb
from monite_auth.errors import ProvisioningFailed
from monite_auth.rbac import Role

__all__ = ["roles"]

Function = TypeVar("Function", bound=Callable[..., Any])

roles = Group("roles", help="The roles in entities, which say what their people may do.")

entity_option = click.option(
    "--entity", type=click.UUID, required=True, metavar="ENTITY", help="The entity's id."
)


def _of_a_file(function: Function) -> Function:
    """Add what `plan` and `apply` have in common: the file, and in which entities its roles should be."""
    options = (
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.option(
            "--entity",
            "entities",
            type=click.UUID,
            multiple=True,
            metavar="ENTITY",
            help="In this entity; may be given again. By default, the entities that the file names.",
        ),
        click.option("--all", "everywhere", is_flag=True, help="In every entity of the partner."),
        click.option("--delete", is_flag=True, help="Delete roles that the file does not have."),
    )
    for each in reversed(options):
        function = each(function)
    return function


@verb("list", "List the roles of an entity, the oldest first.")
@entity_option
def list_(entity: UUID) -> Result:
    """Read every page of them."""
    with application().broker() as broker:
        found = [_shown(Role.from_json(each)) for each in Administration(broker).roles(str(entity))]
    return Result({"roles": found}, [Table(("id", "name"), [(each["id"], each["name"]) for each in found])])


@verb("show", "Show what a role allows.")
@click.argument("role")
@entity_option
@click.option("--toml", is_flag=True, help="Print it as it stands in a file for `roles apply`.")
def show(role: str, entity: UUID, toml: bool) -> Result:
    """Read the role with this id or name."""
    with application().broker() as broker:
        found = Role.from_json(Administration(broker).role(role, str(entity)))
    if toml:
        return Result(_shown(found), [write_role(found)])
    rows = [
        (object_type, action, permission)
        for object_type, actions in found.permissions.items()
        for action, permission in actions.items()
    ]
    parts: list[Part] = [f"{found.name} ({found.id})", Table(("object type", "action", "permission"), rows)]
    return Result(_shown(found), parts)


@verb("diff", "Compare two roles, by ids or names. Exits with 2 if they differ.")
@click.argument("role")
@click.argument("other")
@entity_option
@click.option(
    "--other-entity", type=click.UUID, metavar="ENTITY", help="The other role's entity, if it is another one."
)
def diff(role: str, other: str, entity: UUID, other_entity: UUID | None) -> Result:
    """Say which permissions lead from one to the other."""
    with application().broker() as broker:
        monite = Administration(broker)
        one = Role.from_json(monite.role(role, str(entity)))
        another = Role.from_json(monite.role(other, str(other_entity or entity)))
    changes = one.diff(another)
    rows = [(each.object_type, each.action, each.before, each.after) for each in changes]
    data = [dict(zip(("object_type", "action", "before", "after"), row, strict=True)) for row in rows]
    if not rows:
        return Result({"changes": data}, [f"{one.name} and {another.name} allow the same."])
    table = Table(("object type", "action", one.name, another.name), rows)
    return Result({"changes": data}, [table], DIFFERS)


@verb(
    "plan",
    "Compare the roles of a file with those in Monite. Changes nothing; exits with 2 if something would change.",
)
@_of_a_file
def plan(file: Path, entities: tuple[UUID, ...], everywhere: bool, delete: bool) -> Result:
    """Say what `apply` would do."""
    wanted = read_roles(file)
    with application().broker() as broker:
        steps = _steps(broker, wanted, entities, everywhere, delete)
    return _planned(steps, DIFFERS)


@verb(
    "apply",
    "Bring the roles of a file to Monite. Creates and changes; deletes nothing without --delete.",
)
@_of_a_file
@click.option("--yes", is_flag=True, help="Do not ask.")
def apply(file: Path, entities: tuple[UUID, ...], everywhere: bool, delete: bool, yes: bool) -> Result:
    """Show the plan, ask, and do it. What Monite refuses stops nothing else, and what has been done stays done."""
    wanted = read_roles(file)
    with application().broker() as broker:
        steps = _steps(broker, wanted, entities, everywhere, delete)
        result = _planned(steps, 0)
        to_do = [each for each in steps if each.changes_something]
        if to_do and not yes:
            for part in result.parts:
                click.echo(part, file=application().stderr, err=True)
            if not _confirmed("Do this in Monite?"):
                raise Failure("Nothing was changed. With --yes nothing is asked.")
        refused = _apply(Administration(broker), to_do)
    said = [f"Roles changed: {len(to_do) - len(refused)}."] if to_do else [NOTHING_TO_DO]
    said += [f"The role {each.name!r} in the entity {each.entity_id}: {why}" for each, why in refused]
    errors = [{"entity_id": each.entity_id, "role": each.name, "message": why} for each, why in refused]
    parts = [*result.parts[:-1], *said] if yes else said
    return Result({**result.data, "errors": errors}, parts, FAILED if refused else 0)


NOTHING_TO_DO = "Nothing to do: the roles are those of the file."


def _apply(monite: Administration, steps: list[Step]) -> list[tuple[Step, str]]:
    """Do each step, and return those that Monite has refused, with its words."""
    refused: list[tuple[Step, str]] = []
    with screen().progress("Roles", steps) as doing:
        for each in doing:
            try:
                apply_step(monite, each)
            except ProvisioningFailed as error:
                refused.append((each, str(error)))
    return refused


def _confirmed(question: str) -> bool:
    """Ask, and take Ctrl-C and an empty stdin for a no."""
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        return False


def _steps(
    broker: TokenBroker, wanted: RoleFile, entities: tuple[UUID, ...], everywhere: bool, delete: bool
) -> list[Step]:
    if everywhere and entities:
        raise click.UsageError("--all and --entity are both given: leave one out.")
    monite = Administration(broker)
    ids = [str(each) for each in entities] or list(wanted.entities)
    if everywhere:
        ids = [each["id"] for each in monite.entities()]
    if not ids:
        raise click.UsageError(
            "In which entities? Give --entity or --all, or write `entities = […]` into the file."
        )
    with screen().progress("Entities", ids) as asked:
        return [step for each in asked for step in plan_roles(monite, wanted.roles, each, delete=delete)]


def _planned(steps: list[Step], code: int) -> Result:
    """Return the plan: what is done in each entity, and last what that is altogether."""
    parts: list[Part] = []
    for entity_id in dict.fromkeys(each.entity_id for each in steps):
        parts.append(f"In the entity {entity_id}:")
        parts += [str(each) for each in steps if each.entity_id == entity_id]
    changes = sum(each.changes_something for each in steps)
    parts.append(f"Roles to change: {changes}." if changes else "Nothing would change.")
    data = {"changes": changes, "steps": [each.to_json() for each in steps]}
    return Result(data, parts, code if changes else 0)


def _shown(role: Role) -> dict[str, Any]:
    return {"id": role.id, "name": role.name, "permissions": role.permissions}


for each in (list_, show, diff, plan, apply):
    roles.add_command(each)
