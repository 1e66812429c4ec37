"""Detects placeholder secrets, and secrets written as literals in the settings module."""

import ast
import importlib.util
import re
import sys
from pathlib import Path

from monite_auth import Secret
from monite_auth.adapter import discreet

__all__ = ["is_placeholder", "modules_with_literal"]

PLACEHOLDER = re.compile(
    r"""(?xi) ^ (
        [<\[{].*[>\]}] | [.…*x?-]+ | todo.* | fixme.* | none | null | (client[_-]?)?secret
        | .*(change|replace)[_ -]?(me|this|it).* | (your|my|the|some|dummy|fake|example|placeholder)[_ -].* | placeholder
        | (test|dummy|fake|example)([_ -]?(secret|id))?
    ) $"""
)


def is_placeholder(value: object) -> bool:
    """Return whether a value is a placeholder, as a template has it where an ID or a secret belongs."""
    return PLACEHOLDER.match(text_of(value)) is not None


def text_of(value: object) -> str:
    """Return the text of an ID or a secret, given as text or as a Secret."""
    return (value.reveal() if isinstance(value, Secret) else str(value)).strip()


@discreet
def modules_with_literal(module: str | None, secret: object) -> list[str]:
    """Return the names of the modules that have `secret` as a literal: of `module`, and of all that it star-imports."""
    secret = text_of(secret)
    if not module or not secret:
        return []
    found, seen, ahead = [], set(), [module]
    while ahead:
        name = ahead.pop()
        tree = None if name in seen else _tree(name)
        seen.add(name)
        if tree is None:
            continue
        nodes = list(ast.walk(tree))
        if any(isinstance(node, ast.Constant) and _is_secret(node.value, secret) for node in nodes):
            found.append(name)
        ahead += [
            _absolute(node, name)
            for node in nodes
            if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
        ]
    return found


def _is_secret(value: object, secret: str) -> bool:
    """Return whether a literal is the secret. The whole text is compared: a longer one may contain a short secret by chance."""
    return value in (secret, secret.encode()) if isinstance(value, str | bytes) else False


def _absolute(node: ast.ImportFrom, importer: str) -> str:
    if not node.level:
        return node.module or ""
    module = sys.modules.get(importer)
    package = getattr(module, "__package__", None) or importer.rpartition(".")[0]
    return importlib.util.resolve_name("." * node.level + (node.module or ""), package)


def _tree(name: str) -> ast.Module | None:
    """Return the module's syntax tree; None where there is no source to read."""
    path = getattr(sys.modules.get(name), "__file__", None)
    if path is None or not path.endswith(".py"):
        return None
    try:
        return ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError):
        return None
