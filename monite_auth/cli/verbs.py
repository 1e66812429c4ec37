"""All verbs, as one group of commands for each application, and one by one for command lines that are not click's."""

from collections.abc import Sequence

import click

from monite_auth.cli.application import Application, use
from monite_auth.cli.endings import drain, end_user, logout, panic, revoke
from monite_auth.cli.entities import entities
from monite_auth.cli.local import demo, emulator
from monite_auth.cli.roles import roles
from monite_auth.cli.setup import check
from monite_auth.cli.status import status
from monite_auth.cli.store import store
from monite_auth.cli.tokens import token, whoami
from monite_auth.cli.users import users
from monite_auth.cli.verb import Failure, Group

__all__ = ["VERBS", "command_group", "run_verb"]

VERBS: dict[str, click.Command] = {
    str(each.name): each
    for each in (
        check,
        token,
        whoami,
        logout,
        end_user,
        revoke,
        panic,
        drain,
        status,
        store,
        entities,
        users,
        roles,
        emulator,
        demo,
    )
}
"""The verbs by their names, in the order in which help lists them."""


def command_group(application: Application, *, name: str, help: str) -> Group:  # noqa: A002 - click's name
    """Return a group of all verbs that works for an application, to be added to a command line of click's."""

    def begin() -> None:
        use(click.get_current_context(), application)

    group = _InOrder(name, callback=begin, help=help)
    for each in VERBS.values():
        group.add_command(each)
    return group


def run_verb(application: Application, name: str, arguments: Sequence[str], *, program: str) -> int:
    """Run one verb for a command line that is not click's, and return its exit code.

    `program`: how usage errors call the verb. Raises click.ClickException, which has a message and an exit code, and
    click.Abort.
    """
    verb = VERBS[name]
    context = verb.make_context(program, list(arguments))
    with context:
        use(context, application)
        try:
            verb.invoke(context)
        except click.exceptions.Exit as end:
            return end.exit_code
        except Failure as failure:
            if failure.said is None:
                raise
            failure.show(application.stderr)
            return failure.exit_code
    return 0


class _InOrder(Group):
    """A group whose help lists the verbs as they were added: what goes together stands together."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        """Return the names."""
        return list(self.commands)
