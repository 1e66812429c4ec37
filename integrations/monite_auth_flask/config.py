"""Reads the settings of an app: the `MONITE_…` keys of `app.config`, and the environment."""

from typing import Any

from flask import Flask

from monite_auth import Settings
from monite_auth.adapter import app_settings, warn_of_unknown_settings

__all__ = ["settings_of"]

LONGEST_MEMORY = 366 * 24 * 3600
"""Seconds: the maximum of Settings.session_memory."""


def settings_of(app: Flask) -> Settings:
    """Read the settings of an app: `app.config` first, then the environment."""
    warn_of_unknown_settings(app.config)
    # Flask accepts a session cookie for this long, so an ended session has to be remembered for as long.
    lifetime = min(app.permanent_session_lifetime.total_seconds(), LONGEST_MEMORY)
    # No local may hold the config, which has secrets: error collectors record locals.
    return Settings.from_mapping(
        _as_set({"SESSION_MEMORY": lifetime, **app_settings(app.config, prefix="MONITE_")}), prefix="MONITE_"
    )


def _as_set(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings by the names that the app has set them under: errors say these."""
    return {f"MONITE_{name}": value for name, value in values.items()}
