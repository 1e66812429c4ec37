"""`flask monite …`, for the app's own broker. The verbs are imported when somebody types it: a server that serves the app needs none."""

from typing import Any

import click

__all__ = ["HELP", "NAME", "commands"]

NAME = "monite"
HELP = "Monite access tokens, and what the partner has in Monite."


class _Verbs(click.Command):
    """Stands in the list of the app's commands, for the group of all verbs."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Return the context of the group, which goes on from here."""
        from monite_auth_flask.verbs import verbs  # noqa: PLC0415

        return verbs.make_context(*arguments, **options)


commands = _Verbs(NAME, help=HELP)
