"""The Lua scripts, from `lua/`; each has what it uses of `common.lua` put into it, and other scripts that it runs. Comments stay here."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

from monite_auth.stores.bounds import MOST_ENDINGS, MOST_SESSIONS, MOST_SLOTS, MOST_SUPERSEDED
from monite_auth.tokens import SAFETY

__all__ = ["SCRIPTS", "Script"]

GRACE = 3600.0
"""Seconds that a key outlives its use: until then a late mint may bring its token, and a drainer count expired revocations."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and the digest by which the server knows it once it has seen it."""

    name: str
    source: str
    sha: str


def _load() -> dict[str, Script]:
    folder = files("monite_auth.stores.redis").joinpath("lua")
    numbers = {
        "SAFETY": SAFETY,
        "GRACE": GRACE,
        "MOST_SUPERSEDED": MOST_SUPERSEDED,
        "MOST_SLOTS": MOST_SLOTS,
        "MOST_SESSIONS": MOST_SESSIONS,
        "MOST_ENDINGS": MOST_ENDINGS,
    }
    shared = [f"local {name} = {number}\n" for name, number in numbers.items()]
    shared += re.findall(r"^local .*\n(?:(?!local).*\n)*", _code("common.lua"), flags=re.MULTILINE)
    scripts = {}
    for file in folder.iterdir():
        name, dot, kind = file.name.partition(".")
        if (dot + kind) == ".lua" and name != "common":
            first, _, rest = _code(file.name).partition("\n")  # the shebang has to stay in front
            rest = "".join(map(_as_function, re.findall(r"\brun_(\w+)\(", rest))) + rest
            for definition in reversed(shared):  # each may use those before it
                if any(re.search(rf"\b{each}\b", rest) for each in _names(definition)):
                    rest = definition + rest
            source = f"{first}\n{rest}"
            scripts[name] = Script(
                name, source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
            )
    return scripts


def _as_function(name: str) -> str:
    """Return a script as a function that another one can run over some of its keys and arguments."""
    _, _, rest = _code(f"{name}.lua").partition("\n")
    return f"local function run_{name}(KEYS, ARGV)\n{rest}end\n"


def _code(name: str) -> str:
    """Return a file of `lua/` without its comments."""
    text = files("monite_auth.stores.redis").joinpath("lua", name).read_text()
    return re.sub(r"^ *--.*\n", "", text, flags=re.MULTILINE)


def _names(definition: str) -> list[str]:
    """Return what a `local` statement defines: one function, or several values."""
    return re.findall(
        r"\w+", re.split(r"[(=]", definition.removeprefix("local function").removeprefix("local"))[0]
    )


SCRIPTS = _load()
