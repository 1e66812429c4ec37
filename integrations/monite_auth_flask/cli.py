"""`flask monite …`: the commands of monite_auth.adapter.commands, for the app's own broker."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app
from flask.cli import AppGroup

from monite_auth import TokenBroker
from monite_auth.adapter import commands as neutral
from monite_auth.adapter.commands import HELP, WITHIN, WrongArguments
from monite_auth.errors import MoniteAuthError

__all__ = ["commands"]

commands = AppGroup(
    "monite", help="Monite access tokens: check the setup, revoke what is pending, end sessions."
)


@commands.command("check", help=HELP["check"])
@click.option("--user", "user_id", help=HELP["check --user"])
@click.option("--tenant", help=HELP["check --tenant"])
def check(user_id: str | None, tenant: str | None) -> None:
    with _broker() as broker:
        _say(neutral.check(broker, user_id=user_id, tenant=tenant))


@commands.command("drain", help=HELP["drain"])
@click.option("--within", type=float, default=WITHIN, show_default=True, help=HELP["drain --within"])
def drain(within: float) -> None:
    with _broker() as broker:
        _say(neutral.drain(broker, within=within))


@commands.command("end-user", help=HELP["end-user"])
@click.argument("user")
def end_user(user: str) -> None:
    with _broker() as broker:
        _say(neutral.end_user(broker, user))


def _say(sentences: Iterator[str]) -> None:
    for sentence in sentences:
        click.echo(sentence)


@contextmanager
def _broker() -> Iterator[TokenBroker]:
    """Hand out the app's broker; exit with an error's text, without a traceback."""
    try:
        yield current_app.extensions["monite_auth"].broker
    except WrongArguments as error:
        raise click.UsageError(str(error)) from None
    except MoniteAuthError as error:
        raise click.ClickException(str(error)) from None
