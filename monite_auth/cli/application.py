"""What a command line has to know of an application: where its broker comes from, and how its users are named."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import click

from monite_auth.adapter.setup_check import Finding
from monite_auth.broker import TokenBroker
from monite_auth.errors import ConfigurationError
from monite_auth.identity import Principal

__all__ = ["Application", "application", "job_of", "principal_for", "require_shared_store", "use"]

KEY = "monite_auth.cli.application"
"""Where click's context has the application; nested commands share it."""


class Application(ABC):
    """An application as the verbs see it. Adapters subclass it, and override what differs in their framework."""

    stdout: Any = None
    """The text file that results are written to; None is `sys.stdout` at that time."""
    stderr: Any = None
    """The text file that errors, questions and progress are written to; None is `sys.stderr` at that time."""

    @abstractmethod
    def broker(self) -> AbstractContextManager[TokenBroker]:
        """Return a context in which the application's broker may be used; entering it raises ConfigurationError."""

    def user_id(self, name: str) -> str:
        """Return the `user_id` that principals of the user have. `name`: what the person at the command line has typed."""
        return name

    def require_directory(self) -> None:  # noqa: B027 - nearly all have one
        """Raise click.UsageError where no directory can be asked who somebody is in Monite."""

    def check(self) -> Iterator[Finding]:
        """Check what only the framework knows of; yield what was found, and raise for what cannot work."""
        yield from ()

    def sleep(self, seconds: float) -> None:
        """Wait between two looks of `status --watch`."""
        time.sleep(seconds)


def use(context: click.Context, found: Application) -> None:
    """Have the commands of this context, and those inside it, work for an application."""
    context.meta[KEY] = found


def application() -> Application:
    """Return the application that the running command works for."""
    found: Application = click.get_current_context().meta[KEY]
    return found


def principal_for(user_id: str, tenant: str | None, session_id: str | None = None) -> Principal:
    """Return the principal of a session; raise click.UsageError for texts that cannot be meant."""
    try:
        return Principal(user_id, tenant, session_id=session_id)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def job_of(broker: TokenBroker, user_id: str, tenant: str | None) -> Principal:
    """Return the principal of a command that works for a user now, in no session of theirs."""
    try:
        return broker.for_job(user_id, since=time.time(), tenant=tenant)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def require_shared_store(broker: TokenBroker) -> None:
    """Raise ConfigurationError where this process cannot reach what the servers keep."""
    if not broker.store.is_shared:
        raise ConfigurationError(
            "MONITE_STORE_URL names no shared store, and the memory of other processes cannot be reached from here. Use "
            "sqlite:///… for one host, or redis://… or postgresql://… for several."
        )
