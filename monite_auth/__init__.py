"""Monite access tokens for partner apps: one live token per logged-in user, revoked at logout.

    from monite_auth import EntityUser, Principal, Settings, TokenBroker

    broker = TokenBroker(Settings.from_env(), directory=lambda principal: EntityUser("…uuid…", "…uuid…"))
    broker.client(Principal("user-1", session_id="…")).get("/payables")

Web frameworks have packages of their own: `monite_auth_starlette`.
"""

from monite_auth import errors
from monite_auth.access import MoniteAccess
from monite_auth.broker import TokenBroker
from monite_auth.drain import DrainReport
from monite_auth.identity import PARTNER, Directory, EntityUser, FixedDirectory, Principal
from monite_auth.outbound import BrokerAuth
from monite_auth.settings import Settings
from monite_auth.stores.memory import MemoryStore
from monite_auth.tokens import AccessToken, Secret

__all__ = [
    "PARTNER",
    "AccessToken",
    "BrokerAuth",
    "Directory",
    "DrainReport",
    "EntityUser",
    "FixedDirectory",
    "MemoryStore",
    "MoniteAccess",
    "Principal",
    "Secret",
    "Settings",
    "TokenBroker",
    "errors",
]
