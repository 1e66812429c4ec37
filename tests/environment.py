"""The environment of programs that tests start."""

import os
from collections.abc import Mapping

from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.waiting import PATIENCE

__all__ = ["demo_settings", "environment_with"]


def demo_settings(api_url: str, store_url: str) -> dict[str, str]:
    """Return settings for a local Monite and a store, as variables. Its budget is not in the way.

    No attempt to mint lasts longer than its lease, which is 5 s by default. Where the machine is so busy that the emulator answers
    later, the attempt is given up and another one mints: that is as it should be, but it is one mint too many for most tests.
    """
    return {
        "MONITE_BASE_URL": api_url,
        "MONITE_CLIENT_ID": DEMO_CLIENT_ID,
        "MONITE_CLIENT_SECRET": DEMO_CLIENT_SECRET,
        "MONITE_REQUESTS_PER_SECOND": "1000",
        "MONITE_STORE_URL": store_url,
        **dict.fromkeys(
            ("MONITE_CONNECT_TIMEOUT", "MONITE_READ_TIMEOUT", "MONITE_DEADLINE", "MONITE_LEASE"),
            str(PATIENCE),
        ),
    }


def environment_with(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with these variables, and with none of our settings that it has by chance."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MONITE_")}
    return {**inherited, **variables}
