"""Reads the settings of an app: the `MONITE_…` keys of `app.config`, and the environment."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from monite_auth import Settings
from monite_auth.adapter import app_settings, kind_of, warn_of_unknown_settings
from monite_auth.errors import ConfigurationError

__all__ = ["serves_api", "settings_of"]

API = "MONITE_API"
"""Whether the blueprint serves Monite's API. Only Flask has it in its config, so it is none of Settings."""

LONGEST_MEMORY = 366 * 24 * 3600
"""Seconds: the maximum of Settings.session_memory."""


def settings_of(app: Flask) -> Settings:
    """Read the settings of an app: `app.config` first, then the environment."""
    warn_of_unknown_settings(name for name in app.config if name != API)
    # Flask accepts a session cookie for this long, so an ended session has to be remembered for as long.
    lifetime = min(app.permanent_session_lifetime.total_seconds(), LONGEST_MEMORY)
    # No local may hold the config, which has secrets: error collectors record locals.
    return Settings.from_mapping(
        _as_set({"SESSION_MEMORY": lifetime, **app_settings(app.config, prefix="MONITE_")}), prefix="MONITE_"
    )


def serves_api(config: Mapping[str, Any]) -> bool:
    """Say whether an app of this config serves Monite's API for its own pages. Raises ConfigurationError for what is neither True nor False."""
    found = config.get(API, False)
    if not isinstance(found, bool):
        raise ConfigurationError(f'app.config["{API}"] is True or False, not {kind_of(found)}.')
    return found


def _as_set(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings by the names that the app has set them under: errors say these."""
    return {f"MONITE_{name}": value for name, value in values.items()}
