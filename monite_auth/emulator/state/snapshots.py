"""The state as JSON: what there is, whose it is, every token, the time. It has the secrets, since it is to be brought back.

What tells of the past is not in it: the log, the statistics, the feed; nor are the faults.
"""

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monite_auth.emulator.state.options import MoniteSettings
from monite_auth.emulator.world.clock import Clock
from monite_auth.emulator.world.directory import Directory

if TYPE_CHECKING:
    from monite_auth.emulator.state.monite import Monite

#: The form of a snapshot. Another version of the emulator refuses one of another form.
FORMAT = "monite-emulator/1"
FIRST = datetime.min.replace(tzinfo=UTC).timestamp()
LAST = datetime.max.replace(tzinfo=UTC).timestamp()


def taken(monite: "Monite") -> dict[str, Any]:
    """Return the state of an emulator."""
    with monite.lock:
        return {
            **small(monite),
            "partners": [
                {
                    "credentials": {name: [*secrets] for name, secrets in partner.credentials.items()},
                    "records": [[name, record.saved()] for name, record in partner.directory.saved()],
                }
                for partner in monite.partners
            ],
            "tokens": [token.saved() for token in monite.ledger.tokens],
        }


def small(monite: "Monite") -> dict[str, Any]:
    """Return what is small: the settings, the time, and how much was drawn and minted."""
    return {
        "format": FORMAT,
        **monite.settings,
        "clock": monite.clock.state,
        "randomness": monite.randomness.state,
        "tally": monite.ledger.tally,
    }


class _Part(BaseModel):
    """A part of a snapshot. It has all that `taken` writes, and nothing else."""

    model_config = ConfigDict(strict=True, extra="forbid")


Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
# A seed may say that something is older than any time of the clock. All that can be written as a date-time is right.
Moment = Annotated[float, Field(ge=FIRST, lt=LAST)]


class _Record(_Part):
    """A record as `Record.saved` tells it."""

    id: str
    number: Count
    entity_id: str
    created_at: Moment
    updated_at: Moment
    created_by: str | None
    parent_id: str | None
    fields: dict[str, Any]


class _Partner(_Part):
    credentials: dict[UUID, list[str]]
    records: list[tuple[str, _Record]]


class _Holder(_Part):
    entity_user_id: str | None
    entity_id: str | None
    login: str | None
    name: str | None


class _Token(_Part):
    id: Count
    value: str
    holder: _Holder
    client_id: str
    minted_at: Moment
    life: Finite
    expires_at: Finite
    revoked_at: Moment | None
    uses: Count
    last_used_at: Moment | None
    refusals: Count
    last_refused_at: Moment | None
    last_refusal: str | None
    answer_lost: bool | None


class _Clock(_Part):
    ahead: Finite
    frozen_at: Finite | None


class _Randomness(_Part):
    seed: int
    drawn: dict[str, Count]


class _Tally(_Part):
    minted: Count
    forgotten: dict[str, Count]


class _Snapshot(MoniteSettings):
    format: str
    clock: _Clock
    randomness: _Randomness | None
    tally: _Tally
    partners: Annotated[list[_Partner], Field(min_length=1)]
    tokens: list[_Token]

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        client_ids = [name for partner in self.partners for name in partner.credentials]
        records = [
            (number, table, record.id)
            for number, partner in enumerate(self.partners)
            for table, record in partner.records
        ]
        for what in (
            client_ids,
            records,
            [token.id for token in self.tokens],
            [token.value for token in self.tokens],
        ):
            if len(set(what)) < len(what):
                raise ValueError("a client id, a record or a token is there twice")
        return self


def checked_record(saved: Any) -> dict[str, Any]:
    """Return a copy of a record as a snapshot has it.

    Raises:
        ValueError: it is none. The sentence begins with the place in it.

    """
    try:
        return _Record.model_validate(saved).model_dump()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise ValueError(f"{''.join(f'.{step}' for step in first['loc'])}: {first['msg']}") from None


def checked(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a snapshot that can be brought back, and whose records the API can show.

    Raises:
        ValueError: this is no snapshot.

    """
    copy = whole(snapshot)
    for number, partner in enumerate(copy["partners"]):
        _check_records(partner["records"], f"partners.{number}.records")
    return copy


def whole(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a snapshot that can be brought back.

    Raises:
        ValueError: this is no snapshot.

    """
    found = snapshot.get("format")
    if found != FORMAT:
        raise ValueError(
            f"a snapshot of this version of the emulator says {FORMAT!r} in 'format', not {found!r}"
        )
    try:
        text = json.dumps(snapshot, allow_nan=False)
        _Snapshot.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"this is no whole snapshot: {place}: {first['msg']}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"this is no whole snapshot: {error}") from None
    copy: dict[str, Any] = json.loads(text)
    return copy


def _check_records(records: list[tuple[str, dict[str, Any]]], place: str) -> None:
    """Refuse what no answer of the API could show, by bringing it back where nobody sees it."""
    api = import_module("monite_auth.emulator.api.records")
    directory = Directory(Clock(), threading.RLock())
    restored = [(table, directory.table(table).restore(saved)) for table, saved in records]
    for number, (table, record) in enumerate(restored):
        if wrong := api.complaint(table, record) or api.missing(record, directory):
            raise ValueError(f"this is no whole snapshot: {place}.{number} ({table} {record.id}){wrong}")


def bring_back(monite: "Monite", snapshot: Mapping[str, Any]) -> None:
    """Give an emulator that is empty, and has the time of the snapshot, the rest of its state. It is `whole`."""
    monite.settings = snapshot
    monite.randomness.restore(snapshot["randomness"])
    for saved in snapshot["partners"]:
        partner = monite.new_partner()
        for client_id, secrets in saved["credentials"].items():
            monite.set_credentials(client_id, secrets, partner)
        for name, record in saved["records"]:
            partner.directory.table(name).restore(record)
    monite.ledger.restore(snapshot["tally"], snapshot["tokens"])
