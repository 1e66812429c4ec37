"""Where results go: as JSON for programs, as text for people; with rich's tables and progress bars where it is installed.

Results go to stdout; errors, questions and progress go to stderr, so that a pipe gets results only.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import click

from monite_auth.cli.application import Application, application
from monite_auth.cli.results import Part, Result, Table, plain_text

__all__ = ["JSON", "Screen", "screen", "write_error"]

JSON = "monite_auth.cli.json"
"""Where click's context says whether programs read the output."""

Each = TypeVar("Each")


class Screen:
    """Writes for people, line by line."""

    def __init__(self, of: Application) -> None:
        self._out = of.stdout or sys.stdout
        self._err = of.stderr or sys.stderr

    def say(self, part: Part) -> None:
        """Tell people something that is not the end yet; programs get it with the result."""
        click.echo(plain_text(part), file=self._out)

    def show(self, result: Result) -> None:
        """Write the result."""
        for part in result.parts:
            self.say(part)

    @contextmanager
    def live(self) -> Iterator[Callable[[Result], None]]:
        """Hand out a function that shows a result in the place of the one before; a plain screen writes one after the other."""
        yield self.show

    def progress(self, doing: str, items: Sequence[Each]) -> AbstractContextManager[Iterable[Each]]:
        """Return the items, and show how many are done."""
        if not self._err.isatty():
            return nullcontext(items)
        return click.progressbar(items, label=doing, file=self._err)


class _ForPrograms(Screen):
    """Writes one JSON document for each result."""

    def say(self, part: Part) -> None:
        """Leave it to the result."""

    def show(self, result: Result) -> None:
        """Write the result."""
        click.echo(json.dumps(result.data, indent=2, ensure_ascii=False), file=self._out)

    @contextmanager
    def live(self) -> Iterator[Callable[[Result], None]]:
        """Hand out a function that writes a result in one line."""
        yield lambda result: click.echo(json.dumps(result.data, ensure_ascii=False), file=self._out)

    def progress(self, doing: str, items: Sequence[Each]) -> AbstractContextManager[Iterable[Each]]:  # noqa: ARG002
        """Return the items."""
        return nullcontext(items)


class _Rich(Screen):
    """Writes to a terminal, with rich."""

    def __init__(self, of: Application, rich: Any) -> None:
        super().__init__(of)
        self._console = rich.Console(file=self._out)
        self._progress = rich.Console(file=self._err)

    def say(self, part: Part) -> None:
        """Write a sentence as it is, and a table with lines."""
        if isinstance(part, str):
            super().say(part)
        else:
            self._console.print(_rich_table(part))

    @contextmanager
    def live(self) -> Iterator[Callable[[Result], None]]:
        """Hand out a function that shows a result in the place of the one before."""
        from rich.console import Group  # noqa: PLC0415 - an extra
        from rich.live import Live  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        with Live(console=self._console, auto_refresh=False) as shown:

            def show(result: Result) -> None:
                parts = [Text(each) if isinstance(each, str) else _rich_table(each) for each in result.parts]
                shown.update(Group(*parts), refresh=True)

            yield show

    def progress(self, doing: str, items: Sequence[Each]) -> AbstractContextManager[Iterable[Each]]:
        """Return the items, and show a bar."""
        from rich.progress import track  # noqa: PLC0415 - an extra

        hidden = not self._err.isatty()
        return nullcontext(track(items, doing, console=self._progress, transient=True, disable=hidden))


def _rich_table(table: Table) -> Any:
    from rich.table import Table as RichTable  # noqa: PLC0415 - an extra
    from rich.text import Text  # noqa: PLC0415

    drawn = RichTable(*table.headings)
    for row in table.printable_rows:
        drawn.add_row(*(Text(cell) for cell in row))  # as text: Monite's names may look like rich's markup
    return drawn


def screen() -> Screen:
    """Return the screen of the running command."""
    of = application()
    if click.get_current_context().meta.get(JSON):
        return _ForPrograms(of)
    if (of.stdout or sys.stdout).isatty():
        try:
            from rich import console as rich  # noqa: PLC0415 - an extra
        except ImportError:
            return Screen(of)
        return _Rich(of, rich)
    return Screen(of)


def write_error(said: dict[str, Any], file: Any) -> None:
    """Write an error for programs."""
    click.echo(json.dumps({"error": said}, ensure_ascii=False), file=file, err=file is None)
