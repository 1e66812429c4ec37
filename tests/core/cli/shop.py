"""An application for `--app`, with a directory that can be told who somebody is."""

from monite_auth import EntityUser, Principal, TokenBroker
from tests.people import PEOPLE

__all__ = ["SHOP", "Links", "shop"]

SHOP = "tests.core.cli.shop:shop.broker"
"""The `--app` that names the broker below."""


class Links:
    """A directory that keeps what it is told."""

    def __init__(self) -> None:
        self.people = dict(PEOPLE)

    def find(self, principal: Principal) -> EntityUser | None:
        return self.people.get(principal.user_id)

    async def afind(self, principal: Principal) -> EntityUser | None:
        return self.find(principal)

    def link(self, principal: Principal, entity_user: EntityUser) -> None:
        self.people[principal.user_id] = entity_user


class Shop:
    """Has the broker of the test that runs."""

    broker: TokenBroker


shop = Shop()
