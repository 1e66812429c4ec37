"""People of a CSV file, to be found or created in Monite: what `users provision` does, by `monite_auth.provisioning`."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from monite_auth.broker import TokenBroker
from monite_auth.errors import (
    ConfigurationError,
    CredentialsRejected,
    MoniteUnavailable,
    ProvisioningFailed,
    RateLimited,
    StoreUnavailable,
)
from monite_auth.identity import Principal
from monite_auth.provisioning import Profile, ProvisioningDirectory

__all__ = ["COLUMNS", "People", "Row", "provision_people", "read_people", "write_failed"]

REQUIRED = ("login", "first_name", "role")
COLUMNS = (*REQUIRED, "last_name", "email", "entity", "user", "tenant")
"""The columns of a file. `user` is the application's own user id, by default the login."""

ERROR = "error"
"""The column that a report of failed rows has besides, and that is not read."""


@dataclass(frozen=True, slots=True)
class Row:
    """One person of the file. `line` is where it begins in the file, from 1, which is the headings'."""

    line: int
    fields: dict[str, str]

    @property
    def login(self) -> str:
        """The person's login, or nothing."""
        return self.fields.get("login", "")

    def principal(self) -> Principal:
        """Return the principal whom the person is in the application; raise ValueError where nobody is named."""
        return Principal(self.fields.get("user") or self.login, self.fields.get("tenant") or None)

    def profile(self) -> Profile:
        """Return the profile that the person should have; raise ValueError for what cannot be meant."""
        named = {name: value for name, value in self.fields.items() if name in COLUMNS[:6] and value}
        missing = [name for name in (*REQUIRED, "entity") if name not in named]
        if missing:
            raise ValueError(f"There is no {' and no '.join(missing)}.")
        return Profile(**named)


@dataclass(slots=True)
class People:
    """What became of the rows. `stopped`: the line that no row was worked on from, and why."""

    changed: list[tuple[str, str, str]] = field(default_factory=list)
    unchanged: int = 0
    failed: list[tuple[Row, str]] = field(default_factory=list)
    stopped: tuple[int, str] | None = None

    @property
    def done(self) -> int:
        """How many rows were worked on."""
        return len(self.changed) + self.unchanged + len(self.failed)


def read_people(path: Path, *, default_entity: str | None) -> list[Row]:
    """Read the rows of a CSV file; raise ConfigurationError where it is none, or has other columns."""
    lead = f"{path} is no file of people:"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"it cannot be read ({error}).", lead=lead) from None
    head = text.partition("\n")[0]
    # Spreadsheets separate by semicolons where numbers are written as 1,5.
    delimiter = ";" if ";" in head and "," not in head else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = [each.strip() for each in reader.fieldnames or ()]
    reader.fieldnames = columns
    problems = [f"It has no column {each}." for each in REQUIRED if each not in columns]
    strange = [each for each in columns if each not in (*COLUMNS, ERROR)]
    if strange:
        problems.append(
            f"Columns {', '.join(map(repr, strange))} mean nothing; columns are {', '.join(COLUMNS)}."
        )
    if problems:
        raise ConfigurationError(*problems, lead=lead)
    rows, line = [], reader.line_num + 1
    try:
        for found in reader:
            if None in found:
                problems.append(
                    f"Line {line} has more fields than there are columns: put a field with a {delimiter!r} in it in "
                    "double quotes."
                )
            fields = {name: value.strip() for name, value in found.items() if name in COLUMNS and value}
            if fields:
                rows.append(Row(line, {**({"entity": default_entity} if default_entity else {}), **fields}))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ConfigurationError(f"Line {reader.line_num}: {error}.", lead=lead) from None
    if problems:
        raise ConfigurationError(*problems, lead=lead)
    return rows


def provision_people(broker: TokenBroker, rows: Iterable[Row], people: People, *, is_plan: bool) -> None:
    """Find or create each person, and note in `people` what became of them; where `is_plan`, change nothing.

    A row that Monite refuses fails alone. Where Monite or the store cannot be asked, and at Ctrl-C, it stops at that row.
    """
    profiles: dict[Principal, Profile] = {}
    lines: dict[tuple[object, str], int] = {}

    def checked(row: Row) -> tuple[Principal, Profile]:
        profile, principal = row.profile(), row.principal()
        first = lines.setdefault((profile.entity, profile.login), row.line)
        if first != row.line:  # each run would undo what the other row did
            raise ValueError(f"Line {first} is about this login in the same entity, too.")
        return principal, profile

    directory = ProvisioningDirectory(profiles.get)
    directory.bind(broker)
    for row in rows:
        try:
            principal, profile = checked(row)
            profiles[principal] = profile
            changes = directory.plan(principal)
            if changes and not is_plan:
                directory.find(principal)
        except ConfigurationError:  # not about this row
            raise
        except (ProvisioningFailed, ValueError) as error:
            people.failed.append((row, str(error)))
            continue
        except (CredentialsRejected, MoniteUnavailable, RateLimited, StoreUnavailable) as error:
            people.stopped = row.line, str(error)
            return
        except KeyboardInterrupt:
            people.stopped = row.line, "It was interrupted."
            return
        refused = [each for each in changes if each.startswith("Refuse")]
        if refused:
            people.failed.append((row, " ".join(refused)))
        elif changes:
            people.changed.append((str(row.line), row.login, " ".join(changes)))
        else:
            people.unchanged += 1


def write_failed(path: Path, failed: list[tuple[Row, str]]) -> None:
    """Write the rows that failed, each with its error, readable for the owner only: it has people's names."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, ERROR])
        writer.writeheader()
        writer.writerows(_with_errors(failed))


def _with_errors(failed: list[tuple[Row, str]]) -> Iterator[dict[str, str]]:
    for row, why in failed:
        yield {**row.fields, ERROR: why}
