"""A form in which people type their company's name and address, and what has come of it in Monite."""

from dataclasses import replace
from uuid import uuid4

from monite_auth import Principal
from monite_auth.provisioning import EntityProfile, Profile, ProvisioningDirectory
from monite_auth.rbac import Role
from tests.core.provisioning.app import CAFE

CLERK = Role("Clerk", {"payable": "create read"})


class Filled(ProvisioningDirectory):
    """A directory of what is typed into a form."""

    def __init__(self, company: EntityProfile) -> None:
        self.company = company
        self.first_name = "Ida"
        super().__init__(
            lambda principal: replace(profile_of(principal, self.company), first_name=self.first_name)
        )


def profile_of(principal: Principal, company: EntityProfile = CAFE) -> Profile:
    return Profile(login=f"app-{principal.user_id}", first_name="Ida", role=CLERK, entity=company)


def companies(emulator):
    return [each for each in emulator.monite.directory.entities.all() if each.name == CAFE.legal_name]


def people(emulator):
    return [user.login for user in emulator.monite.directory.users.all()]


def create_by_other_means(emulator):
    """As with the partner portal: no store of ours hears of it."""
    emulator.monite.directory.entities.add(
        str(uuid4()), {**CAFE.to_json(), "default_role_id": "", "status": "active"}
    )
