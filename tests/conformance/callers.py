"""Who calls: the partner, and an entity user whose role allows everything."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from monite_auth.emulator import BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, OSKAR_ID, VIKTOR_ID, Emulator
from tests.conformance.document import HEADERS
from tests.data.facts import words

#: Seconds. Nothing is wrong about a machine that is busy.
PATIENCE = 120
CREDENTIALS = {"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token. `role_id` and `user_id` are their own: without them, all later cases would be refused."""

    name: str
    token: str
    role_id: str = ""
    user_id: str = ""

    def spares(self, method: str, path: str, ids: Mapping[str, object]) -> list[str]:
        """Return which ids of a request would take the caller away, or the entity that all cases are about."""
        if method == "GET":
            return []
        # A list, since a case that is not valid has lists and objects for ids, too.
        kept = [self.role_id, self.user_id, OSKAR_ID, VIKTOR_ID]
        if path.endswith("/deactivate"):
            kept.append(BAKERY_ID)
        return [name for name, value in ids.items() if value in kept]

    def client(self, emulator: Emulator) -> httpx.Client:
        """Return a client that sends what every operation demands."""
        headers = {"authorization": f"Bearer {self.token}", **HEADERS}
        return httpx.Client(base_url=emulator.api_url, headers=headers, timeout=PATIENCE)


def partner(emulator: Emulator) -> Caller:
    """Return the partner."""
    return Caller("partner", _mint(emulator, grant_type="client_credentials"))


def user(emulator: Emulator) -> Caller:
    """Return a new entity user of the bakery, who may do everything."""
    common = [("read", "create", "update", "delete"), *words("CommonSchema-Input", "object_type")]
    payables = [words("PayableActionEnum"), "payable"]
    objects = [
        {
            "object_type": object_type,
            "actions": [{"action_name": action, "permission": "allowed"} for action in actions],
        }
        for actions, *object_types in (common, payables)
        for object_type in object_types
    ]
    with partner(emulator).client(emulator) as client:
        role = _created(client, "/roles", {"name": "Everything", "permissions": {"objects": objects}})
        person = {"first_name": "Conny", "login": "conny", "role_id": role}
        user_id = _created(client, "/entity_users", person)
    token = _mint(emulator, grant_type="entity_user", entity_user_id=user_id)
    return Caller("user", token, role, user_id)


def fresh_token(emulator: Emulator) -> str:
    """Return a token that nobody else has."""
    return _mint(emulator, grant_type="entity_user", entity_user_id=VIKTOR_ID)


def _mint(emulator: Emulator, **grant: str) -> str:
    url = f"{emulator.api_url}/auth/token"
    answer = httpx.post(url, headers=HEADERS, json=CREDENTIALS | grant, timeout=PATIENCE)
    return str(answer.raise_for_status().json()["access_token"])


def _created(client: httpx.Client, path: str, body: Mapping[str, object]) -> str:
    return str(client.post(path, json=body).raise_for_status().json()["id"])
