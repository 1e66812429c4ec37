"""A role: the permissions of its entity users. Write it in code, where a wrong word is an error, or read it from Monite's JSON.

Monite allows only what a role lists. So a Role keeps only what it grants, and two roles are equal when they mean the same.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from monite_auth.errors import InvalidRole
from monite_auth.monite_api.role_body import LONGEST_NAME, Grant, read_role, role_body
from monite_auth.monite_api.vocabulary import Action, ObjectType, Permission, Word, member, parse_permission

__all__ = ["Change", "Role", "RoleDiff"]

Actions = Mapping[Any, str] | Collection[str]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Role:
    """A named set of permissions.

        Role("Accountant", {"payable": {"read": "allowed", "create": "allowed_for_own"}, "tag": "create read"})

    `name`: 1 to 255 characters.
    `permissions`: for each object type, its actions with their permissions; a text or a collection of actions means
    that they are `allowed`. Words of Monite or members of the enums.
    `id`: the role's UUID in Monite, where it has one.

    Raises InvalidRole, with all that is wrong.
    """

    name: str
    granted: frozenset[Grant]
    id: str | None

    def __init__(
        self,
        name: str,
        permissions: Mapping[Any, Actions],
        id: str | None = None,  # noqa: A002 - Monite's name for it
    ) -> None:
        problems: list[str] = []
        if not name or len(name) > LONGEST_NAME:
            problems.append(f"name is text of 1 to {LONGEST_NAME} characters.")
        granted = frozenset(_grants(permissions, problems))
        if problems:
            raise InvalidRole(*problems, role=name)
        self._set(name, granted, id)

    @classmethod
    def from_json(cls, resource: Mapping[str, Any]) -> Self:
        """Read a role as Monite returns it from `GET /roles/{id}` or `GET /entity_users/my_role`.

        Words that are newer than this package are kept, and grant nothing. Raises InvalidRole where the structure is wrong.
        """
        role = cls.__new__(cls)
        cls._set(role, *read_role(resource))
        return role

    def _set(self, name: str, granted: frozenset[Grant], identity: str | None) -> None:
        for field, value in (("name", name), ("granted", granted), ("id", identity)):
            object.__setattr__(self, field, value)

    @property
    def permissions(self) -> dict[str, dict[str, str]]:
        """Everything that the role grants, newer words included, in nested dicts from object type and action to permission."""
        table: dict[str, dict[str, str]] = {}
        for object_type, action, permission in sorted(self.granted):
            table.setdefault(object_type, {})[action] = permission
        return table

    def permission(self, object_type: str, action: str) -> Permission:
        """Return the permission for `action` on `object_type`; raise ValueError for a wrong word."""
        parsed_type, parsed_action = parse_permission(object_type, action)
        for permission in (Permission.ALLOWED, Permission.ALLOWED_FOR_OWN):
            if (parsed_type, parsed_action, permission) in self.granted:
                return permission
        return Permission.NOT_ALLOWED

    def allows(self, object_type: str, action: str, *, own: bool = False) -> bool:
        """Return whether the role allows `action` on `object_type`; raise ValueError for a wrong word.

        `own`: the user has created the object. Only then `allowed_for_own` counts.
        """
        permission = self.permission(object_type, action)
        return permission is Permission.ALLOWED or (own and permission is Permission.ALLOWED_FOR_OWN)

    def to_json(self) -> dict[str, Any]:
        """Return the body that `POST /roles` takes."""
        return role_body(self.name, self.permissions)

    def diff(self, other: "Role") -> "RoleDiff":
        """Compare permissions: the changes that turn this role into `other`. Names and ids do not count."""
        old = {grant[:2]: grant[2] for grant in self.granted}
        new = {grant[:2]: grant[2] for grant in other.granted}
        nothing = Permission.NOT_ALLOWED.value
        compared = (Change(*key, old.get(key, nothing), new.get(key, nothing)) for key in sorted(old | new))
        return RoleDiff(tuple(change for change in compared if change.before != change.after))

    def __repr__(self) -> str:
        identity = f", id={self.id!r}" if self.id else ""
        return f"Role({self.name!r}, {self.permissions!r}{identity})"


@dataclass(frozen=True, slots=True)
class Change:
    """One action whose permission differs between two roles."""

    object_type: str
    action: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.object_type}.{self.action}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class RoleDiff:
    """The changes from one role to another, by object type and action. False when there are none."""

    changes: tuple[Change, ...]

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __str__(self) -> str:
        rows = [(f"{change.object_type}.{change.action}:", change.before, change.after) for change in self]
        first, second = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
        return "\n".join(f"{label:{first}} {before:{second}} -> {after}" for label, before, after in rows)


def _grants(permissions: Mapping[Any, Actions], problems: list[str]) -> Iterator[Grant]:
    """Yield the grants that a developer wrote down; append what is wrong with them to `problems`."""
    if not isinstance(permissions, Mapping):
        problems.append(f"permissions is a mapping of object types, not {type(permissions).__name__}.")
        return
    for type_word, actions in permissions.items():
        object_type = _parsed(ObjectType, type_word, problems)
        if isinstance(actions, str):
            actions = actions.split()  # noqa: PLW2901 - the same actions, as a list
        if not isinstance(actions, Collection):
            problems.append(f"{type_word}: give actions as text, a collection or a mapping, not {actions!r}.")
            continue
        for action_word, permission_word in _pairs(actions):
            action = _parsed(Action, action_word, problems, f"{type_word}: ", of=object_type)
            permission = _parsed(Permission, permission_word, problems, f"{type_word}.{action_word}: ")
            if object_type and action and permission and permission is not Permission.NOT_ALLOWED:
                yield object_type.value, action.value, permission.value


def _pairs(actions: Actions) -> Collection[tuple[str, str]]:
    if isinstance(actions, Mapping):
        return actions.items()
    return [(action, Permission.ALLOWED) for action in actions]


def _parsed(
    kind: type[Word], word: str, problems: list[str], where: str = "", *, of: ObjectType | None = None
) -> Word | None:
    try:
        return member(kind, word, of)
    except ValueError as error:
        problems.append(f"{where}{error}")
        return None
