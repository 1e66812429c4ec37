"""The public names: what applications, and authors of stores and adapters, may rely on. docs/public-names.md lists them."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "public-names.md"


def listed() -> dict[str, list[str]]:
    """Read the names of each package from the first column of its table."""
    sections = re.findall(r"^## `([\w.]+)`$(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return {
        package: [
            name
            for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
            for name in re.findall(r"\w+", row)
        ]
        for package, text in sections
    }


def test_the_page_lists_the_packages_that_people_import():
    assert {"monite_auth", "monite_auth.errors", "monite_auth_django", "monite_auth_flask"} <= listed().keys()


@pytest.mark.parametrize(("package", "names"), listed().items(), ids=listed())
def test_the_public_names_are_those_of_the_page(package, names):
    module = importlib.import_module(package)
    assert sorted(module.__all__) == sorted(names)
    assert all(getattr(module, name) is not None for name in names)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        importlib.import_module("monite_auth").Nothing  # noqa: B018
