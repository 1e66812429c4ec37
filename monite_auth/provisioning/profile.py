"""Profiles: what an application says that a person should be in Monite. Pure: no I/O here."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from monite_auth.identity import EntityUser
from monite_auth.monite_api.records import INDIVIDUAL, ORGANIZATION, entity_body, entity_details

__all__ = ["EntityProfile", "Profile", "RoleDefinition"]


class RoleDefinition(Protocol):
    """A role that can be created; `monite_auth.rbac.Role` is one."""

    @property
    def name(self) -> str:
        """The role's name in Monite."""

    def to_json(self) -> dict[str, Any]:
        """Return the body of `POST /roles`: `{"name": …, "permissions": …}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityProfile:
    """A company, which has a `legal_name`, or a person in business, who has a `first_name` and a `last_name`.

    It is found by `email` and the name: Monite keeps no id of yours with an entity. Knowing them proves nothing. So one that
    exists is joined only where the broker's store has noted that it was created for the principal's tenant (without a tenant:
    for this user), or where you say so:
    `join_existing`: True if your app has verified that the principal belongs to this company. A form that they filled in is
    no proof, and everybody who is let in sees the company's bills.
    `address`: `city`, `country` (two letters), `line1`, `postal_code`, and as needed `line2`, `state`.
    `more`: other fields of `POST /entities`, such as `phone`, `tax_id` or `website`; used when it is created.
    """

    email: str
    address: Mapping[str, str] = field(repr=False)
    legal_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)
    join_existing: bool = False

    def __post_init__(self) -> None:
        _require_text("EntityProfile", email=self.email)
        if not isinstance(self.join_existing, bool):
            raise ValueError("EntityProfile.join_existing is True or False.")  # noqa: TRY004 - as all mistakes here
        if (self.legal_name is None) == (self.first_name is None or self.last_name is None):
            raise ValueError(
                "EntityProfile is an organization with a legal_name, or an individual with first_name and last_name."
            )

    @property
    def type(self) -> str:
        """Monite's word for what it is."""
        return INDIVIDUAL if self.legal_name is None else ORGANIZATION

    @property
    def names(self) -> dict[str, str | None]:
        """The fields that hold its name, in Monite's words."""
        if self.legal_name is not None:
            return {"legal_name": self.legal_name}
        return {"first_name": self.first_name, "last_name": self.last_name}

    @property
    def key(self) -> list[str | None]:
        """The fields that it is found by."""
        return [self.type, self.email, *self.names.values()]

    @property
    def place(self) -> str:
        """The name of the slot where such an entity is created: there is one for each type and e-mail address."""
        return f"entity {self.type} {self.email.casefold()}"

    def to_json(self) -> dict[str, Any]:
        """Return the body of `POST /entities`."""
        return entity_body(self.type, self.email, self.address, self.names, self.more)

    def shares_email_with(self, entity: Mapping[str, Any]) -> bool:
        """Return whether an entity of Monite's has this type and e-mail address."""
        return entity.get("type") == self.type and _folded(entity.get("email")) == _folded(self.email)

    def shares_name_with(self, entity: Mapping[str, Any]) -> bool:
        """Return whether an entity of Monite's has the same name."""
        details = entity_details(entity, self.type)
        return all(details.get(key) == name for key, name in self.names.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The entity user that a principal should be in Monite.

    `login`: maps your user to Monite's, for good: your user's id is a better one than an e-mail address, which may be
    another person's next year. At most 255 characters, one of a kind within the entity.
    `last_name`, `email`: None leaves what Monite has.
    `role`: the name of a role of the entity; or the role itself, so that it can be created where it is missing. One
    that is there keeps its permissions.
    `entity`: the UUID of the person's entity; or an EntityProfile, to be found or created.
    """

    login: str = field(repr=False)
    first_name: str = field(repr=False)
    role: str | RoleDefinition
    entity: str | EntityProfile
    last_name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _require_text("Profile", login=self.login, first_name=self.first_name, role=self.role_name)
        if not isinstance(self.entity, EntityProfile):
            try:
                entity = EntityUser(None, self.entity).entity_id
            except (TypeError, ValueError):
                raise ValueError(
                    f"Profile.entity is the UUID of an entity in Monite, or an EntityProfile, not {self.entity!r}."
                ) from None
            object.__setattr__(self, "entity", entity)

    @property
    def role_name(self) -> str:
        """The name of the role."""
        return self.role if isinstance(self.role, str) else self.role.name

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that the entity user should have in Monite, without the role."""
        said = {
            "login": self.login,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "email": self.email,
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def digest(self) -> str:
        """A digest that changes with everything that Monite would have to be told."""
        entity = self.entity
        place = entity.key if isinstance(entity, EntityProfile) else entity
        said = json.dumps([self.fields, self.role_name, place], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:32]


def _require_text(of: str, **values: object) -> None:
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"{of}.{name} is text, and not empty.")


def _folded(email: object) -> object:
    return email.casefold() if isinstance(email, str) else email
