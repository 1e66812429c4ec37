"""`logout`, `end-user`, `revoke`, `panic` and `drain`: everything that ends, from one token to all of an account.

Session ids and tokens come from stdin, or are asked for: a command's arguments are in the shell's history and in the list of
processes.
"""

import math
import sys

import click

from monite_auth.broker import TokenBroker
from monite_auth.cli.application import application, principal_for, require_shared_store
from monite_auth.cli.results import Result
from monite_auth.cli.verb import Failure, verb
from monite_auth.errors import StoreUnavailable

__all__ = ["drain", "end_user", "logout", "panic", "revoke"]

WITHIN = 60.0
"""Seconds that `drain` works by default: a job of cron may take a minute."""

CONFIRMATION = "end everything"
"""What has to be typed before everything ends."""

within_option = click.option(
    "--within",
    type=float,
    default=WITHIN,
    show_default=True,
    metavar="SECONDS",
    help="How many seconds to work on revocations, at the most.",
)


@verb(
    "logout",
    "End one session of a user. Its session id is asked for, or read from stdin, and its tokens are revoked.",
)
@click.argument("user")
@click.option("--tenant", help="The organization that is active in the session, where the user has several.")
def logout(user: str, tenant: str | None) -> Result:
    """End the session."""
    here = application()
    with here.broker() as broker:
        require_shared_store(broker)
        user_id = here.user_id(user)
        session_id = _secret("Session id")
        broker.logout(principal_for(user_id, tenant, session_id))
        return _ended(broker, user_id, f"If user {user} had a session with this id, it has ended.")


@verb("end-user", "End every session of a user. Their tokens are revoked, and they have to log in again.")
@click.argument("user")
def end_user(user: str) -> Result:
    """End the sessions."""
    here = application()
    with here.broker() as broker:
        require_shared_store(broker)
        user_id = here.user_id(user)
        broker.end_user(user_id)
        return _ended(broker, user_id, f"Every session of user {user} has ended.")


@verb(
    "revoke",
    "Revoke one token, whoever has it. It is asked for, or read from stdin: a token that has leaked, say.",
)
@click.option(
    "--partner", is_flag=True, help="Revoke the partner token instead; the next call mints another."
)
def revoke(partner: bool) -> Result:
    """Revoke the token."""
    with application().broker() as broker:
        require_shared_store(broker)
        if partner:
            broker.end_partner_token()
            return _ended(broker, None, "The partner token is handed out no more.")
        text = _secret("Token")
        try:
            broker.revoke(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        return _ended(broker, None, "The token is handed out no more.")


@verb(
    "panic",
    "End everything of the account, after a leak. That is every session of every user, and every token.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@within_option
def panic(yes: bool, within: float) -> Result:
    """End everything, once it was confirmed."""
    _check_within(within)
    with application().broker() as broker:
        require_shared_store(broker)
        if not yes:
            name = broker.settings.account_name
            click.echo(
                f"This logs out every user of {name}, and revokes every token.",
                file=application().stderr,
                err=True,
            )
            if _asked(f'Type "{CONFIRMATION}" to go on') != CONFIRMATION:
                raise Failure(f'Nothing has ended: that was not "{CONFIRMATION}".')
        report = broker.end_everything(within=within)
    drained = report.drained
    data = {
        "sessions": report.sessions,
        "tokens": report.tokens,
        "settled": drained.settled,
        "postponed": drained.postponed,
        "expired": drained.expired,
        "next_in": _seconds(drained.next_in),
    }
    if report.is_owed:  # this process is about to end, and with it what it would have told the store
        raise StoreUnavailable(
            f"Other processes have not heard of it, so do it again when the store is back: {report}"
        )
    return Result(data, [str(report)])


@verb(
    "drain",
    "Revoke the tokens of ended sessions that are still pending. For cron, where no process has the time.",
)
@within_option
def drain(within: float) -> Result:
    """Work on what is due."""
    _check_within(within)
    with application().broker() as broker:
        require_shared_store(broker)
        report = broker.drain(within=within)
        # In an outage nothing could be read or done, and this raises StoreUnavailable.
        broker.status("")
    data = {
        "settled": report.settled,
        "postponed": report.postponed,
        "expired": report.expired,
        "next_in": _seconds(report.next_in),
    }
    return Result(data, [str(report)])


def _check_within(within: float) -> None:
    if not within >= 1:
        raise click.UsageError("--within is a number of seconds, and at least 1.")


def _seconds(seconds: float | None) -> int | None:
    return None if seconds is None else math.ceil(seconds)


def _ended(broker: TokenBroker, user_id: str | None, sentence: str) -> Result:
    """Say what has ended, once this process has revoked what it can; raise StoreUnavailable where the store has not heard."""
    # This process ends in a moment. Closing waits for the revocations in the background, as long as the deadline allows.
    broker.close()
    # Asked last: in an outage an ending is only kept in this process, and must not be reported as done.
    pending = broker.status(user_id or "").pending
    parts = [sentence]
    if pending:
        parts.append(
            f"Revocations still pending: {pending}. The servers go on with them, and so does the command drain."
        )
    return Result({"user_id": user_id, "pending": pending}, parts)


def _secret(what: str) -> str:
    """Ask for a secret without showing it, or read a line of stdin."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, err=True))
    text = sys.stdin.readline().strip()
    if not text:
        raise click.UsageError(
            f"{what} is read from stdin, which has none: no secret belongs among the arguments."
        )
    return text


def _asked(question: str) -> str:
    """Ask, and take Ctrl-C and an empty stdin for no answer."""
    try:
        return str(click.prompt(question, err=True, default="", show_default=False))
    except click.Abort:
        click.echo(err=True)
        return ""
