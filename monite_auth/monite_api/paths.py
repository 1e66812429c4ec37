"""The paths that this package calls itself, relative to the base URL. `operations` has those of an application's calls."""

__all__ = [
    "ENTITIES",
    "ENTITY_USERS",
    "MY_ENTITY",
    "MY_ENTITY_USER",
    "MY_ROLE",
    "PAYABLES",
    "REVOKE",
    "ROLES",
    "TOKEN",
    "entity",
    "entity_user",
    "role",
]

TOKEN = "/auth/token"  # noqa: S105 - a path
REVOKE = "/auth/revoke"

ENTITY_USERS = "/entity_users"
MY_ENTITY_USER = "/entity_users/me"
MY_ENTITY = "/entity_users/my_entity"
MY_ROLE = "/entity_users/my_role"

ENTITIES = "/entities"
ROLES = "/roles"
PAYABLES = "/payables"


def entity_user(entity_user_id: str) -> str:
    """Return the path of one entity user."""
    return f"{ENTITY_USERS}/{entity_user_id}"


def entity(entity_id: str) -> str:
    """Return the path of one entity."""
    return f"{ENTITIES}/{entity_id}"


def role(role_id: str) -> str:
    """Return the path of one role."""
    return f"{ROLES}/{role_id}"
