"""The tables and functions of the store (`sql/`), and their version.

All lies in a schema of its own, `monite_auth`, and every name in a statement says so: no search path is asked. The first process to
come makes it; an advisory lock lets many that start at once make it once. Where the application's user may not create a schema,
somebody who may executes what `setup_script` returns before.
"""

import re
from importlib.resources import files

from monite_auth.errors import ConfigurationError
from monite_auth.identity import LEEWAY
from monite_auth.stores.bounds import MOST_ENDINGS, MOST_SESSIONS, MOST_SLOTS, MOST_SUPERSEDED
from monite_auth.stores.postgres.errors import ANOTHER_KEY
from monite_auth.stores.postgres.statements import statement
from monite_auth.tokens import SAFETY

__all__ = ["READ_VERSION", "VERSION", "check_version", "setup_script"]

VERSION = 1
"""The version of the schema. Each has its own statements; a released one is never changed."""

LOCKS = 6_081_477_105_014_735_872
"""The seeds of our advisory locks: "Tfor…", so that those of other programs are hardly ever the same."""

NUMBERS = {
    "SAFETY": SAFETY,
    "LEEWAY": LEEWAY,
    "MOST_SUPERSEDED": MOST_SUPERSEDED,
    "MOST_SLOTS": MOST_SLOTS,
    "MOST_SESSIONS": MOST_SESSIONS,
    "MOST_ENDINGS": MOST_ENDINGS,
    "LOCKS": LOCKS,
    "ANOTHER_KEY": ANOTHER_KEY,
    # A lock of ours is held for some milliseconds. The server is to say that one is not free before the caller takes it for dead.
    "LOCK_TIMEOUT": "400ms",
    # A lease is remembered for so many seconds after it ran out: its holder may still come back with a token.
    "LATE": 60,
    # After so many expired revocations the next call goes on.
    "MOST_EXPIRED": 1000,
    # Seconds that an expired revocation is kept for a drainer to count.
    "UNCOUNTED": 3600,
    # One claim in sixteen sweeps so many rows of each table: more than claims can add.
    "SWEEP_SHARE": 1 / 16,
    "SWEEP_LIMIT": 64,
}

FILES = ("tables", "common", "tokens", "sessions", "revocations", "others")

READ_VERSION = statement("SELECT version FROM monite_auth.schema_version", "number")


def setup_script() -> str:
    """Return the statements that make the schema, for one transaction; they do nothing where it is there already."""
    body = "\n".join(_filled(name) for name in FILES)
    return (
        f"SELECT pg_advisory_xact_lock({LOCKS});\n"
        "DO $monite_auth$ BEGIN IF to_regclass('monite_auth.schema_version') IS NULL THEN\n"
        "EXECUTE $setup$\nCREATE SCHEMA IF NOT EXISTS monite_auth;\n"
        f"{body}\nINSERT INTO monite_auth.schema_version (version) VALUES ({VERSION});\n$setup$;\n"
        "END IF; END $monite_auth$;\n"
    )


def check_version(version: int, where: str) -> None:
    """Raise ConfigurationError where the schema is of another version than this package knows."""
    if version != VERSION:
        raise ConfigurationError(
            f"The token store in PostgreSQL at {where} was made by a newer monite-auth (schema {version}; this one knows {VERSION}). "
            "Install that version here too, or choose another MONITE_STORE_URL."
        )


def _filled(name: str) -> str:
    text = files("monite_auth.stores.postgres").joinpath("sql", f"{name}.sql").read_text()
    return re.sub(r"\{([A-Z_]+)\}", lambda found: str(NUMBERS[found[1]]), text)
