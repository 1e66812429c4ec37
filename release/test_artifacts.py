"""The wheel and the sdist: their metadata, what is in them and what is not, and the one place that has the version."""

import email
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

from release.environments import PROJECT, ROOT, run

LARGEST_WHEEL = 1_000_000
"""Bytes. It is two thirds of that now: more is a file that got in by mistake."""


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def in_git(*folders: str) -> set[str]:
    """Return the files that the repository has in these folders."""
    listed = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, check=True)
    return {name.decode() for name in listed.stdout.split(b"\0") if name}


def test_the_build_makes_one_wheel_and_one_sdist_of_the_version(dist, wheel, sdist):
    assert {each for each in dist.iterdir() if not each.name.endswith(".json")} == {wheel, sdist}


def test_twine_finds_nothing_wrong_with_the_metadata(wheel, sdist):
    run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist), folder=ROOT)


def test_the_wheel_has_every_file_of_its_packages_and_nothing_else(wheel):
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    wanted = {name.removeprefix("integrations/") for name in in_git(*configured["packages"])}
    assert {name for name in names_in(wheel) if ".dist-info/" not in name} == wanted
    for package in configured["packages"]:
        assert f"{Path(package).name}/py.typed" in wanted


def test_no_test_and_no_example_is_in_the_wheel(wheel):
    roots = {name.partition("/")[0] for name in names_in(wheel)}
    assert not roots & {"tests", "examples", "benchmarks", "release", "docs", "integrations"}
    assert not [name for name in names_in(wheel) if re.search(r"(^|/)(test_[^/]*|conftest)\.py$", name)]


def test_the_wheel_has_the_files_that_are_not_python(wheel):
    kinds = {Path(name).suffix for name in names_in(wheel) if ".dist-info/" not in name}
    assert kinds == {".py", ".typed", ".lua", ".sql", ".txt", ".html", ".css", ".js"}


def test_the_sdist_has_what_the_tests_of_a_distribution_need(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("monite_auth", "integrations", "tests", "examples", "docs", "benchmarks"):
        assert {name for name in in_git(folder) if name not in names} == set(), folder
    assert {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "Makefile", "constraints.txt"} <= names


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_the_metadata_says_what_pyproject_says(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert set(metadata.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])


def test_pytest_finds_the_plugin(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/entry_points.txt")]
        text = archive.read(name).decode()
    assert "[pytest11]\nmonite_auth = monite_auth.pytest_plugin" in text
    assert "monite_auth/pytest_plugin.py" in names_in(wheel)


def test_the_version_is_in_one_place():
    """A number that stands twice is wrong once: code and documents ask the installed package's metadata."""
    version = re.compile(rf"(?<![\d.]){re.escape(PROJECT['version'])}(?![\d.])")
    found = {
        name
        for name in in_git(".")
        if Path(name).suffix in {".py", ".toml", ".md", ".txt", ".yml", ""}
        and not name.startswith(("examples/react/", "constraints.txt"))
        and version.search((ROOT / name).read_text(encoding="utf-8"))
    }
    assert found - {"CHANGELOG.md"} == {"pyproject.toml"}
