"""A process of an application, and children of it that die at every point after a commit; test_crashes.py runs it.

    python -m tests.outbox.crashes DATABASE_URL crash POINTS     python -m tests.outbox.crashes DATABASE_URL drain

Each child closes one account, and dies after so many lines of ours have run since the commit, in whatever thread.
"""

import json
import os
import sys

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from tests.deaths import LIVED, die_in_a_child
from tests.waiting import until

engine = create_engine(sys.argv[1], poolclass=NullPool)  # nothing that children share
broker = TokenBroker(Settings.from_env(), lambda _: EntityUser(ANNA_ID, BAKERY_ID), outbox=engine)


def close_account(user, death):
    death.watch_threads()
    with engine.begin() as connection:
        broker.end_user_in(connection, user)
    death.begin()
    until(lambda: is_gone(user))


def is_gone(user):
    with engine.connect() as connection:
        asked = text("SELECT count(*) FROM monite_endings WHERE user_id = :user")
        return connection.execute(asked, {"user": user}).scalar_one() == 0


def in_a_child(user, at):
    broker.token(Principal(user, session_id=user))
    return die_in_a_child(lambda death: close_account(user, death), at)


def crash(points):
    code, lines = in_a_child("whole", -1)
    assert (code, lines > points) == (LIVED, True), (code, lines)
    ended = [in_a_child(str(at), at)[0] for at in range(0, lines, lines // points)]
    sys.stdout.write(json.dumps(ended))
    sys.stdout.flush()
    os._exit(0)


if sys.argv[2] == "crash":
    crash(int(sys.argv[3]))
else:
    with broker:
        broker.drain()
