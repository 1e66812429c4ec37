"""The commands of `monite-auth`. They say where the broker comes from, and print; the work is done elsewhere."""

import contextlib
import importlib
import importlib.metadata
import os
import sys
import threading
from collections.abc import Iterator
from functools import reduce
from typing import Annotated, Literal, NoReturn

import typer

from monite_auth import Settings, TokenBroker
from monite_auth.adapter import commands
from monite_auth.adapter.commands import HELP, WITHIN, WrongArguments
from monite_auth.errors import ConfigurationError, MoniteAuthError
from monite_auth.functions import kind_of

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

App = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="MODULE:BROKER",
        help="Where your application has its TokenBroker, shop.main:broker say. By default, one is made from MONITE_… "
        "in the environment, which knows no users.",
    ),
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(importlib.metadata.version("monite-auth"))
        raise typer.Exit


@app.callback()
def monite_auth(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Tools for Monite access tokens."""


@app.command()
def emulator(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")
    ] = 8090,
    token_life: Annotated[int, typer.Option(min=1, help="How many seconds a token lives.")] = 1800,
    requests_per_second: Annotated[int, typer.Option(min=1, help="Monite's request limit.")] = 30,
    limit_window: Annotated[
        Literal["fixed", "sliding"],
        typer.Option(help="Whether the limit counts the seconds of the clock, or any second at all."),
    ] = "fixed",
) -> None:
    """Run a local Monite with demo data, and a page that shows its tokens, until Ctrl-C."""
    try:
        from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Monite, serve  # noqa: PLC0415 - an extra
    except ImportError as error:
        _fail(error)
    with contextlib.ExitStack() as stack:
        monite = Monite(
            token_life=token_life, requests_per_second=requests_per_second, limit_window=limit_window
        )
        try:
            running = stack.enter_context(serve(monite, host=host, port=port))
        except OSError as error:
            _fail(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port with --port.")
        typer.echo(f"Tokens, live:  {running.url}/")
        typer.echo(f"Monite's API:  {running.api_url}")
        typer.echo("\nFor your application:\n")
        typer.echo(f"export MONITE_BASE_URL={running.api_url}")
        typer.echo(f"export MONITE_CLIENT_ID={DEMO_CLIENT_ID}")
        typer.echo(f"export MONITE_CLIENT_SECRET={DEMO_CLIENT_SECRET}")
        typer.echo("\nStop with Ctrl-C.")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


@app.command(help=HELP["check"])
def check(
    user: Annotated[str | None, typer.Option(help=f"{HELP['check --user']} Needs --app.")] = None,
    tenant: Annotated[str | None, typer.Option(help=HELP["check --tenant"])] = None,
    app: App = None,
) -> None:
    with _broker(app) as broker:
        if user is not None and app is None:
            raise WrongArguments(
                "--user asks the application's directory: say where its TokenBroker is, with --app module:broker."
            )
        _say(commands.check(broker, user_id=user, tenant=tenant))


@app.command(help=HELP["drain"])
def drain(
    within: Annotated[float, typer.Option(help=HELP["drain --within"])] = WITHIN,
    app: App = None,
) -> None:
    with _broker(app) as broker:
        _say(commands.drain(broker, within=within))


@app.command(help=HELP["end-user"])
def end_user(
    user: Annotated[str, typer.Argument(help="The user_id that principals have.")],
    app: App = None,
) -> None:
    with _broker(app) as broker:
        _say(commands.end_user(broker, user))


def _say(sentences: Iterator[str]) -> None:
    for sentence in sentences:
        typer.echo(sentence)


@contextlib.contextmanager
def _broker(path: str | None) -> Iterator[TokenBroker]:
    """Hand out the broker that `path` names, or one from the environment; exit with an error's text."""
    try:
        broker = TokenBroker(Settings.from_env(), directory={}) if path is None else _import_broker(path)
        with broker:
            yield broker
    except WrongArguments as error:
        _fail(error, code=2)
    except MoniteAuthError as error:
        _fail(error)


def _import_broker(path: str) -> TokenBroker:
    """Return the TokenBroker at `module:name`, or `module:name.of.attribute`; raises ConfigurationError where there is none."""
    module, _, attributes = path.partition(":")
    if not module or not attributes:
        raise WrongArguments(f"--app is module:broker, such as shop.main:broker, not {path!r}.")
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


def _fail(error: object, code: int = 1) -> NoReturn:
    typer.echo(f"Error: {error}", err=True)
    raise typer.Exit(code=code)
