"""`flask monite …`: what is set up wrongly, what is pending, and the end of a user's sessions."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask import current_app
from flask.cli import AppGroup

from monite_auth import TokenBroker
from monite_auth.adapter.setup_check import check_setup, check_user
from monite_auth.errors import MoniteAuthError

__all__ = ["commands"]

commands = AppGroup(
    "monite", help="Monite access tokens: check the setup, revoke what is pending, end sessions."
)


@commands.command("check")
@click.option("--user", "user_id", help="Get a token for this user, too, and ask Monite who they are.")
@click.option("--tenant", help="The user's organization.")
def check(user_id: str | None, tenant: str | None) -> None:
    """Check the settings, that the store answers, and that Monite accepts the credentials."""
    if tenant is not None and user_id is None:
        raise click.UsageError("--tenant is about a user: add --user.")
    with _broker() as broker:
        for sentence in check_setup(broker):
            click.echo(sentence)
        if user_id is not None:
            for sentence in check_user(broker, user_id, tenant):
                click.echo(sentence)


@commands.command("drain")
@click.option(
    "--within",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="How many seconds to work on it, at the most.",
)
def drain(within: float) -> None:
    """Revoke the tokens of ended sessions that are still pending."""
    with _broker(shared=True) as broker:
        click.echo(str(broker.drain(within=within)))


@commands.command("logout-user")
@click.argument("user_id")
def logout_user(user_id: str) -> None:
    """End every session of a user, and revoke their tokens."""
    with _broker(shared=True) as broker:
        broker.end_user(user_id)
        broker.close()  # once what is under way has been done, or the deadline has passed
        click.echo(f"Every session of user {user_id} has ended.")
        pending = broker.status(user_id).pending
        if pending:
            click.echo(f"Revocations still pending: {pending}. The servers go on, or run: flask monite drain")


@contextmanager
def _broker(*, shared: bool = False) -> Iterator[TokenBroker]:
    """Hand out the app's broker; say in words, without a traceback, what is wrong."""
    try:
        broker: TokenBroker = current_app.extensions["monite_auth"].broker
        if shared and broker.settings.store_url.startswith("memory:"):
            raise click.ClickException(
                "MONITE_STORE_URL names no shared store, and the memory of other processes is out of reach."
            )
        yield broker
    except MoniteAuthError as error:
        raise click.ClickException(str(error)) from None
