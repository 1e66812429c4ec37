"""Reads the settings of an app: the `MONITE_…` keys of `app.config`, and the environment."""

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
    given = {"SESSION_MEMORY": lifetime, **app_settings(app.config, prefix="MONITE_")}
    # With the prefix, so that an error has the names that the app has set.
    return Settings.from_mapping({f"MONITE_{name}": value for name, value in given.items()}, prefix="MONITE_")
