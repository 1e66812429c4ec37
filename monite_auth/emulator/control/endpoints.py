"""Control endpoints beside Monite's API: JSON under `/_emulator`. Tokens are always masked."""

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from monite_auth.emulator.answers.errors import RefusedError, malformed
from monite_auth.emulator.api import SERVED
from monite_auth.emulator.faults.in_force import Order
from monite_auth.emulator.faults.kinds import Fault
from monite_auth.emulator.specification.facts import API_VERSION, PREFIX
from monite_auth.emulator.specification.openapi import document
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.traffic.ledger import Token, TokenState
from monite_auth.emulator.traffic.limits import LimitWindow

router = APIRouter()


async def _monite(request: Request) -> Monite:
    monite: Monite = request.app.state.monite
    return monite


CurrentMonite = Annotated[Monite, Depends(_monite)]


MOMENT = {"anyOf": [{"type": "number"}, {"type": "string", "format": "date-time"}]}


def _moment(value: object) -> object:
    """Return a date-time as epoch seconds, and everything else as it is."""
    if not isinstance(value, str):
        return value
    moment = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(value)
    if moment is None or moment.tzinfo is None:
        raise ValueError("write seconds since 1970, or a date-time with a time zone: 2030-01-31T09:00:00Z")
    return moment.timestamp()


class Move(BaseModel):
    """The body that changes the clock: it sets or advances it, and freezes or unfreezes it then."""

    # Strict: `"set": true` would be a second after midnight of 1 January 1970.
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    set: Annotated[float, BeforeValidator(_moment), WithJsonSchema(MOMENT)] | None = None
    """Seconds since 1970, or a date-time with a time zone."""
    advance: float | None = None
    """Seconds to move forward by."""
    freeze: bool | None = None
    """Whether it stands still then."""

    @model_validator(mode="after")
    def _one_move(self) -> Self:
        moves = (self.set is not None) + (self.advance is not None)
        if moves == 2 or (moves == 0 and self.freeze is None):
            raise ValueError("give set or advance or freeze; freeze goes with one of the others, too")
        return self


