"""Which entity users a local Monite has, or has had: an assertion about somebody whom it never knew would prove nothing."""

from collections.abc import Mapping
from uuid import UUID

from monite_auth.emulator import Monite
from monite_auth.emulator.world.directory import Record
from monite_auth.emulator.world.partners import Partner
from monite_auth.identity import EntityUser
from monite_auth.testing.local.users import MoniteUser

__all__ = ["KnownUsers", "Person"]

SHOWN = 20
"""Entity users that a failure lists, the newest of them: a test is about those that it has made."""

Person = str | UUID | MoniteUser | EntityUser
"""An entity user that the test has made, or any one as the application's directory has them, or the id of any."""


class KnownUsers:
    """Remembers the entity users of a Monite, the deleted ones, too."""

    def __init__(self, monite: Monite) -> None:
        self._monite = monite
        self._seen: set[str] = set()
        for partner in monite.partners:
            self._watch(partner)
        monite.partner_watchers.append(self._watch)

    def id_of(self, user: Person) -> str:
        """Return the entity user id of somebody.

        Raises:
            TypeError: this is nobody whose entity user id can be told, as a Principal, who is a user of the application.
            ValueError: this Monite has no such entity user, and never had.

        """
        __tracebackhide__ = True
        given = getattr(user, "entity_user_id", user)
        if not isinstance(given, str | UUID):
            raise TypeError(
                "An entity user is given as a MoniteUser (`monite_user`), as an EntityUser, or by the entity user's id, "
                f"and not as {user!r}."
            )
        entity_user_id = str(given)
        if not self._knows(entity_user_id):
            raise ValueError(
                f"This Monite has no entity user {entity_user_id!r}, and never had. {self._told()}"
            )
        return entity_user_id

    def _watch(self, partner: Partner) -> None:
        partner.directory.watchers.append(self._happened)

    def _happened(self, table: str, _what: str, record: Record, _before: Mapping[str, object]) -> None:
        if table == "entity_users":
            self._seen.add(record.id)

    def _knows(self, entity_user_id: str) -> bool:
        return (
            entity_user_id in self._seen
            or any(partner.directory.users.get(entity_user_id) for partner in self._monite.partners)
            or bool(self._monite.ledger.mints(entity_user_id))
        )

    def _told(self) -> str:
        users = [user for partner in self._monite.partners for user in partner.directory.users.all()]
        if not users:
            return "It has none at all."
        which = f"The last {SHOWN} of its {len(users)}" if len(users) > SHOWN else "It has"
        return "\n".join([f"{which}:", *(f"  {user.id}  {user.login}" for user in users[-SHOWN:])])
