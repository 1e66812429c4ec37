"""Contracts for people who write a store or an adapter. Public: subclass one, and pytest runs it against your own.

    from monite_auth.testing import StoreContract

    class TestMine(StoreContract):
        ground_type = MyGround

An AdapterContract needs the extra `emulator` too: every test has a local Monite of its own.
"""

from typing import TYPE_CHECKING, Any

try:
    import pytest
except ImportError:
    raise ImportError("monite_auth.testing needs pytest: pip install 'monite-auth[testing]'.") from None

pytest.register_assert_rewrite("monite_auth.testing.adapters", "monite_auth.testing.stores")

from monite_auth.testing.stores import (  # noqa: E402 - after pytest knows of it
    SharedStoreContract,
    StoreContract,
    StoreDriver,
    StoreGround,
)

if TYPE_CHECKING:
    from monite_auth.testing.adapters import AdapterContract

__all__ = ["AdapterContract", "SharedStoreContract", "StoreContract", "StoreDriver", "StoreGround"]


def __getattr__(name: str) -> Any:
    """Import the contract of adapters when it is asked for: a store is tested without an emulator."""
    if name != "AdapterContract":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from monite_auth.testing.adapters import AdapterContract  # noqa: PLC0415

    return AdapterContract
