"""Control endpoints about the state: what was asked and answered."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from monite_auth.emulator.control import CurrentMonite

router = APIRouter(prefix="/_emulator", include_in_schema=False)


@router.get("/requests")
async def find_requests(
    monite: CurrentMonite,
    method: str | None = None,
    path: str | None = None,
    status: int | None = None,
    user: str | None = None,
    request_id: str | None = None,
    text: str | None = None,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Return the requests that fit, newest first. `after` is the number of the last one that a page already shows."""
    found = monite.requests.find(
        method=method, path=path, status=status, user=user, request_id=request_id, text=text
    )
    newest = [each for each in reversed(found) if each.number > after]
    return {"requests": [each.shown() for each in newest[:limit]], "found": len(newest)}
