"""The commands of `monite-auth`. They print and wait; what they start is written elsewhere."""

import contextlib
import importlib.metadata
import threading
from typing import Annotated, NoReturn

import typer

from monite_auth import Settings, TokenBroker
from monite_auth.errors import MoniteAuthError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


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
) -> None:
    """Run a local Monite with demo data, and a page that shows its tokens, until Ctrl-C."""
    try:
        from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Monite, serve  # noqa: PLC0415 - an extra
    except ImportError as error:
        _fail(str(error))
    with contextlib.ExitStack() as stack:
        monite = Monite(token_life=token_life, requests_per_second=requests_per_second)
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


@app.command()
def drain(
    within: Annotated[float, typer.Option(min=1, help="How many seconds to work on it, at the most.")] = 60,
) -> None:
    """Revoke the tokens of ended sessions that are still pending; for cron, where no process has the time."""
    try:
        settings = Settings.from_env()
        if settings.store_url.startswith("memory:"):
            _fail(
                "MONITE_STORE_URL names no shared store, and the memory of other processes cannot be drained."
            )
        with TokenBroker(settings, directory={}) as broker:
            report = broker.drain(within=within)
    except MoniteAuthError as error:
        _fail(str(error))
    typer.echo(str(report))


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code=1)
