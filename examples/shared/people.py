"""The example's own users. A real app has them in its database; who they are in Monite is the last column."""

from dataclasses import dataclass

from monite_auth import EntityUser

COMPANY = "Brightside Bakery GmbH"
CURRENCY = "EUR"
BAKERY_ID = "b4ce5a1e-0000-4000-8000-000000000001"  # the company is this entity in Monite


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the app."""

    name: str
    job: str
    entity_user: EntityUser

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split())


PEOPLE = {
    "anna": Person(
        "Anna Becker", "Accountant", EntityUser("a11a0000-0000-4000-8000-000000000101", BAKERY_ID)
    ),
    "viktor": Person("Viktor Vogel", "Viewer", EntityUser("71c70000-0000-4000-8000-000000000102", BAKERY_ID)),
}
