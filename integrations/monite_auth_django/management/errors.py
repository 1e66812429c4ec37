"""Errors of monite-auth, as Django's commands tell them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from monite_auth.adapter.commands import WrongArguments
from monite_auth.errors import MoniteAuthError

__all__ = ["command_errors"]


@contextmanager
def command_errors() -> Iterator[None]:
    """Turn our errors into CommandErrors, whose text is printed without a traceback; wrong arguments exit with 2, as argparse does."""
    try:
        yield
    except WrongArguments as error:
        raise CommandError(str(error), returncode=2) from None
    except MoniteAuthError as error:
        raise CommandError(str(error)) from None
