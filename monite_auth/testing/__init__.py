"""Contracts for people who write an adapter or a store. Public: subclass one, and pytest runs it against your own.

    from monite_auth.testing import AdapterContract


    class TestMine(AdapterContract): ...

It needs pytest, and the extra `emulator`: every test has a local Monite of its own.
"""

import pytest

pytest.register_assert_rewrite("monite_auth.testing.adapters")

from monite_auth.testing.adapters import AdapterContract  # noqa: E402 - after pytest knows of it

__all__ = ["AdapterContract"]
