"""Checks of the client ID and secret: placeholders, and secrets written into the settings module."""

import os
from collections.abc import Iterator

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name

from monite_auth_django.checks.literals import is_placeholder, modules_with_literal
from monite_auth_django.conf import conf

__all__ = ["check"]


def check() -> Iterator[CheckMessage]:
    """Yield a message for each problem."""
    values = conf.core_values()
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        if is_placeholder(values.get(name, "")):
            yield Error(
                f"{name} is a placeholder.",
                hint=f"Set MONITE_{name} in the environment to what Monite's partner portal shows under API keys.",
                id="monite_auth.E004",
            )
    settings_module = getattr(settings, "SETTINGS_MODULE", None) or os.environ.get(ENVIRONMENT_VARIABLE)
    for module in modules_with_literal(settings_module, values.get("CLIENT_SECRET", "")):
        yield Warning(
            f"The client secret of Monite stands in {module}, and so in version control.",
            hint="Make a new secret in Monite's partner portal, delete CLIENT_SECRET from the module and set "
            "MONITE_CLIENT_SECRET in the environment: it is read from there.",
            id="monite_auth.W002",
        )
