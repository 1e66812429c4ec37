"""The Lua scripts: one for each operation, in `lua/`, with what they share put into each."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from monite_auth.tokens import SAFETY

__all__ = ["SCRIPTS", "Script"]

GRACE = 3600.0
"""Seconds that a key outlives its use: so late, a mint may still bring its token, and a drainer count what expired."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the name that the server knows it by once it has seen it."""

    source: str
    sha: str


def _load() -> dict[str, Script]:
    folder = files("monite_auth.stores.redis").joinpath("lua")
    shared = f"local SAFETY, GRACE = {SAFETY}, {GRACE}\n" + folder.joinpath("common.lua").read_text()
    scripts = {}
    for file in folder.iterdir():
        name, dot, kind = file.name.partition(".")
        if (dot + kind) == ".lua" and name != "common":
            first, _, rest = file.read_text().partition("\n")  # the shebang has to stay first
            source = f"{first}\n{shared}{rest}"
            scripts[name] = Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
    return scripts


SCRIPTS = _load()
