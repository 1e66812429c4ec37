"""How results look: for programs, on a plain terminal, and on one where rich is installed."""

import io
import json

import click
import pytest

from monite_auth.cli import Application
from monite_auth.cli.application import use
from monite_auth.cli.results import Result, Table
from monite_auth.cli.screen import JSON, screen

TABLE = Table(("id", "name"), [("1", "[bold]Nina[/bold]"), ("22", "Otto")])
RESULT = Result({"name": "Müller"}, ["Two people:", TABLE])


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Here(Application):
    def broker(self):
        raise AssertionError("A screen needs no broker.")

    def __init__(self, kind):
        self.stdout, self.stderr = kind(), kind()


@pytest.fixture
def shown():
    """Return a function that lets something happen on a screen, and returns what is on stdout and on stderr."""

    def on(kind, act, *, for_programs=False):
        here = Here(kind)
        with click.Context(click.Command("test")) as context:
            use(context, here)
            context.meta[JSON] = for_programs
            act(screen())
        return here.stdout.getvalue(), here.stderr.getvalue()

    return on


def test_a_pipe_gets_aligned_text(shown):
    out, _ = shown(io.StringIO, lambda screen: screen.show(RESULT))
    assert out == "Two people:\nid  name\n1   [bold]Nina[/bold]\n22  Otto\n"


@pytest.mark.parametrize("with_rich", [True, False])
def test_a_name_cannot_move_the_cursor_or_break_a_row(shown, monkeypatch, with_rich):
    if not with_rich:
        monkeypatch.setitem(__import__("sys").modules, "rich", None)
    table = Table(("name",), [("Lea\nLang\x1b[2J\x9b1m",)])
    out, _ = shown(Terminal, lambda screen: screen.show(Result({}, [table])))
    assert "Lea Lang [2J 1m" in out


def test_programs_get_one_document_and_no_sentences(shown):
    def act(screen):
        screen.say("Wait.")
        screen.show(RESULT)

    out, err = shown(io.StringIO, act, for_programs=True)
    assert (json.loads(out), err) == ({"name": "Müller"}, "")
    assert "Müller" in out


def test_a_terminal_gets_richs_table_with_names_as_they_are(shown):
    out, _ = shown(Terminal, lambda screen: screen.show(RESULT))
    assert "┏" in out
    assert "[bold]Nina[/bold]" in out


def test_a_terminal_without_rich_gets_text(shown, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rich", None)
    out, _ = shown(Terminal, lambda screen: screen.show(RESULT))
    assert "┏" not in out
    assert "22  Otto" in out


@pytest.mark.parametrize("with_rich", [True, False])
def test_progress_is_shown_on_a_terminal_only_and_never_on_stdout(shown, monkeypatch, with_rich):
    if not with_rich:
        monkeypatch.setitem(__import__("sys").modules, "rich", None)
    seen = []

    def act(screen):
        with screen.progress("People", [1, 2, 3]) as items:
            seen.extend(items)

    out, err = shown(Terminal, act)
    assert (seen, out) == ([1, 2, 3], "")
    assert "People" in err
    assert shown(io.StringIO, act) == ("", "")
    assert shown(Terminal, act, for_programs=True) == ("", "")


def test_a_live_table_is_replaced_on_a_terminal_and_repeated_in_a_pipe(shown):
    def act(screen):
        with screen.live() as show:
            show(RESULT)
            show(RESULT)

    out, _ = shown(Terminal, act)
    assert "\x1b[" in out  # the cursor goes back up
    assert shown(io.StringIO, act)[0].count("Two people:") == 2
    lines = shown(io.StringIO, act, for_programs=True)[0].splitlines()
    assert [json.loads(each) for each in lines] == [{"name": "Müller"}] * 2
