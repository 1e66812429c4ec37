"""The hot path in PostgreSQL: a hit is one statement, and never has another caller's answer."""

import asyncio
import os
import threading

from monite_auth import Principal, Secret
from monite_auth.stores import Busy, Slot
from tests.forking import in_child
from tests.stores.harness import Driver
from tests.stores.postgres.ground import LiveGround


def user(number: int) -> tuple[Slot, Principal]:
    return Slot(f"user-{number}", None, None), Principal(f"user-{number}", session_id=f"session-{number}")
