"""The users of the example apps and the organizations they work for. A real app has both in its database."""

from collections.abc import Mapping
from dataclasses import dataclass

from monite_auth import EntityUser


@dataclass(frozen=True, slots=True)
class Organization:
    """A company with invoices. In Monite it is an entity."""

    name: str
    currency: str
    entity_id: str


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the app. In Monite there is one entity user for each organization they work for, with its own role."""

    name: str
    job: str
    works_for: Mapping[str, EntityUser]  # by organization; the first is the usual one

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split())

    @property
    def usual(self) -> str:
        """The organization that is active after a login."""
        return next(iter(self.works_for))


BAKERY = Organization("Brightside Bakery GmbH", "EUR", "b4ce5a1e-0000-4000-8000-000000000001")
BOOKS = Organization("Harbour Books Ltd", "GBP", "b00c5a1e-0000-4000-8000-000000000002")
TEA = Organization("Lakeside Tea AG", "CHF", "7ea05a1e-0000-4000-8000-000000000003")

ORGANIZATIONS = {"bakery": BAKERY, "books": BOOKS, "tea": TEA}

PEOPLE = {
    "anna": Person(
        "Anna Becker",
        "Accountant",
        {
            "bakery": EntityUser("a11a0000-0000-4000-8000-000000000101", BAKERY.entity_id),
            "books": EntityUser("a11a0000-0000-4000-8000-000000000203", BOOKS.entity_id),
            "tea": EntityUser("a11a0000-0000-4000-8000-000000000302", TEA.entity_id),
        },
    ),
    "viktor": Person(
        "Viktor Vogel",
        "Viewer",
        {"bakery": EntityUser("71c70000-0000-4000-8000-000000000102", BAKERY.entity_id)},
    ),
}

ENTITY_USERS = {
    (user_id, organization): entity_user
    for user_id, person in PEOPLE.items()
    for organization, entity_user in person.works_for.items()
}
"""The entity user by `(user id, organization)`."""
