"""`manage.py monite_…`: the verbs of monite_auth.cli as management commands. Their arguments are those of the verbs."""

import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

import click
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from monite_auth import TokenBroker
from monite_auth.adapter import Finding
from monite_auth.cli import USAGE, VERBS, Application, run_verb
from monite_auth.errors import NotLinked
from monite_auth_django.current import broker
from monite_auth_django.management.people import find_user

__all__ = ["command_of"]


class _DjangoApplication(Application):
    """The project whose settings are loaded."""

    def __init__(self, stdout: Any, stderr: Any) -> None:
        self.stdout = stdout
        self.stderr = stderr

    @contextmanager
    def broker(self) -> Iterator[TokenBroker]:
        """Hand out the broker of this process."""
        yield broker()

    def user_id(self, name: str) -> str:
        """Return the primary key of the user with this name, or with this key."""
        try:
            return str(find_user(name).pk)
        except CommandError as error:
            raise NotLinked(str(error)) from None

    def check(self) -> Iterator[Finding]:
        """Run the system checks; raises SystemCheckError."""
        said = io.StringIO()
        call_command("check", tags=["monite_auth"], databases=list(connections), stdout=said, stderr=said)
        yield Finding.of("system_checks", said.getvalue().strip())


def command_of(name: str) -> type[BaseCommand]:
    """Return the management command of a verb."""
    verb = VERBS[name]

    class Command(BaseCommand):
        """Runs the verb."""

        help = verb.help or ""
        requires_system_checks = ()  # `check` runs them, as a part of its own

        def add_arguments(self, parser: CommandParser) -> None:
            """Add what the verb takes."""
            _add_arguments(parser, verb)

        def handle(self, **options: Any) -> None:
            """Run the verb."""
            here = _DjangoApplication(self.stdout, self.stderr)
            try:
                code = run_verb(here, name, _arguments(verb, options), program=f"manage.py monite_{name}")
            except click.Abort:
                raise CommandError("Aborted.") from None
            except click.ClickException as error:
                raise CommandError(error.format_message(), returncode=error.exit_code) from None
            if code:
                sys.exit(code)

    return Command


def _add_arguments(parser: CommandParser, verb: click.Command) -> None:
    """Add what a verb takes to Django's parser, as text: the verb itself checks it."""
    parser.error = partial(_refuse, parser)  # of this parser only
    if isinstance(verb, click.Group):
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        for name, one in verb.commands.items():
            _add_arguments(verbs.add_parser(name, help=one.help, description=one.help), one)
        return
    for each in verb.params:
        if isinstance(each, click.Argument):
            parser.add_argument(
                str(each.name), nargs=None if each.required else "?", metavar=str(each.name).upper()
            )
        elif isinstance(each, click.Option) and each.is_flag:
            parser.add_argument(*each.opts, dest=each.name, action="store_true", help=each.help)
        elif isinstance(each, click.Option):
            kind = "append" if each.multiple else "store"
            parser.add_argument(*each.opts, dest=each.name, action=kind, metavar=each.metavar, help=each.help)


def _refuse(parser: CommandParser, message: str) -> NoReturn:
    """Tell a mistake in the arguments as Django does, with the exit code that verbs have for it."""
    if not parser.called_from_command_line:
        raise CommandError(f"Error: {message}", returncode=USAGE)
    parser.print_usage(sys.stderr)
    parser.exit(USAGE, f"{parser.prog}: error: {message}\n")
    raise AssertionError("unreachable")


def _arguments(verb: click.Command, options: Mapping[str, Any]) -> list[str]:
    """Return the arguments of a verb as they were typed."""
    if isinstance(verb, click.Group):
        return [options["verb"], *_arguments(verb.commands[options["verb"]], options)]
    named, given = list[str](), list[str]()
    for each in verb.params:
        value = options.get(str(each.name))
        if value is None or value is False:
            continue
        if isinstance(each, click.Argument):
            given.append(str(value))
        elif value is True:
            named.append(each.opts[0])
        else:
            for one in value if each.multiple else [value]:
                named += [each.opts[0], str(one)]
    return [*named, "--", *given]
