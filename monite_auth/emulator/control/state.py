"""Control endpoints about the state: what was asked and answered, the partners, and snapshots."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from monite_auth.emulator.answers.errors import RefusedError, malformed
from monite_auth.emulator.control.endpoints import CurrentMonite
from monite_auth.emulator.seeds.kinds import schema
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.world.partners import Partner

router = APIRouter(prefix="/_emulator")


@router.get("/requests")
async def find_requests(
    monite: CurrentMonite,
    method: Annotated[str | None, Query(min_length=1)] = None,
    path: Annotated[str | None, Query(pattern="^(/|$)")] = None,
    status: int | None = None,
    user: UUID | None = None,
    request_id: str | None = None,
    text: str | None = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Return the requests that fit, newest first. `after` is the number of the last one that a page already shows."""
    found = monite.requests.find(
        method=method,
        path=path,
        status=status,
        user=str(user) if user else None,
        request_id=request_id,
        text=text,
    )
    newest = [each for each in reversed(found) if each.number > after]
    return {"requests": [each.shown() for each in newest[:limit]], "found": len(newest)}


class NewCredentials(BaseModel):
    """The body that adds credentials. What it leaves out is drawn."""

    model_config = ConfigDict(extra="forbid")

    client_id: UUID | None = None
    client_secret: Annotated[str, Field(min_length=1)] | None = None


class NewPartner(NewCredentials):
    """The body that adds a partner: with the data of the demo (`seed`), or with none."""

    seed: StrictBool = False


@router.get("/partners")
async def list_partners(monite: CurrentMonite) -> dict[str, Any]:
    return {"partners": [_partner(partner) for partner in monite.partners]}


@router.post("/partners", status_code=201)
async def add_partner(body: NewPartner, monite: CurrentMonite) -> Any:
    client_id, client_secret = _drawn(body, monite)
    try:
        partner = monite.add_partner(client_id, client_secret, seed=body.seed)
    except ValueError as error:
        return malformed((("body", "client_id"), str(error), "value_error"))
    return _partner(partner) | {"client_id": client_id, "client_secret": client_secret}


@router.post("/partners/{client_id}/credentials", status_code=201)
async def add_credentials(client_id: UUID, body: NewCredentials, monite: CurrentMonite) -> Any:
    """Add credentials to the partner that has `client_id`: another client id, or one more secret of this one."""
    partner = next((each for each in monite.partners if str(client_id) in each.credentials), None)
    if partner is None:
        raise RefusedError(404, f"No partner has the client id {client_id}.")
    added_id, client_secret = _drawn(body, monite)
    try:
        monite.add_credentials(added_id, client_secret, partner, keep_secrets=True)
    except ValueError as error:
        return malformed((("body", "client_id"), str(error), "value_error"))
    return {"client_id": added_id, "client_secret": client_secret}


@router.delete("/credentials/{client_id}", status_code=204)
async def remove_credentials(client_id: UUID, monite: CurrentMonite) -> None:
    """Accept no secret of this client id any more. Its tokens stay live."""
    if not monite.remove_credentials(str(client_id)):
        raise RefusedError(404, f"No partner has credentials with the client id {client_id}.")


@router.get("/snapshot")
async def take_snapshot(monite: CurrentMonite) -> dict[str, Any]:
    return monite.snapshot()


@router.put("/snapshot")
async def restore_snapshot(snapshot: dict[str, Any], monite: CurrentMonite) -> Any:
    try:
        monite.restore(snapshot)
    except ValueError as error:
        return malformed((("body",), str(error), "value_error"))
    return await list_partners(monite)


@router.get("/export")
async def export(monite: CurrentMonite, *, secrets: bool = False) -> dict[str, Any]:
    return monite.export(secrets=secrets)


@router.get("/seed_schema")
async def read_seed_schema() -> dict[str, Any]:
    return schema()


def _drawn(body: NewCredentials, monite: Monite) -> tuple[str, str]:
    client_id = str(body.client_id or monite.randomness.new_id("client"))
    return client_id, body.client_secret or monite.randomness.new_token("secret")


def _partner(partner: Partner) -> dict[str, Any]:
    return {
        "client_ids": [name for name, secrets in partner.credentials.items() if secrets],
        "entities": [{"id": each.id, "name": each.name} for each in partner.directory.entities.all()],
    }
