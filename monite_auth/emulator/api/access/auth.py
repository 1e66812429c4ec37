"""Minting and revoking tokens: `/auth`."""

from typing import Any

from monite_auth.emulator.answers.errors import DEAD_TOKEN, RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.world.partners import Partner


@serves("POST /auth/token", caller="nobody")
def obtain_token(call: Call) -> dict[str, Any]:
    body, partner = call.body, _authenticated(call)
    user = None
    if body["grant_type"] == "entity_user":
        if body.get("entity_user_id") is None:
            needs = "entity_user_id is required for grant_type entity_user"
            raise InvalidError([(("body", "entity_user_id"), needs, "missing")])
        user = partner.directory.users.get(body["entity_user_id"])
        if user is None:
            raise RefusedError(400, f"There is no entity user {body['entity_user_id']}.")
        entity = partner.directory.entities.get(user.entity_id)
        if entity and not entity.is_active:
            raise RefusedError(400, f"The entity of the entity user {user.id} is deactivated.")
    token = call.minted = call.monite.mint(user, body["client_id"])
    life = round(token.expires_at - token.minted_at)
    return {"access_token": token.value, "token_type": "Bearer", "expires_in": life}


@serves("POST /auth/revoke", caller="nobody")
def revoke_token(call: Call) -> dict[str, Any]:
    partner = _authenticated(call)
    token = call.monite.ledger.find(call.body["token"])
    if (
        token is None
        or call.monite.partner_of(token.client_id) is not partner
        or not call.monite.ledger.revoke(token)
    ):
        raise RefusedError(400, DEAD_TOKEN)
    return {"message": "The token has been revoked."}


def _authenticated(call: Call) -> Partner:
    partner = call.monite.authenticated(call.body["client_id"], call.body["client_secret"])
    if partner is None:
        raise RefusedError(401, "The client_id or the client_secret is wrong.")
    return partner
