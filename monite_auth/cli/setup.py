"""`check`: whether everything works from here, now."""

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

    try:
        for finding in here.check():
            tell(finding)
        with here.broker() as broker:
            for finding in check_setup(broker):
                tell(finding)
            if user is not None:
                for finding in check_user(broker, here.user_id(user), tenant):
                    tell(finding)
    except MoniteAuthError:
        screen().show(_result(found, ok=False))
        raise
    return _result(found, ok=True)


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
