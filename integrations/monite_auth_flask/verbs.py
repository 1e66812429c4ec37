"""The verbs of `flask monite …`: those of monite_auth.cli, for the app's own broker."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import ScriptInfo

from monite_auth import TokenBroker
from monite_auth.cli import Application, command_group
from monite_auth_flask.cli import HELP, NAME

__all__ = ["verbs"]


class _FlaskApplication(Application):
    """The app that the `flask` command has found."""

    @contextmanager
    def broker(self) -> Iterator[TokenBroker]:
        """Hand out the app's broker, inside the application context."""
        app = click.get_current_context().ensure_object(ScriptInfo).load_app()
        with app.app_context():
            yield app.extensions["monite_auth"].broker


verbs = command_group(_FlaskApplication(), name=NAME, help=HELP)