class Limit(BaseModel):
    """The body that changes the limit: `requests_per_second` in each window of a second, which is fixed or slides."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requests_per_second: int | None = Field(default=None, ge=1)
    window: LimitWindow | None = None


@router.get("/openapi.json", include_in_schema=False)
async def read_openapi(request: Request) -> dict[str, Any]:
    return document(SERVED, API_VERSION, str(request.base_url).rstrip("/") + PREFIX)


@router.get("/_emulator/ledger")
async def read_ledger(
    monite: CurrentMonite, entity_user_id: UUID | None = None, state: TokenState | None = None
) -> dict[str, Any]:
    """Return the tokens that were minted, masked, oldest first."""
    now = monite.clock.now()
    tokens = monite.ledger.tokens if entity_user_id is None else monite.ledger.mints(str(entity_user_id))
    return {
        "now": now,
        "counts": monite.ledger.counts,
        "tokens": [shown_token(token, now) for token in tokens if state in {None, token.state(now)}],
        "max_concurrent_mints": {
            user_id or "partner": count for user_id, count in monite.ledger.max_concurrent_mints.items()
        },
    }


@router.get("/_emulator/statistics")
async def read_statistics(monite: CurrentMonite) -> dict[str, Any]:
    """Return how many requests came, by path and status, and how many in the busiest second."""
    statistics = monite.statistics
    return {
        "requests": [
            {"path": path, "status": status, "count": count}
            for (path, status), count in sorted(statistics.requests.items())
        ],
        "throttled": statistics.throttled,
        "busiest_second": statistics.busiest_second,
        "busiest_window": statistics.busiest_window,
        "last_second": statistics.last_second,
        "requests_per_second": monite.requests_per_second,
    }


@router.get("/_emulator/limit")
async def read_limit(monite: CurrentMonite) -> dict[str, Any]:
    """Return the request limit, and the windows in which it counts."""
    return {"requests_per_second": monite.requests_per_second, "window": monite.limit_window}


@router.post("/_emulator/limit")
async def change_limit(body: Limit, monite: CurrentMonite) -> dict[str, Any]:
    """Change the limit, the windows, or both."""
    monite.requests_per_second = body.requests_per_second or monite.requests_per_second
    monite.limit_window = body.window or monite.limit_window
    return await read_limit(monite)


@router.get("/_emulator/faults")
async def list_faults(monite: CurrentMonite) -> dict[str, Any]:
    """Return the faults in force, also those that have hit as often as they should."""
    return {"faults": [shown_fault(order) for order in monite.faults.orders]}


@router.post("/_emulator/faults", status_code=201)
async def add_fault(fault: Fault, monite: CurrentMonite) -> dict[str, Any]:
    """Add a fault."""
    return shown_fault(monite.faults.add(fault))


@router.delete("/_emulator/faults", status_code=204)
async def clear_faults(monite: CurrentMonite) -> None:
    """Delete all faults. The requests that they hold go on."""
    monite.faults.clear()


@router.delete("/_emulator/faults/{order_id}", status_code=204)
async def remove_fault(order_id: str, monite: CurrentMonite) -> None:
    """Delete one fault. The requests that it holds go on."""
    if not monite.faults.remove(order_id):
        raise RefusedError(404, f"There is no fault {order_id}.")


@router.get("/_emulator/clock")
async def read_clock(monite: CurrentMonite) -> dict[str, Any]:
    """Return the time in seconds since 1970, how far it is ahead of the right one, and whether it stands still."""
    clock = monite.clock
    return {"now": clock.now(), "ahead": clock.ahead, "frozen": clock.is_frozen}


@router.post("/_emulator/clock")
async def move_clock(body: Move, monite: CurrentMonite) -> Any:
    """Set the clock or move it forward, freeze it or let it go on."""
    clock = monite.clock
    before = clock.now()
    try:
        if body.advance is not None:
            clock.advance(body.advance)
        if body.freeze:
            clock.freeze(body.set)
        elif body.set is not None:
            clock.set(body.set)
    except ValueError as error:
        field = "advance" if body.set is None else "set"
        return malformed((("body", field), str(error), "value_error"))
    if body.freeze is False:
        clock.unfreeze()
    monite.journal.record("clock", seconds=round(clock.now() - before), frozen=clock.is_frozen)
    return await read_clock(monite)


@router.delete("/_emulator/clock")
async def reset_clock(monite: CurrentMonite) -> dict[str, Any]:
    """Bring the right time back, and let it go on."""
    seconds = -monite.clock.ahead
    monite.clock.reset()
    monite.journal.record("clock", seconds=round(seconds), frozen=False)
    return await read_clock(monite)


@router.post("/_emulator/tokens/{token_id}/revoke", status_code=204)
async def revoke_token(token_id: int, monite: CurrentMonite) -> None:
    """Revoke a token, as an operator of Monite's would: nobody tells the partner."""
    token = next((each for each in monite.ledger.tokens if each.id == token_id), None)
    if token is None:
        raise RefusedError(404, f"There is no token {token_id}.")
    monite.ledger.revoke(token)


@router.post("/_emulator/reset", status_code=204)
async def reset(monite: CurrentMonite) -> None:
    """Go back to the beginning: the demo's data, the right time, no tokens, no faults."""
    monite.reset()


@router.get("/_emulator/seed")
async def read_seed(monite: CurrentMonite) -> dict[str, Any]:
    """Return the companies, people and roles."""
    directory = monite.directory
    return {
        "entities": [
            {
                "id": entity.id,
                "name": entity.name,
                "default_role_id": entity.default_role_id,
                "roles": [{"id": role.id, "name": role.name} for role in directory.roles.all(entity.id)],
                "entity_users": [
                    {"id": user.id, "login": user.login, "name": user.name, "role_id": user.role_id}
                    for user in directory.users.all(entity.id)
                ],
            }
            for entity in directory.entities.all()
        ]
    }


def shown_token(token: Token, now: float) -> dict[str, Any]:
    return {
        "id": token.id,
        "token": token.masked,
        "fingerprint": token.fingerprint,
        **asdict(token.holder),
        "client_id": token.client_id,
        "minted_at": token.minted_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "state": token.state(now),
        "uses": token.uses,
        "last_used_at": token.last_used_at,
        "refusals": token.refusals,
        "last_refused_at": token.last_refused_at,
        "last_refusal": token.last_refusal,
        "answer_lost": token.answer_lost,
    }


def shown_fault(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        **order.fault.shown(),
        "remaining": order.remaining,
        "hits": order.hits,
    }
