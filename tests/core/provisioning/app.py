"""The application of the tests of provisioning: its people, its profiles, and what they have come to in Monite."""

from dataclasses import dataclass, field, replace

from monite_auth import MemoryStore, Principal, Settings, TokenBroker
from monite_auth.emulator import BAKERY_ID
from monite_auth.provisioning import EntityProfile, Profile, ProvisioningDirectory
from monite_auth.rbac import Role

NINA = Principal("nina", session_id="nina-1")
AUDITOR = Role("Auditor", {"payable": "read", "entity": ["read"]})
PROFILE = Profile(
    login="user-7",
    first_name="Nina",
    last_name="Novak",
    email="nina@brightside.example",
    role="Viewer",
    entity=BAKERY_ID,
)
CAFE = EntityProfile(
    email="hello@cafe.example",
    legal_name="Corner Café GmbH",
    address={"country": "DE", "city": "Berlin", "postal_code": "10115", "line1": "Invalidenstraße 1"},
    more={"phone": "+49 30 1234"},
)


@dataclass
class App:
    """The application: what it says about whom, and its broker."""

    settings: Settings
    profiles: dict[str, Profile | None] = field(default_factory=lambda: {"nina": PROFILE})
    store: MemoryStore | None = None

    def __post_init__(self):
        self.directory = ProvisioningDirectory(lambda principal: self.profiles.get(principal.user_id))
        self.broker = TokenBroker(self.settings, self.directory, store=self.store)

    def change(self, **changes):
        self.profiles["nina"] = replace(self.profiles["nina"], **changes)


def users(monite, login="user-7"):
    return [user for user in monite.directory.users.all() if user.login == login]


def roles(monite, name="Auditor"):
    return [role for role in monite.directory.roles.all() if role.name == name]


def role_name(monite, user):
    return monite.directory.roles.get(user.role_id).name


def everything(monite):
    directory = monite.directory
    tables = (directory.entities, directory.users, directory.roles, directory.payables)
    return [record.shown() for table in tables for record in table.all()]
