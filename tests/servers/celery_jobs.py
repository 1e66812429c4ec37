"""Celery jobs of the tests, which call Monite for a user."""

import os
from typing import Any

from monite_auth import EntityUser, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID
from tests.servers.celery_queue import queue_in

PEOPLE = {"anna": EntityUser(ANNA_ID, BAKERY_ID), "viktor": EntityUser(VIKTOR_ID, BAKERY_ID)}

# Created once, before the worker forks.
broker = TokenBroker(Settings.from_env(), directory=PEOPLE)
if os.environ.get("USED_BEFORE_THE_FORK"):
    broker.partner_token()

app = queue_in(os.environ["JOBS"])


@app.task
def count_payables(user_id: str, since: float) -> dict[str, Any]:
    principal = broker.for_job(user_id, since=since)
    answer = broker.client(principal).get("/payables")
    return {"status": answer.status_code, "worker": os.getpid()}
