"""A local Monite in the tests of an application, and contracts for people who write a store or an adapter. Public.

An application is tested with the fixtures of the pytest plugin, or without pytest with a LocalMonite (extra `emulator`):

    from monite_auth.testing import LocalMonite

    with LocalMonite() as monite:
        ...

A contract is subclassed, and pytest runs it against your own store or adapter:

    from monite_auth.testing import StoreContract

    class TestMine(StoreContract):
        ground_type = MyGround

An AdapterContract needs the extra `emulator` too: every test has a local Monite of its own.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monite_auth.testing.adapters import AdapterContract
    from monite_auth.testing.local import LedgerAssertions, LocalMonite, MoniteUser, MoniteUsers
    from monite_auth.testing.stores import SharedStoreContract, StoreContract, StoreDriver, StoreGround

__all__ = [
    "AdapterContract",
    "LedgerAssertions",
    "LocalMonite",
    "MoniteUser",
    "MoniteUsers",
    "SharedStoreContract",
    "StoreContract",
    "StoreDriver",
    "StoreGround",
]

_PART_OF = {
    "AdapterContract": "adapters",
    "LedgerAssertions": "local",
    "LocalMonite": "local",
    "MoniteUser": "local",
    "MoniteUsers": "local",
    "SharedStoreContract": "stores",
    "StoreContract": "stores",
    "StoreDriver": "stores",
    "StoreGround": "stores",
}
"""Where the names are. Each is imported when it is asked for: a store is tested without an emulator, and an application may be
tested without pytest."""


if pytest := sys.modules.get("pytest"):
    # It explains the assertions of the contracts only if it knows of them before they are imported.
    pytest.register_assert_rewrite(f"{__name__}.adapters", f"{__name__}.stores")


def __getattr__(name: str) -> Any:
    if name not in _PART_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PART_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
