"""Minting and revoking tokens: `/v1/auth`."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from monite_auth.emulator.access import CurrentMonite
from monite_auth.emulator.errors import DEAD_TOKEN, RefusedError
from monite_auth.emulator.monite import Monite
from monite_auth.emulator.schemas import ObtainToken, RevokeToken

router = APIRouter(prefix="/auth")


@router.post("/token")
async def obtain_token(body: ObtainToken, request: Request, monite: CurrentMonite) -> dict[str, Any]:
    client_id = _authenticated(monite, body.client_id, body.client_secret)
    user = None
    if body.grant_type == "entity_user":
        user = monite.directory.users.get(str(body.entity_user_id))
        if user is None:
            raise RefusedError(400, f"There is no entity user {body.entity_user_id}.")
    token = monite.mint(user, client_id)
    # The gate reads this to record whether the answer with the token reached the client.
    request.state.minted = token
    life = round(token.expires_at - token.minted_at)
    return {"access_token": token.value, "token_type": "Bearer", "expires_in": life}


@router.post("/revoke")
async def revoke_token(body: RevokeToken, monite: CurrentMonite) -> dict[str, Any]:
    _authenticated(monite, body.client_id, body.client_secret)
    token = monite.ledger.find(body.token)
    if token is None or not monite.ledger.revoke(token):
        raise RefusedError(400, DEAD_TOKEN)
    return {"message": "The token has been revoked."}


def _authenticated(monite: Monite, client_id: UUID, client_secret: str) -> str:
    if not monite.knows(str(client_id), client_secret):
        raise RefusedError(401, "The client_id or the client_secret is wrong.")
    return str(client_id)
