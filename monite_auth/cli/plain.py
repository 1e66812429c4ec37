"""`monite-auth`: the verbs for an application of any framework, whose broker `--app` names, or for the environment's settings."""

import copy
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce

import click
from click.shell_completion import get_completion_class

from monite_auth.broker import TokenBroker
from monite_auth.cli.application import Application, application
from monite_auth.cli.verb import Group, verb
from monite_auth.cli.verbs import command_group
from monite_auth.errors import ConfigurationError
from monite_auth.functions import kind_of
from monite_auth.settings import Settings

__all__ = ["monite_auth"]

APP = "monite_auth.cli.app"
"""Where click's context has what `--app` was given."""

COMPLETE = "_MONITE_AUTH_COMPLETE"
"""The variable by which a shell asks for completions; click derives it from the program's name."""


class _AnyApplication(Application):
    """The application that `--app` names, or one of nobody, with the settings of the environment."""

    @contextmanager
    def broker(self) -> Iterator[TokenBroker]:
        """Hand out a broker, and close it afterwards."""
        path = _path()
        with (
            TokenBroker(Settings.from_env(), directory={}) if path is None else _import_broker(path) as broker
        ):
            yield broker

    def require_directory(self) -> None:
        """Raise click.UsageError without --app."""
        if _path() is None:
            raise click.UsageError(
                "Only the application's directory knows its users: say where its TokenBroker is, with --app module:broker."
            )


def _path() -> str | None:
    path: str | None = click.get_current_context().meta.get(APP)
    return path


def _import_broker(path: str) -> TokenBroker:
    """Return the TokenBroker at `module:name`, or `module:name.of.attribute`; raises ConfigurationError where there is none."""
    module, _, attributes = path.partition(":")
    if not module or not attributes:
        raise click.UsageError(f"--app is module:broker, such as shop.main:broker, not {path!r}.")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as flask and uvicorn do: the application is where one stands
    try:
        found = reduce(getattr, attributes.split("."), importlib.import_module(module))
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # of the application's own: its traceback says where
        raise ConfigurationError(f"--app names the module {module}, and there is no {error.name}.") from None
    except AttributeError as error:
        if error.name not in attributes.split("."):
            raise
        raise ConfigurationError(f"--app names {path}, and there is no {error.name}.") from None
    if not isinstance(found, TokenBroker):
        raise ConfigurationError(f"--app names {path}, which is {kind_of(found)} and no TokenBroker.")
    return found


def _with_app(command: click.Command) -> click.Command:
    """Return a copy of a verb that has the option --app, too; of a group, one whose verbs have it."""
    found = copy.copy(command)
    if isinstance(found, click.Group):
        found.commands = {name: _with_app(each) for name, each in found.commands.items()}
    else:
        found.params = [*found.params, _app_option()]
    return found


def _app_option() -> click.Option:
    def keep(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        # Nested contexts share it, and the option may stand before the verb or after it.
        if value is not None:
            ctx.meta[APP] = value

    return click.Option(
        ["--app"],
        metavar="MODULE:BROKER",
        expose_value=False,
        callback=keep,
        help="Where your application has its TokenBroker, shop.main:broker say. By default, one is made from MONITE_… in "
        "the environment, which knows no users.",
    )


WITHOUT_APP = {"emulator", "demo"}
"""The verbs that are not about an application."""


@verb("completion", "Print what completes verbs and options in a shell.", results=False)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print it."""
    found = get_completion_class(shell)
    assert found is not None, "click knows these three"
    script = found(monite_auth, {}, "monite-auth", COMPLETE).source()
    click.echo(script, file=application().stdout)


def _group() -> Group:
    group = command_group(
        _AnyApplication(),
        name="monite-auth",
        help="Monite access tokens, and what the partner has in Monite.",
    )
    for name, each in group.commands.items():
        if name not in WITHOUT_APP:
            group.commands[name] = _with_app(each)
    group.add_command(completion)
    group.params.append(_app_option())
    return click.version_option(package_name="monite-auth", message="%(version)s")(group)


monite_auth = _group()
"""The command `monite-auth`."""
