"""Reads the settings of an app: its own, and the environment where it has none. Secrets are masked as they are read."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from monite_auth.configuration.discretion import discreet
from monite_auth.configuration.unknown_settings import meaningless, warn_of_meaningless
from monite_auth.settings import SETTING_NAMES, overridden
from monite_auth.tokens import MaskedUrl, Secret

__all__ = ["SETTING_NAMES", "app_settings", "unknown_variables", "warn_of_unknown_settings"]

MASKS = {"CLIENT_SECRET": Secret, "STORE_KEYS": Secret, "STORE_URL": MaskedUrl, "BASE_URL": MaskedUrl}


@discreet
def app_settings(given: Mapping[str, Any], *, prefix: str = "") -> dict[str, Any]:
    """Return the values for `Settings.from_mapping`, by name in upper case without a prefix.

    `given`: the app's own settings, which win over `MONITE_…` in the environment. An empty value is none, and names that
    mean nothing are left out. `prefix`: what stands before each name in `given`.
    """
    own = {name: given.get(f"{prefix}{name}") for name in SETTING_NAMES}
    environ = {name: os.environ.get(f"MONITE_{name}") for name in SETTING_NAMES}
    found = overridden(_without_empty(environ), _without_empty(own))
    return {name: _masked(name, value) for name, value in found.items()}


def unknown_variables() -> dict[str, str]:
    """Return the `MONITE_…` variables of the environment that mean nothing, each with what to do about it."""
    return meaningless(os.environ, SETTING_NAMES)


def warn_of_unknown_settings(names: Iterable[object] = ()) -> None:
    """Log a warning for each `MONITE_…` in `names` or in the environment that means nothing, once per process."""
    warn_of_meaningless([*names, *os.environ], SETTING_NAMES)


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _masked(name: str, value: Any) -> Any:
    """Mask a secret: these values pass many frames, and Settings take them masked, too."""
    if name == "STORE_KEYS" and isinstance(value, list | tuple):
        return [_masked(name, each) for each in value]
    if isinstance(value, str) and name in MASKS:
        return MASKS[name](value)
    return value
