"""The kinds of stores, by the scheme of their URLs. What a kind needs is imported when it is chosen.

A package that brings a kind of its own names it in its pyproject.toml:

    [project.entry-points."monite_auth.stores"]
    etcd = "monite_auth_etcd:EtcdStore.from_settings"

or calls `register("etcd", EtcdStore.from_settings)`, for tests and for applications. Either way `MONITE_STORE_URL=etcd://…`
chooses it: the function is called with the Settings and the clock of tokens, and returns a Store.
"""

import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from monite_auth.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

__all__ = ["GROUP", "find", "is_known", "register", "unknown_scheme"]

GROUP = "monite_auth.stores"
"""The entry point group in which other packages name their stores."""

MakeStore = Callable[..., Any]
"""Takes the Settings and a Clock, and returns a Store. This module is below all three."""

_KINDS: dict[str, str | MakeStore] = {
    "memory": "monite_auth.stores.memory:MemoryStore.from_settings",
    "sqlite": "monite_auth.stores.sqlite:SQLiteStore.from_settings",
    **dict.fromkeys(
        ["redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"],
        "monite_auth.stores.redis:RedisStore.from_settings",
    ),
    **dict.fromkeys(["postgresql", "postgres"], "monite_auth.stores.postgres:PostgresStore.from_settings"),
}


def register(scheme: str, make_store: MakeStore) -> None:
    """Have `scheme://…` choose a kind of store.

    `make_store`: called with the Settings and the clock of tokens; returns a Store.

    Raises ValueError when the scheme belongs to another kind.
    """
    scheme = scheme.lower()
    # Compared by equality, since a class method is a new object each time.
    if _KINDS.setdefault(scheme, make_store) != make_store:
        raise ValueError(f"Another kind of store is registered for {scheme}://.")


def is_known(scheme: str) -> bool:
    """Say whether a kind of store is registered for the scheme; imports nothing of it."""
    return scheme in _KINDS or bool(_of_other_packages().select(name=scheme))


def find(scheme: str) -> MakeStore:
    """Return what makes the stores of `scheme://…`.

    Raises ConfigurationError when no kind is registered for it, and ImportError when what the kind needs is not installed.
    """
    kind = _KINDS.get(scheme)
    if kind is None:
        found = _of_other_packages().select(name=scheme)
        if not found:
            raise ConfigurationError(unknown_scheme())
        kind = next(iter(found)).load()
    make_store: MakeStore = pkgutil.resolve_name(kind) if isinstance(kind, str) else kind
    return make_store


def unknown_scheme() -> str:
    """Return what is wrong with a store URL of no known kind. It is not repeated, since it may hold a password."""
    schemes = dict.fromkeys([*_KINDS, *sorted(_of_other_packages().names)])
    return (
        f"store_url begins with {', '.join(f'{each}://' for each in schemes)}. Another kind of store comes with a package: "
        f"install the one that registers its scheme in the entry point group {GROUP}."
    )


def _of_other_packages() -> "EntryPoints":
    from importlib.metadata import entry_points  # noqa: PLC0415 - it is slow, and our own kinds need none

    return entry_points(group=GROUP)
