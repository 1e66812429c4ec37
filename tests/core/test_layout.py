"""The top of the package shows a newcomer the public words and the wings, and each wing says whether it is private."""

import ast
import re
from pathlib import Path

import pytest

import monite_auth

PACKAGE = Path(monite_auth.__file__).parent
WORDS = {
    "__init__",
    "__main__",
    "broker",
    "errors",
    "functions",
    "identity",
    "pytest_plugin",
    "sdk",
    "settings",
    "tokens",
}
WINGS = sorted(each.parent.name for each in PACKAGE.glob("*/__init__.py"))


def docstring(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text())) or ""


def test_the_top_has_the_public_words_and_the_wings_and_nothing_else():
    assert {each.stem for each in PACKAGE.glob("*.py")} == WORDS


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_says_what_it_is_and_whether_it_is_private(wing):
    said = docstring(PACKAGE / wing / "__init__.py").lower()
    assert "private" in said or "public" in said


@pytest.mark.parametrize("name", [*WINGS, *sorted(WORDS - {"__init__", "__main__"})])
def test_the_package_introduces_each_of_them(name):
    assert f"`{name}`" in docstring(PACKAGE / "__init__.py")


SOURCES = [PACKAGE, *(Path(__file__).parents[2] / "integrations").glob("monite_auth_*")]


@pytest.mark.parametrize("folder", SOURCES, ids=lambda folder: folder.name)
def test_no_comment_stands_behind_a_bracket_that_closes(folder):
    """A formatter puts it there when a line is too long, and nobody sees any more what it explains."""
    behind = re.compile(r"^\s*[])}][^\n\"'#]*#(?! (noqa|type:))", re.MULTILINE)
    assert [str(each) for each in folder.rglob("*.py") if behind.search(each.read_text())] == []


@pytest.mark.parametrize("wing", ["engine", "emulator"])
def test_the_large_wings_introduce_each_of_their_files_and_folders(wing):
    said = docstring(PACKAGE / wing / "__init__.py")
    inside = {each.stem for each in (PACKAGE / wing).glob("*.py")} - {"__init__"}
    inside |= {each.parent.name for each in (PACKAGE / wing).glob("*/__init__.py")}
    assert [each for each in sorted(inside) if f"`{each}`" not in said] == []


@pytest.mark.parametrize(
    "file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE))
)
def test_every_file_says_what_it_is_for(file):
    assert docstring(file)
