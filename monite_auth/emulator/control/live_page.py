"""The live page at `/`: its files, and what it asks for each second."""

from dataclasses import asdict
from importlib import resources
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.control.endpoints import CurrentMonite, shown_fault, shown_token
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.traffic.ledger import Token
from monite_auth.emulator.world.partners import Partner

router = APIRouter(include_in_schema=False)

PAGE = resources.files(__package__) / "page"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
# The page loads nothing from other hosts, and no other page can frame it.
SECURITY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
# How many live tokens, and how many that have ended, the page shows. GET /_emulator/ledger returns all.
LIVE_SHOWN = 200
ENDED_SHOWN = 20


@router.get("/")
@router.get("/_emulator/page/{name}")
async def page(name: str = "index.html") -> Response:
    if name not in {file.name for file in PAGE.iterdir()}:
        raise RefusedError(404, f"There is no file {name}.")
    kind = KINDS[name[name.rindex(".") :]]
    return Response((PAGE / name).read_bytes(), media_type=kind, headers=SECURITY)


@router.get("/_emulator/live")
async def live(monite: CurrentMonite, after: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
    """Return what the page shows of tokens, faults and the clock. `after` is the number of the last event that it has shown."""
    now = monite.clock.now()
    counts = monite.ledger.counts
    tokens = monite.ledger.tokens[::-1]  # the newest first, whatever the clock did
    working = [token for token in tokens if token.state(now) == "live"][:LIVE_SHOWN]
    ended = [token for token in tokens if token.state(now) != "live"][:ENDED_SHOWN]
    return {
        "now": now,
        "ahead": monite.clock.ahead,
        "frozen": monite.clock.is_frozen,
        "counts": {
            **counts,
            "throttled": monite.statistics.throttled,
            "requests": monite.statistics.last_second,
            "limit": monite.requests_per_second,
        },
        "tokens": [shown_token(token, now) | _place(monite, token) for token in working + ended],
        "hidden": counts["minted"] - len(working) - len(ended),
        "faults": [shown_fault(order) for order in monite.faults.orders],
        "events": [asdict(event) for event in monite.journal.after(after)],
        "last_event": monite.journal.last_number,
        "life": monite.journal.life,
    }


@router.get("/_emulator/people")
async def people(monite: CurrentMonite) -> dict[str, Any]:
    """Return each partner's credentials and people, ready to paste into the settings of an application."""
    return {"partners": [_partner(partner) for partner in monite.partners]}


def _partner(partner: Partner) -> dict[str, Any]:
    directory = partner.directory
    return {
        "credentials": [
            {"client_id": client_id, "client_secret": secret}
            for client_id, secrets in partner.credentials.items()
            for secret in secrets
        ],
        "people": [
            {
                "name": user.name,
                "login": user.login,
                "entity_user_id": user.id,
                "entity_id": entity.id,
                "entity": entity.name,
                "role": role.name if (role := directory.roles.get(user.role_id)) else None,
            }
            for entity in directory.entities.all()
            for user in directory.users.all(entity.id)
        ],
    }


def _place(monite: Monite, token: Token) -> dict[str, str | None]:
    """Return the current names of the holder's entity and role."""
    directory, holder = monite.partner_of(token.client_id).directory, token.holder
    entity = directory.entities.get(holder.entity_id) if holder.entity_id else None
    user = directory.users.get(holder.entity_user_id) if holder.entity_user_id else None
    role = directory.roles.get(user.role_id) if user else None
    return {"entity": entity.name if entity else None, "role": role.name if role else None}
