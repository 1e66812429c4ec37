"""Entity users of a local Monite, each made with a role, and who they are in the application."""

from collections.abc import Mapping
from dataclasses import dataclass

from monite_auth.emulator import Monite
from monite_auth.emulator.demo.companies import BAKERY_ID
from monite_auth.emulator.world.directory import Role as RoleRecord
from monite_auth.identity import EntityUser, Principal
from monite_auth.rbac import Role

__all__ = ["MoniteUser", "MoniteUsers", "RoleLike"]

RoleLike = str | Role | Mapping[str, object]
"""The name of a role that is there; or a role to make; or only its permissions, as `monite_auth.rbac.Role` takes them."""


@dataclass(frozen=True, slots=True)
class MoniteUser:
    """A user of the application under test who is linked: Monite knows them as an entity user."""

    user_id: str
    """The user's id in the application, such as "accountant-1"."""
    entity_user_id: str
    entity_id: str
    name: str
    role: str
    """The name of the role."""

    @property
    def entity_user(self) -> EntityUser:
        """Who this is in Monite: what a directory answers."""
        return EntityUser(self.entity_user_id, self.entity_id)

    @property
    def principal(self) -> Principal:
        """The user in a session of the application: the same one each time."""
        return Principal(self.user_id, session_id=f"session of {self.user_id}")


class MoniteUsers:
    """Makes entity users, and is the directory that knows them.

    viewer = users("Viewer")
    buyer = users({"payable": ["read", "create"]})
    broker = TokenBroker(settings, users.find)
    """

    def __init__(self, monite: Monite) -> None:
        self._monite = monite
        self._made: dict[str, MoniteUser] = {}

    def __call__(self, role: RoleLike = "Accountant") -> MoniteUser:
        """Make an entity user with a role, and return them.

        `role`: the name of one that is there ("Accountant", "Viewer", "Purchaser", "Clerk", or one that the test has made);
        a `monite_auth.rbac.Role`; or permissions such as `{"payable": ["read", "create"], "tag": {"read": "allowed_for_own"}}`.

        Raises:
            ValueError: there is no role of that name.
            InvalidRole: the permissions have a wrong word.

        """
        number = len(self._made) + 1
        record = self._role(role, number)
        user = MoniteUser(
            user_id=f"{record.name.lower().replace(' ', '-')}-{number}",
            entity_user_id=f"7e570000-0000-4000-8000-{number:012}",
            entity_id=record.entity_id,
            name=f"{record.name} {number}",
            role=record.name,
        )
        fields = {
            "login": user.user_id,
            "role_id": record.id,
            "first_name": record.name,
            "last_name": str(number),
            "email": f"{user.user_id}@partner.example",
            "status": "active",
        }
        self._monite.directory.users.add(user.entity_user_id, fields, entity_id=user.entity_id)
        self._made[user.user_id] = user
        return user

    def find(self, principal: Principal) -> EntityUser | None:
        """Return who a principal is in Monite, if they were made here: a directory for a broker."""
        user = self._made.get(principal.user_id)
        return user.entity_user if user else None

    def _role(self, role: RoleLike, number: int) -> RoleRecord:
        roles = self._monite.directory.roles
        if isinstance(role, str):
            found = next((each for each in roles.all() if each.name == role), None)
            if found is None:
                names = ", ".join(sorted({each.name for each in roles.all()}))
                use = (
                    f"use one of {names}, or permissions"
                    if names
                    else "its seed has none, so give permissions"
                )
                raise ValueError(f"There is no role {role!r} in this Monite: {use}.")
            return found
        made = role if isinstance(role, Role) else Role("Custom", role)  # type: ignore[arg-type]  # it checks that itself
        fields = {**made.to_json(), "status": "active"}
        return roles.add(f"40e57e57-0000-4000-8000-{number:012}", fields, entity_id=BAKERY_ID)
