"""`store copy`: one token store into another one, while processes use both."""

import asyncio
import os
from dataclasses import asdict, replace

import click

from monite_auth.cli.application import application
from monite_auth.cli.results import DIFFERS, Result
from monite_auth.cli.screen import screen
from monite_auth.cli.verb import verb
from monite_auth.settings import Settings
from monite_auth.stores.copying import Copied, StoreCopy
from monite_auth.stores.protocol import Store
from monite_auth.stores.registry import find
from monite_auth.tokens import steady_clock

__all__ = ["copy"]


@verb("copy", "Copy a token store into another one, while users work.")
@click.argument("old")
@click.argument("new")
@click.option(
    "--last",
    is_flag=True,
    help="No process uses OLD any more: take away the tokens that are left there. NEW has them revoked.",
)
def copy(old: str, new: str, last: bool) -> Result:
    """Copy what is there now. OLD and NEW are URLs, or names of variables of the environment that hold them."""
    with application().broker() as broker:
        settings = broker.settings
    copying = StoreCopy(_store(settings, "OLD", old), _store(settings, "NEW", new), clock=steady_clock)
    with asyncio.Runner() as runner:
        try:
            with screen().progress("Copying", copying.steps(last=last)) as steps:
                for step in steps:
                    runner.run(step())
        finally:
            runner.run(copying.aclose())
    return _result(copying.copied)


def _store(settings: Settings, name: str, given: str) -> Store:
    """Return the store of a URL, as the account of the settings sees it."""
    if "://" in given:
        if _has_password(given):
            raise click.UsageError(
                f"{name} holds a password, and no secret belongs among the arguments: have the URL in a variable of the environment, "
                "and give its name here."
            )
    elif os.environ.get(given):
        given = os.environ[given]
    else:
        raise click.UsageError(
            f"{name} is the URL of a store, or the name of a variable of the environment that holds it."
        )
    there = replace(settings, store_url=given)
    store: Store = find(there.store_url.partition("://")[0])(there, steady_clock)
    return store.of(there.account_name)


def _has_password(url: str) -> bool:
    """Say whether a URL may hold a password: in the login, or in an option."""
    login = url.partition("://")[2].rpartition("@")[0]
    return ":" in login or "password" in url.partition("?")[2].lower()


def _result(copied: Copied) -> Result:
    forth = f"{copied.endings} endings, {copied.sessions} sessions that go on, {copied.revocations} pending revocations"
    parts = [f"New to NEW: {forth}. New to OLD: {copied.returned} endings."]
    if copied.left is None:
        parts.append("Copy again whenever you like, and with --last once no process uses OLD any more.")
    elif copied.left:
        parts.append(
            f"OLD has {copied.left} tokens again: a process still uses it. Stop it, and copy again with --last."
        )
    else:
        parts.append(f"OLD has no tokens any more. Those that it had, {copied.taken}, are revoked from NEW.")
    return Result(asdict(copied), parts, DIFFERS if copied.left else 0)
