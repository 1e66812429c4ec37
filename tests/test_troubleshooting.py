"""docs/troubleshooting.md has every code of an error and of a refusal, and quotes the log as the code writes it."""

import ast
import re
from pathlib import Path

import pytest

from monite_auth import errors

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
ERRORS = {
    each.__dict__["code"]: each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, errors.MoniteAuthError)
}
LIBRARY = [
    path
    for folder in ("monite_auth", "integrations")
    for path in (ROOT / folder).rglob("*.py")
    if not {"emulator", "testing"} & {*path.parts}
]


def test_every_error_has_its_own_section():
    assert re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE) == [*list(dict.fromkeys(ERRORS))[1:], "error"]


@pytest.mark.parametrize("code", ERRORS)
def test_a_section_says_what_the_error_says(code):
    section = PAGE.split(f"\n### `{code}`\n")[1].partition("\n##")[0]
    error = ERRORS[code]
    assert section.startswith(f"\n{error.status_hint}, `{error.__name__}`")
    if error.status_hint != 500:
        assert f"“{error.public_message}”" in section
    for part in ("It means", "What to do", "The log says"):
        assert f"\n- **{part}:** " in section


def test_every_refusal_of_an_endpoint_has_a_line():
    source = "".join(path.read_text() for path in LIBRARY)
    refusals = dict(re.findall(r'problem\(\s*(?=\d+,\s*"(\w+)")(\d+)', source))
    refusals |= dict.fromkeys(re.findall(r'_refuse_answer\(response, "(\w+)"', source), "502")
    lines = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert lines == {code: status for code, status in refusals.items() if code not in ERRORS}


def test_the_log_is_quoted_as_it_is_written():
    written = [
        node.value
        for path in LIBRARY
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    told = "".join(re.findall(r"^- \*\*The log says:\*\*(.*)", PAGE, re.MULTILINE))
    quotes = re.findall(r"`([^`]+)`", told)
    assert quotes
    for quote in quotes:
        pattern = re.sub(r"\d+", "%d", quote)
        assert any(pattern in text for text in written), quote
