"""Who there is and what they may do: tokens, entities, their users, and roles."""

from monite_auth.emulator.api.access import auth, entities, entity_users, roles

__all__ = ["auth", "entities", "entity_users", "roles"]
