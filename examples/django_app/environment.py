"""Makes the shared templates available to Django's Jinja2 backend."""

from typing import Any

from jinja2 import Environment

from examples.shared.pages import environment as shared_environment
from examples.shared.pages import local_monite
from monite_auth_django import broker


def environment(**_: Any) -> Environment:
    """Return the shared environment. It ignores Django's arguments because its folder and escaping are already set."""
    made = shared_environment()
    made.globals["local_monite"] = local_monite(broker().settings.base_url)
    return made
