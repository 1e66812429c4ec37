"""The tables and functions of the store (`sql/`), and their version.

All lies in a schema of its own, `monite_auth`, and every name in a statement says so: no search path is asked. The first process to
come makes it; an advisory lock lets many that start at once make it once. Where the application's user may not create a schema,
somebody who may executes what `setup_script` returns before.
"""

import re
from collections.abc import Sequence
from importlib.resources import files

from monite_auth.errors import ConfigurationError
from monite_auth.identity import LEEWAY
from monite_auth.stores.bounds import MOST_ENDINGS, MOST_SESSIONS, MOST_SLOTS, MOST_SUPERSEDED
from monite_auth.stores.budget import CONSTANTS
from monite_auth.stores.postgres.errors import ANOTHER_KEY, CLOCK_SET
from monite_auth.stores.postgres.statements import CHANNEL, statement
from monite_auth.tokens import SAFETY

__all__ = ["READ_VERSION", "VERSION", "check_version", "script_of", "setup_script"]

STEPS = (("tables", "common", "tokens", "sessions", "revocations", "others", "budget"),)
"""The files of statements that lead from each version of the schema to the next, from none to the first. Those of a released version are
never changed."""

VERSION = len(STEPS)
"""The version of the schema that this package knows."""

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
    "CLOCK_SET": CLOCK_SET,
    "CHANNEL": CHANNEL,
    **CONSTANTS,
    # A lock of ours is held for some milliseconds. The server is to say that one is not free before the caller takes it for dead.
    "LOCK_TIMEOUT": "400ms",
    # A lease is remembered for so many seconds after it ran out: its holder may still come back with a token.
    "LATE": 60,
    # After so many expired revocations the next call goes on.
    "MOST_EXPIRED": 1000,
    # Seconds that an expired revocation is kept for a drainer to count.
    "UNCOUNTED": 3600,
    # Tokens or sessions in one step of `end_everything`: some ten milliseconds.
    "ENDING_STEP": 1000,
    # One claim in sixteen sweeps so many rows of each table: more than claims can add.
    "SWEEP_SHARE": 1 / 16,
    "SWEEP_LIMIT": 64,
}

READ_VERSION = statement("SELECT version FROM monite_auth.schema_version", "number")


def setup_script(version: int = VERSION) -> str:
    """Return the statements that bring the schema to a version, for one transaction; they do nothing where it is there already."""
    return script_of(["\n".join(_filled(name) for name in files) for files in STEPS[:version]])


def script_of(steps: Sequence[str]) -> str:
    """Return the statements that take those of these steps that were not taken yet."""
    return "\n".join(
        [
            f"SELECT pg_advisory_xact_lock({LOCKS});",
            "DO $monite_auth$ DECLARE v_version integer := 0; BEGIN",
            "IF to_regnamespace('monite_auth') IS NULL THEN CREATE SCHEMA monite_auth; END IF;",
            "IF to_regclass('monite_auth.schema_version') IS NOT NULL THEN",
            "v_version := (SELECT version FROM monite_auth.schema_version);",
            "END IF;",
            *(_step(version, body) for version, body in enumerate(steps, 1)),
            "END $monite_auth$;\n",
        ]
    )


def _step(version: int, body: str) -> str:
    return (
        f"IF v_version < {version} THEN EXECUTE $setup$\n{body}\n"
        f"INSERT INTO monite_auth.schema_version (version) VALUES ({version})\n"
        "ON CONFLICT (one) DO UPDATE SET version = excluded.version;\n$setup$;\nEND IF;"
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
