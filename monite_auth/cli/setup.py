"""`check`: whether everything works from here, now."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

from monite_auth.adapter.setup_check import Finding, check_setup, check_user
from monite_auth.cli.application import application
from monite_auth.cli.results import Result
from monite_auth.cli.screen import screen
from monite_auth.cli.verb import verb
from monite_auth.errors import MoniteAuthError

__all__ = ["check"]


@verb(
    "check",
    "Check whether everything works from here, now. That is the settings, the store, Monite's answer to the credentials, "
    "its clock and its request limit.",
)
@click.option("--user", metavar="USER", help="Get a token for this user, too, and ask Monite who they are.")
@click.option("--tenant", help="The user's organization, where they have several.")
def check(user: str | None, tenant: str | None) -> Result:
    """Say what works, one after the other, up to the first thing that does not."""
    here = application()
    if tenant is not None and user is None:
        raise click.UsageError("--tenant is about a user: add --user.")
    if user is not None:
        here.require_directory()
    found: list[Finding] = []

    def tell(finding: Finding) -> None:
        found.append(finding)
        screen().say(f"Warning: {finding}" if finding.is_warning else str(finding))

    def findings() -> Iterator[Finding]:
        yield from here.check()
        with here.broker() as broker:
            yield from check_setup(broker)
            if user is not None:
                yield from check_user(broker, here.user_id(user), tenant, name=user)

    with _logged() as warnings:
        try:
            for finding in findings():
                while warnings:
                    tell(Finding.of("log", warnings.pop(0), is_warning=True))
                tell(finding)
        except MoniteAuthError as error:
            for warning in warnings:
                if str(error) not in warning:  # which comes last, and once
                    tell(Finding.of("log", warning, is_warning=True))
            screen().show(_result(found, ok=False))
            raise
    return _result(found, ok=True)


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Hand out a list of the warnings that are logged meanwhile: they are findings, for people and for programs."""
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("monite_auth")
    log.addHandler(handler)
    try:
        yield warnings
    finally:
        log.removeHandler(handler)


def _result(found: list[Finding], *, ok: bool) -> Result:
    checks = [
        {
            "name": each.name,
            "message": str(each),
            "level": "warning" if each.is_warning else "ok",
            **each.facts,
        }
        for each in found
    ]
    return Result({"ok": ok, "checks": checks})
