"""The environment of programs that tests start."""

import os
from collections.abc import Mapping

from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

__all__ = ["demo_settings", "environment_with"]


def demo_settings(api_url: str, store_url: str) -> dict[str, str]:
    """Return settings for a local Monite and a store, as variables. Its budget is not in the way."""
    return {
        "MONITE_BASE_URL": api_url,
        "MONITE_CLIENT_ID": DEMO_CLIENT_ID,
        "MONITE_CLIENT_SECRET": DEMO_CLIENT_SECRET,
        "MONITE_REQUESTS_PER_SECOND": "1000",
        "MONITE_STORE_URL": store_url,
    }


def environment_with(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with these variables, and with none of our settings that it has by chance."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MONITE_")}
    return {**inherited, **variables}
