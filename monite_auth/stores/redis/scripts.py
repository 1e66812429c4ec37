"""The Lua scripts, from `lua/`; `common.lua` is put into each of them. Comments stay here."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from monite_auth.stores.bounds import MOST_SUPERSEDED
from monite_auth.tokens import SAFETY

__all__ = ["SCRIPTS", "Script"]

GRACE = 3600.0
"""Seconds that a key outlives its use: until then a late mint may bring its token, and a drainer count expired revocations."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the digest by which the server knows it once it has seen it."""

    source: str
    sha: str


def _load() -> dict[str, Script]:
    folder = files("monite_auth.stores.redis").joinpath("lua")
    numbers = {"SAFETY": SAFETY, "GRACE": GRACE, "MOST_SUPERSEDED": MOST_SUPERSEDED}
    shared = (
        f"local {', '.join(numbers)} = {', '.join(map(str, numbers.values()))}\n"
        + folder.joinpath("common.lua").read_text()
    )
    scripts = {}
    for file in folder.iterdir():
        name, dot, kind = file.name.partition(".")
        if (dot + kind) == ".lua" and name != "common":
            first, _, rest = file.read_text().partition("\n")  # the shebang has to stay in front
            source = re.sub(r"^ *--.*\n", "", f"{first}\n{shared}{rest}", flags=re.MULTILINE)
            scripts[name] = Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
    return scripts


SCRIPTS = _load()
