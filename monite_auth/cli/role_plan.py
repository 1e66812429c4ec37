"""What has to be done in entities so that their roles are those of a file: planned first, and then done step by step."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from monite_auth.cli.administration import Administration
from monite_auth.monite_api.records import Record
from monite_auth.monite_api.role_body import role_body
from monite_auth.rbac import Change, Role

__all__ = ["Step", "apply_step", "plan_roles"]


@dataclass(frozen=True, slots=True)
class Step:
    """One role of one entity that is not as the file has it.

    `kind`: "leave" is a role that the file does not have, and that stays, since nobody said to delete it.
    """

    kind: Literal["create", "change", "delete", "leave"]
    entity_id: str
    name: str
    role_id: str | None = None
    role: Role | None = None
    changes: tuple[Change, ...] = ()

    @property
    def changes_something(self) -> bool:
        """Whether Monite will be another one afterwards."""
        return self.kind != "leave"

    def __str__(self) -> str:
        """Say it, with a line for each permission that changes."""
        said = {
            "create": "+ create",
            "change": "~ change",
            "delete": "- delete",
            "leave": "  leave, since the file does not have it,",
        }[self.kind]
        return "\n".join([f"{said} the role {self.name!r}", *(f"      {each}" for each in self.changes)])

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        changes = [
            {
                "object_type": each.object_type,
                "action": each.action,
                "before": each.before,
                "after": each.after,
            }
            for each in self.changes
        ]
        return {
            "do": self.kind,
            "entity_id": self.entity_id,
            "role": self.name,
            "role_id": self.role_id,
            "changes": changes,
        }


def plan_roles(
    monite: Administration, roles: Iterable[Role], entity_id: str, *, delete: bool
) -> Iterator[Step]:
    """Yield what has to be done in one entity. `delete`: roles that are not among `roles` are deleted.

    Of several roles with one name, the oldest one counts, as everywhere here; the others are not among `roles`.
    """
    there = {each["id"]: each for each in monite.roles(entity_id)}
    for role in roles:
        found = next((each for each in there.values() if each.get("name") == role.name), None)
        if found is None:
            nothing = Role(role.name, {})
            yield Step("create", entity_id, role.name, None, role, tuple(nothing.diff(role)))
            continue
        del there[found["id"]]
        changes = tuple(Role.from_json(found).diff(role))
        if changes:
            yield Step("change", entity_id, role.name, found["id"], role, changes)
    for each in there.values():
        yield Step("delete" if delete else "leave", entity_id, str(each.get("name")), each["id"])


def apply_step(monite: Administration, step: Step) -> None:
    """Do it in Monite; raises what Administration's methods do."""
    if step.kind == "delete" and step.role_id is not None:
        monite.delete_role(step.entity_id, step.role_id)
    elif step.kind == "create" and step.role is not None:
        monite.create_role(step.entity_id, step.role.to_json())
    elif step.kind == "change" and step.role is not None and step.role_id is not None:
        monite.change_role(step.entity_id, step.role_id, _changed_body(step.role, step.changes))


def _changed_body(role: Role, changes: tuple[Change, ...]) -> Record:
    """Return the body of `PATCH /roles/{id}`. What is taken away is named, in case Monite keeps what a body does not mention."""
    permissions = {object_type: dict(actions) for object_type, actions in role.permissions.items()}
    for each in changes:
        permissions.setdefault(each.object_type, {})[each.action] = each.after
    return role_body(role.name, permissions)
