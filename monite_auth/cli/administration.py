"""What the partner has in Monite, for people who look after it: entities, entity users and roles, read and changed.

Each request has the deadline of a caller and counts in the request budget; a list may have any number of pages.
"""

from typing import NamedTuple

from monite_auth.broker import TokenBroker
from monite_auth.engine.api_client import ApiClient
from monite_auth.engine.runtime import run
from monite_auth.errors import ConfigurationError, NotLinked, ProvisioningFailed
from monite_auth.identity import Principal
from monite_auth.monite_api import paths
from monite_auth.monite_api.records import Record, age, entity_details, is_deleted, next_page
from monite_auth.monite_api.requests import Call
from monite_auth.provisioning.answers import checked, read_answer, read_page
from monite_auth.provisioning.partner import PartnerApi

__all__ = ["Administration", "Person", "entity_name"]


class Person(NamedTuple):
    """Who a user is in Monite. `user` and `role` are empty for somebody whom Monite does not know."""

    user: Record
    entity: Record
    role: Record

    @property
    def entity_name(self) -> str:
        """The name of the entity."""
        return entity_name(self.entity)


class Administration:
    """Monite's API as the partner, for a command. Methods raise ProvisioningFailed, and what `TokenBroker.token` does."""

    def __init__(self, broker: TokenBroker) -> None:
        self._broker = broker

    # -- entities and people

    def entities(self) -> list[Record]:
        """Return all entities, the oldest first."""
        return self._records("list the entities", paths.ENTITIES)

    def entity(self, entity_id: str) -> Record:
        """Return one entity; raise ConfigurationError where there is none."""
        return self._one("read the entity", Call("GET", paths.entity(entity_id)), f"entity {entity_id}")

    def users(self, entity_id: str, **query: str) -> list[Record]:
        """Return the entity users of an entity, the oldest first."""
        return self._records("list the entity users", paths.ENTITY_USERS, entity_id, **query)

    def user(self, entity_user_id: str, entity_id: str) -> Record:
        """Return one entity user; raise ConfigurationError where there is none in the entity."""
        call = Call("GET", paths.entity_user(entity_user_id), entity_id)
        return self._one(
            "read the entity user", call, f"entity user {entity_user_id} in the entity {entity_id}"
        )

    def find(self, login: str, entity_id: str) -> list[Record]:
        """Return the entity users of an entity with this login: one, or none."""
        return [each for each in self.users(entity_id, login=login) if each.get("login") == login]

    def person(self, principal: Principal) -> Person:
        """Ask Monite who a user is: with their own token, or as the partner where users have none."""
        if not self._broker.settings.is_monite_managed:
            found = self._broker.entity_user(principal)
            entity = self.entity(found.entity_id)
            if found.entity_user_id is None:
                return Person({}, entity, {})
            user = self.user(found.entity_user_id, found.entity_id)
            return Person(user, entity, self.role(str(user.get("role_id")), found.entity_id))
        doing = "say who the user is"
        mine = (paths.MY_ENTITY_USER, paths.MY_ENTITY, paths.MY_ROLE)
        return Person(*(checked(doing, self._ask_as(principal, doing, Call("GET", path))) for path in mine))

    # -- roles

    def roles(self, entity_id: str) -> list[Record]:
        """Return the roles of an entity, the oldest first."""
        return self._records("list the roles", paths.ROLES, entity_id)

    def role(self, name_or_id: str, entity_id: str) -> Record:
        """Return the role with this id, or else the oldest one with this name; raise ConfigurationError where there is none."""
        roles = self.roles(entity_id)
        for field in ("id", "name"):
            for each in roles:
                if each.get(field) == name_or_id:
                    return each
        there = ", ".join(sorted({repr(each.get("name")) for each in roles})) or "none"
        raise _missing(f"role {name_or_id!r} in the entity {entity_id}; the roles there are: {there}")

    def create_role(self, entity_id: str, body: Record) -> None:
        """Create a role."""
        self._ask(f"create the role {body['name']!r}", Call("POST", paths.ROLES, entity_id, body=body))

    def change_role(self, entity_id: str, role_id: str, body: Record) -> None:
        """Replace a role's permissions."""
        self._ask(
            f"change the role {body['name']!r}", Call("PATCH", paths.role(role_id), entity_id, body=body)
        )

    def delete_role(self, entity_id: str, role_id: str) -> None:
        """Delete a role; Monite refuses while somebody has it."""
        self._ask("delete the role", Call("DELETE", paths.role(role_id), entity_id))

    # -- requests

    def _records(self, doing: str, path: str, entity_id: str | None = None, **query: str) -> list[Record]:
        found: list[Record] = []
        asked = query
        while True:
            page = read_page(
                doing, self._one(doing, Call("GET", path, entity_id, asked), f"entity {entity_id}")
            )
            found += page.records
            if page.token is None:
                return sorted((each for each in found if not is_deleted(each)), key=age)
            asked = next_page(page.token)

    def _one(self, doing: str, call: Call, what: str) -> Record:
        try:
            return self._ask(doing, call)
        except ProvisioningFailed as error:
            if error.monite_status != 404:
                raise
        raise _missing(what)

    def _ask(self, doing: str, call: Call) -> Record:
        running = self._broker.running
        api = PartnerApi(running.blocking(), self._broker.settings, running.engine.tokens)
        return run(api.ask(doing, call))

    def _ask_as(self, principal: Principal, doing: str, call: Call) -> Record:
        running = self._broker.running
        api = ApiClient(running.blocking(), self._broker.settings, running.engine.tokens, principal)
        answer = run(api.send(call, failed=f"Monite could not be asked to {doing}"))
        if answer.status in (403, 404):
            raise NotLinked(f"Monite refuses to {doing} ({answer.status}): {call.path}.")
        return read_answer(doing, call, answer)


def entity_name(entity: Record) -> str:
    """Return the name of an organization or of a person in business."""
    details = entity_details(entity, str(entity.get("type")))
    names = (details.get("legal_name"), details.get("first_name"), details.get("last_name"))
    return " ".join(str(each) for each in names if each)


def _missing(what: str) -> ConfigurationError:
    return ConfigurationError(f"there is no {what}.", lead="The arguments do not fit what Monite has:")
