"""What all verbs share: `--json`, the exit codes, and errors as sentences.

| exit code | means |
|---|---|
| 0 | it is done |
| 1 | it failed; the error says what to mend |
| 2 | something differs or would change |
| 64 | the arguments do not fit together, and nothing was done |

64 and not click's own 2, so that no typing error in a CI job passes for a change. It is EX_USAGE of sysexits.h.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from monite_auth.cli.results import FAILED, Result
from monite_auth.cli.screen import JSON, screen, write_error
from monite_auth.errors import MoniteAuthError

__all__ = ["USAGE", "Failure", "Group", "Verb", "verb"]

USAGE = 64
"""The exit code for arguments that do not fit together."""


class Failure(click.ClickException):
    """Something failed. `said`: the error for programs; None where people read it."""

    exit_code = FAILED

    def __init__(self, message: str, said: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.said = said

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the error to stderr."""
        if self.said is None:
            super().show(file)
        else:
            write_error(self.said, file)


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        error.exit_code = USAGE  # type: ignore[misc]  # of this error only
        raise


class Verb(click.Command):
    """A command whose function returns a Result."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Parse the arguments."""
        with _usage_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> None:
        """Do it, show the result, and exit with its code; raise Failure for an error of ours."""
        with _usage_errors():
            try:
                result: Result | None = super().invoke(ctx)
            except MoniteAuthError as error:
                raise Failure(str(error), error_for_programs(error) if ctx.meta.get(JSON) else None) from None
            if result is not None:
                screen().show(result)
                ctx.exit(result.code)


class Group(click.Group):
    """Verbs under one word."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Parse the arguments."""
        with _usage_errors():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the verb does."""
        with _usage_errors():
            return super().invoke(ctx)


def verb(name: str, help: str, *, results: bool = True) -> Callable[[Callable[..., Any]], Verb]:  # noqa: A002 - click's name
    """Make a verb of a function that returns a Result, or None where it has said all.

    `help`: its first sentence stands in the list of all verbs. `results`: whether `--json` makes sense.
    """

    def decorate(function: Callable[..., Any]) -> Verb:
        if results:
            function = click.option(
                "--json",
                is_flag=True,
                expose_value=False,
                callback=_for_programs,
                help="Print JSON, for programs.",
            )(function)
        return click.command(name, cls=Verb, help=help)(function)

    return decorate


def _for_programs(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    ctx.meta[JSON] = value


def error_for_programs(error: MoniteAuthError) -> dict[str, Any]:
    """Return what an error says, as JSON has it."""
    said = {
        "code": error.code,
        "message": str(error),
        "request_id": error.request_id,
        "retry_after": error.retry_after,
    }
    return {name: value for name, value in said.items() if value is not None}
