"""Makes the site from the pages of this folder: `make docs` writes it to build/docs. The pages stay readable on GitHub as they are.

Nothing here needs a network, and no page of the site asks for anything from another host.
"""

import importlib
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "integrations")]

# Django's models want a configured project.
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "monite_auth_django"]
)
django.setup()
# Imported here, and not by autodoc, which imports again as if for a type checker: Monite's SDK does not stand that.
importlib.import_module("monite_auth.sdk")

project = "monite-auth"
author = "The monite-auth authors"
copyright = "the monite-auth authors, MIT license"  # noqa: A001  (Sphinx' name for it)
version = release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
nitpicky = True

# Headings are link targets under the names that GitHub gives them, so that a link works in both places.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"monite-auth {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "source_repository": "https://github.com/monite-auth/monite-auth/",
    "source_branch": "main",
    "source_directory": "docs/",
}
pygments_style, pygments_dark_style = "friendly", "monokai"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
# Docstrings are plain sentences with `names` in them.
default_role = "code"
# A signature names types of the standard library, of httpx and of our private parts: they have no page here.
nitpick_ignore_regex = [("py:.*", r".*")]


def link_files_to_the_repository(app: Sphinx, docname: str, source: list[str]) -> None:  # noqa: ARG001
    """Let a page's links to files outside of docs/ lead to the repository, where those files are shown."""
    blob = "https://github.com/monite-auth/monite-auth/blob/main/"
    source[0] = re.sub(r"\]\(\.\./(?!docs/)", f"]({blob}", source[0])


def shape_docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG001
    """Give Sphinx a docstring as it wants it: each argument a paragraph, and `::` before code.

    Of a package only the first paragraph is for readers of the site. The rest says where things are in the code.
    """
    if what == "module":
        del lines[lines.index("") if "" in lines else len(lines) :]
    shaped: list[str] = []
    is_code = False
    for line in lines:
        before = shaped[-1].strip() if shaped else ""
        if line.strip():
            was_code, is_code = is_code, line.startswith("    ") and (is_code or not before)
            if is_code and not was_code:
                shaped += ["::", ""]
            elif before and re.match(r"`\w+`(, `\w+`)*: ", line):
                shaped.append("")
        shaped.append(line)
    lines[:] = [*shaped, ""]


def setup(app: Sphinx) -> None:
    """Register what is above."""
    app.connect("source-read", link_files_to_the_repository)
    app.connect("autodoc-process-docstring", shape_docstring)
