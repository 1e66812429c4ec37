"""`emulator` and `demo`: a local Monite, to develop against and to see what this package does."""

import shlex
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click

from monite_auth.broker import TokenBroker
from monite_auth.cli.results import Result
from monite_auth.cli.screen import screen
from monite_auth.cli.verb import Failure, verb
from monite_auth.errors import SessionEnded
from monite_auth.identity import EntityUser, Principal
from monite_auth.monite_api.paths import PAYABLES
from monite_auth.settings import Settings

__all__ = ["demo", "emulator"]

PEOPLE_TOLD = 20
"""How many people the terminal shows of the emulator's. Its page has all of them."""
AT_ONCE = 20
"""Requests that ask for a token at the same time in the demo: enough to make the point."""


class _Folder(click.Path):
    """The path of a folder. Nothing would be the current one: it comes from a variable that is not set."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("Name a folder; . is the current one.", param, ctx)
        return super().convert(value, param, ctx)


@verb(
    "emulator",
    "Run a local Monite with demo data, until Ctrl-C. Its page shows its tokens, live.",
    results=False,
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--expose",
    is_flag=True,
    help="Listen on --host although other machines can reach it: nobody is asked for a password.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A host name to answer for, besides addresses, names without a dot, and *.internal. May be repeated.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8090,
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@click.option(
    "--token-life",
    type=click.IntRange(min=1),
    default=1800,
    show_default=True,
    metavar="SECONDS",
    help="How long a token lives.",
)
@click.option(
    "--requests-per-second",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    metavar="NUMBER",
    help="Monite's request limit.",
)
@click.option(
    "--limit-window",
    type=click.Choice(["fixed", "sliding"]),
    default="fixed",
    show_default=True,
    help="Whether the limit counts the seconds of the clock, or any second at all.",
)
@click.option(
    "--dead-token-status",
    type=click.Choice(["401", "400"]),
    default="401",
    show_default=True,
    help="The status of a request whose token is dead. Monite's release notes say 401, its older pages 400.",
)
@click.option(
    "--seed",
    type=int,
    metavar="NUMBER",
    help="Draw ids, tokens and chance from this number, so that two runs have the same; the clock stands still.",
)
@click.option(
    "--seed-file",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    metavar="FILE",
    help="Begin with what this file says, in YAML or JSON, instead of the demo's companies.",
)
@click.option(
    "--data",
    type=_Folder(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Keep the state in this folder, so that it survives a restart. By default it is in memory.",
)
def emulator(
    *,
    host: str,
    expose: bool,
    hosts: tuple[str, ...],
    port: int,
    token_life: int,
    requests_per_second: int,
    limit_window: str,
    dead_token_status: str,
    seed: int | None,
    seed_file: Path | None,
    data: Path | None,
) -> None:
    """Serve it."""
    local = _emulator()
    try:
        monite = local.Monite(
            token_life=token_life,
            requests_per_second=requests_per_second,
            limit_window=limit_window,
            dead_token_status=int(dead_token_status),
            random_seed=seed,
            seed=seed_file or True,
        )
    except (ValueError, OSError) as error:
        blamed = f"The seed file {seed_file} cannot be used: " if seed_file else ""
        raise Failure(f"{blamed}{error}.") from None
    with ExitStack() as stack:
        try:
            running = stack.enter_context(
                local.serve(monite, host=host, port=port, expose=expose, hosts=hosts, data=data)
            )
        except ValueError as error:
            raise Failure(f"{error}.") from None
        except OSError as error:
            if error.errno is None:
                raise Failure(f"{error}.") from None
            raise Failure(
                f"Cannot listen on {host}:{port}: {error.strerror}. Choose another port with --port."
            ) from None
        say = screen().say
        say(f"Tokens, live:  {running.url}/")
        say(f"Monite's API:  {running.api_url}")
        say("\nFor your application:\n")
        say(f"export MONITE_BASE_URL={running.api_url}")
        for number, partner in enumerate(monite.partners):
            if number:
                say("\nAnother partner's:\n")
            _tell_credentials(partner)
            _tell_people(partner)
        say("\nStop with Ctrl-C.")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _tell_credentials(partner: Any) -> None:
    """Write one pair that a shell can read, if the partner has any."""
    for client_id, secrets in partner.credentials.items():
        if secrets:
            screen().say(f"export MONITE_CLIENT_ID={shlex.quote(client_id)}")
            screen().say(f"export MONITE_CLIENT_SECRET={shlex.quote(secrets[0])}")
            return


def _tell_people(partner: Any) -> None:
    directory = partner.directory
    people = directory.users.all()
    screen().say("\nPeople (entity user, entity):\n")
    for user in people[:PEOPLE_TOLD]:
        entity = directory.entities.get(user.entity_id)
        screen().say(f"{user.id}  {user.entity_id}  {user.login} of {entity.name if entity else 'nobody'}")
    if len(people) > PEOPLE_TOLD:
        screen().say(f"… and {len(people) - PEOPLE_TOLD} more on its page.")


@verb("demo", "Show in a few seconds what this package does. It runs a local Monite for that.")
def demo() -> Result:
    """Tell the life of one token: minted once, shared, and revoked at logout."""
    local = _emulator()
    anna = Principal("anna", session_id="demo")
    steps: dict[str, object] = {}

    def tell(name: str, value: object, sentence: str) -> None:
        steps[name] = value
        screen().say(sentence)

    with local.serve() as running:
        ledger = running.monite.ledger
        settings = Settings(
            client_id=local.DEMO_CLIENT_ID, client_secret=local.DEMO_CLIENT_SECRET, base_url=running.api_url
        )
        tell("url", running.url, f"A local Monite runs at {running.url}. Nothing leaves this machine.")
        with TokenBroker(settings, {"anna": EntityUser(local.ANNA_ID, local.BAKERY_ID)}) as broker:
            with ThreadPoolExecutor(AT_ONCE) as threads:
                tokens = list(threads.map(lambda _: broker.token(anna), range(AT_ONCE)))
            tell("requests", AT_ONCE, f"{AT_ONCE} requests of Anna's asked for her token at the same time.")
            minted = len(ledger.tokens)
            tell(
                "minted",
                minted,
                f"Monite was asked for {minted}, and each request got it: {tokens[0].value}.",
            )
            role = broker.role(anna).name
            tell("role", role, f"Monite enforces her own role with it: {role}.")
            payables = len(broker.client(anna).get(PAYABLES).json()["data"])
            tell("payables", payables, f"A call with it lists {payables} payables of her company.")
            broker.logout(anna)
            try:
                broker.token(anna)
            except SessionEnded as error:
                tell(
                    "after_logout",
                    error.code,
                    f"She logged out, and her session gets no token: {error.code}.",
                )
        alive = len(ledger.live(local.ANNA_ID))
        tell("alive", alive, f"Monite has revoked her token: {alive} are alive.")
    screen().say(
        "\nFor your application: monite-auth emulator runs that Monite until Ctrl-C, with a page that shows its tokens."
    )
    return Result(steps)


def _emulator() -> Any:
    """Return the emulator's package; raise Failure where its extra is not installed."""
    try:
        import monite_auth.emulator as local  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Failure(str(error)) from None
    return local
