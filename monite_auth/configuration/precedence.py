"""Settings from two places, of which one is stronger: an application's own, say, and those of the environment."""

from collections.abc import Mapping
from typing import Any

from monite_auth.configuration.discretion import discreet

__all__ = ["overridden"]

ALTERNATIVES = (
    {"environment", "base_url"},
    {"client_secret", "client_secret_file"},
    {"store_keys", "store_keys_file"},
)
"""Settings that say the same thing: only one of each may be given."""


@discreet
def overridden(weaker: Mapping[str, Any], stronger: Mapping[str, Any], *, prefix: str = "") -> dict[str, Any]:
    """Return the settings of both; where two settings say the same thing, the stronger side decides on both.

    For example, an application that sets BASE_URL overrides a MONITE_ENVIRONMENT of the host. `prefix`: the text before the
    names of settings in the keys of both.
    """
    given = {name.removeprefix(prefix).lower() for name in stronger}
    decided = {name for pair in ALTERNATIVES if pair & given for name in pair}
    rest = {name: value for name, value in weaker.items() if name.removeprefix(prefix).lower() not in decided}
    return {**rest, **stronger}
