"""An app whose broker is created before the server forks. It is also used before the fork if `USED_BEFORE_FORK` is set.

- `/page/<who>` returns data of anna, viktor, oskar or amelia. "anna-7" is another user of the app, and Anna in Monite.
- `/async/<who>` does the same on an event loop that lives for one request, as in async views of Flask and Django.
- `/logout/<who>` logs the user out.
- `/process` tells how the process identifies itself to others.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from asgiref.sync import async_to_sync

from monite_auth import PARTNER, Principal, Settings, TokenBroker
from monite_auth.errors import SessionEnded
from tests.servers.people import PEOPLE
from tests.servers.served import wsgi_door

broker = TokenBroker(Settings.from_env(), lambda principal: PEOPLE[principal.user_id.partition("-")[0]])
as_partner = broker.client(PARTNER, timeout=broker.settings.read_timeout)


def me(who: str) -> Any:
    answer = broker.client(_principal(who), timeout=broker.settings.read_timeout).get("/entity_users/me")
    return answer.raise_for_status().json()


async def ame(who: str) -> Any:
    answer = await broker.aclient(_principal(who), timeout=broker.settings.read_timeout).get(
        "/entity_users/me"
    )
    return answer.raise_for_status().json()


def _principal(who: str) -> Principal:
    return Principal(who, session_id=f"session of {who}")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    _, kind, *rest = environ["PATH_INFO"].split("/")
    status, said = "200 OK", None
    if kind == "page":
        try:
            said = me(*rest)
        except SessionEnded:
            status = "401 Unauthorized"
    elif kind == "logout":
        broker.logout(_principal(*rest))
    elif kind == "async":
        said = async_to_sync(ame)(*rest)
    else:
        entities = as_partner.get("/entities").raise_for_status().json()["data"]
        said = {
            "owner": broker._engine.owner,
            "chance": broker._blocking().random(),
            "entities": len(entities),
            "background": broker._blocking().has_background,
        }
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(said).encode()]


served = wsgi_door(application)

if os.environ.get("USED_BEFORE_FORK"):
    me("anna-early")
    async_to_sync(ame)("anna-early")
    as_partner.get("/entities").raise_for_status()
    broker.logout(_principal("anna-early"))
