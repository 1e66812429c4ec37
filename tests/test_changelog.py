"""CHANGELOG.md keeps to Keep a Changelog (https://keepachangelog.com/en/1.1.0/), so that people and programs can read it."""

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
HEADING = re.compile(
    r"\[(Unreleased)\]|\[(\d+)\.(\d+)\.(\d+)((?:(?:a|b|rc)\d+)?)\] - (\d{4}-\d\d-\d\d)( \[YANKED\])?"
)


def check(text: str, version: str) -> None:
    """Raise AssertionError where the text is no changelog, or `version` is older than its newest release."""
    title, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    assert title.startswith("# Changelog\n")
    assert "https://keepachangelog.com" in title
    headings = [heading(section.partition("\n")[0]) for section in sections]
    assert headings[0] is None, "Unreleased comes first, even if there is nothing in it yet"
    releases = [each for each in headings if each is not None]
    assert len(releases) == len(headings) - 1
    assert releases == sorted({*releases}, reverse=True), "the newest comes first"
    days = [each.day for each in releases]
    assert days == sorted(days, reverse=True)
    if releases:
        assert version == ".".join(map(str, releases[0].number)) + releases[0].before
    for section in sections:
        check_section(section)


class Release(NamedTuple):
    """A release in the order of SemVer: `1.0.0rc1` comes before `1.0.0`."""

    number: tuple[int, ...]
    is_final: bool
    before: str
    day: dt.date


def heading(line: str) -> Release | None:
    """Return the release that a heading names, or None for what is unreleased."""
    found = HEADING.fullmatch(line)
    assert found is not None, line
    if found[1]:
        return None
    return Release(
        tuple(int(found[n]) for n in (2, 3, 4)), found[5] == "", found[5], dt.date.fromisoformat(found[6])
    )


def check_section(section: str) -> None:
    """Raise AssertionError where a release has other kinds of changes, one of them twice, an empty one, or loose text."""
    rest, *kinds = re.split(r"^### ", section, flags=re.MULTILINE)
    assert rest.partition("\n")[2].strip() == "", "everything stands under a kind"
    names = [kind.partition("\n")[0] for kind in kinds]
    assert names == [name for name in KINDS if name in names], names
    for kind in kinds:
        entries = kind.partition("\n")[2].strip("\n").split("\n")
        assert entries[0].startswith("- ")
        assert all(line.startswith(("- ", "  ")) or not line for line in entries), kind


def test_the_changelog_keeps_to_its_format():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    check((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), project["version"])


TITLE = "# Changelog\n\nThe format is that of [Keep a Changelog](https://keepachangelog.com).\n\n"
FIRST = "## [1.0.0] - 2026-11-26\n\n### Added\n- A thing.\n"


@pytest.mark.parametrize(
    "sections",
    [
        FIRST,  # no Unreleased
        "## [Unreleased]\n\n## [1.0.0] - yesterday\n\n### Added\n- A thing.\n",
        "## [Unreleased]\n\n### Improved\n- A thing.\n",
        "## [Unreleased]\n\n### Fixed\n- A thing.\n\n### Added\n- A thing.\n",
        "## [Unreleased]\n\n### Added\n",
        "## [Unreleased]\n\nA thing.\n",
        "## [Unreleased]\n\n## [0.9.0] - 2026-11-25\n\n### Fixed\n- A thing.\n\n" + FIRST,
        "## [Unreleased]\n\n## [1.1.0] - 2026-11-27\n\n### Fixed\n- A thing.\n\n"
        + FIRST,  # not the package's version
    ],
)
def test_a_changelog_that_does_not_is_found(sections):
    with pytest.raises(AssertionError):
        check(TITLE + sections, "1.0.0")


def test_a_changelog_with_a_release_is_accepted():
    check(TITLE + "## [Unreleased]\n\n" + FIRST, "1.0.0")
