"""Monite access tokens for partner apps: one live token per logged-in user, revoked at logout.

    from monite_auth import EntityUser, Principal, Settings, TokenBroker

    broker = TokenBroker(Settings.from_env(), directory=lambda principal: EntityUser("…uuid…", "…uuid…"))
    broker.client(Principal("user-1", session_id="…")).get("/payables")

Web frameworks have packages of their own: `monite_auth_starlette`, `monite_auth_django`, `monite_auth_flask`, and
`monite_auth_asgi` for any other ASGI framework.

| public | has |
|---|---|
| `broker`, `settings`, `tokens`, `identity`, `errors` | the words of the names below |
| `adapter` | the kit for an adapter of another web framework |
| `provisioning` | people who are not in Monite yet |
| `rbac` | roles and permissions |
| `outbound` | calls to Monite's API with httpx |
| `sdk` | Monite's official client |
| `stores` | where tokens live, and how to write another store |
| `emulator` | a local Monite |
| `events` | events for auditors |
| `testing` | a local Monite in your tests, and the contracts of stores and adapters |
| `pytest_plugin` | fixtures with a local Monite |
| `cli` | the command `monite-auth`, and the same verbs for a framework's command line |

| private | has |
|---|---|
| `engine` | how tokens are minted, renewed, shared and revoked |
| `monite_api` | Monite's own facts |
| `permissions` | what a person may do, asked of Monite or of the application |
| `configuration` | the parts of settings |
| `processes` | what belongs to one process |
| `functions` | functions that an application hands in |
| `outbox` | endings in the application's own transaction |
| `telemetry` | what happens, as metrics and spans |
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from monite_auth import errors

if TYPE_CHECKING:
    from monite_auth.adapter.access import MoniteAccess
    from monite_auth.broker import TokenBroker
    from monite_auth.engine.drain import DrainReport
    from monite_auth.engine.endings import EndReport, UserStatus
    from monite_auth.identity import PARTNER, Directory, EntityUser, FixedDirectory, Principal
    from monite_auth.outbound import BrokerAuth
    from monite_auth.provisioning import EntityProfile, Profile, ProvisioningDirectory
    from monite_auth.settings import SecurityModel, Settings
    from monite_auth.stores import Overview
    from monite_auth.stores.health import Health
    from monite_auth.stores.memory import MemoryStore
    from monite_auth.stores.postgres import PostgresStore
    from monite_auth.stores.redis import RedisStore
    from monite_auth.stores.sqlite import SQLiteStore
    from monite_auth.tokens import AccessToken, Secret

__all__ = [
    "PARTNER",
    "AccessToken",
    "BrokerAuth",
    "Directory",
    "DrainReport",
    "EndReport",
    "EntityProfile",
    "EntityUser",
    "FixedDirectory",
    "Health",
    "MemoryStore",
    "MoniteAccess",
    "Overview",
    "PostgresStore",
    "Principal",
    "Profile",
    "ProvisioningDirectory",
    "RedisStore",
    "SQLiteStore",
    "Secret",
    "SecurityModel",
    "Settings",
    "TokenBroker",
    "UserStatus",
    "errors",
]


_MODULES = {
    "adapter.access": ("MoniteAccess",),
    "broker": ("TokenBroker",),
    "engine.drain": ("DrainReport",),
    "engine.endings": ("EndReport", "UserStatus"),
    "identity": ("PARTNER", "Directory", "EntityUser", "FixedDirectory", "Principal"),
    "outbound": ("BrokerAuth",),
    "provisioning": ("EntityProfile", "Profile", "ProvisioningDirectory"),
    "settings": ("SecurityModel", "Settings"),
    "stores": ("Overview",),
    "stores.health": ("Health",),
    "stores.memory": ("MemoryStore",),
    "stores.postgres": ("PostgresStore",),
    "stores.redis": ("RedisStore",),
    "stores.sqlite": ("SQLiteStore",),
    "tokens": ("AccessToken", "Secret"),
}
"""Where the public names are. Each is imported when it is first asked for, so that nobody pays for stores and provisioning that
they do not use; the imports above tell the same to type checkers."""

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value  # so that it is asked for here only once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
