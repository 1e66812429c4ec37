"""Connections to Redis belong to one store, event loop and process, and end with it."""

import asyncio
import gc
import json
import subprocess
import sys
from collections import Counter

import pytest

from tests.forking import FORKS
from tests.stores.harness import ALICE, HOME
from tests.stores.live import KEY, LiveGround, user
from tests.waiting import PATIENCE, until


def test_connections_close_with_the_store_and_with_the_loop_and_open_again(server, drive):
    newest = max(int(each["id"]) for each in server.admin.client_list())

    def connected() -> int:
        """Count those that came since: another test's may still be closing."""
        return sum(int(each["id"]) > newest for each in server.admin.client_list(_type="normal"))

    driver = drive(LiveGround(server.url), "blocking")
    driver.put("t")
    assert connected() == 1
    driver.store.close()
    until(lambda: not connected())
    assert driver.peek() == "t"
    driver.store.close()
    for _ in range(2):
        asyncio.run(driver.store.operations(blocking=False).peek(HOME, ALICE))
    until(lambda: not connected())

    async def main() -> None:
        ops = driver.store.operations(blocking=False)
        await ops.peek(HOME, ALICE)
        await driver.store.aclose()
        await ops.peek(HOME, ALICE)

    asyncio.run(main())
    until(lambda: not connected())


def test_an_event_loop_that_has_ended_is_not_kept(server):
    store = LiveGround(server.url).open()

    async def main() -> None:
        ops = store.operations(blocking=False)
        await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(100)))

    for _ in range(3):
        asyncio.run(main())
    until(lambda: gc.collect() >= 0 and not len(store._connections().of_loop))


FORK = """
import asyncio, os, sys
from tests.forking import FORKS
from monite_auth import MemoryStore, Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.stores import Slot
from monite_auth.stores.redis import RedisStore

store = RedisStore(sys.argv[1], keys=[Secret(sys.argv[2])])
alice, home = Principal("alice", session_id="alice-1"), Slot("alice", None, None)

def peek():
    return run(store.operations(blocking=True).peek(home, alice)).value.reveal()

async def main():
    ops = store.operations(blocking=False)
    assert (await ops.peek(home, alice)).value.reveal() == peek() == "t"
    child = FORKS[sys.argv[3]]()
    if child == 0:
        os._exit(0 if [peek() for _ in range(50)] == ["t"] * 50 else 1)
    found = [(await ops.peek(home, alice)).value.reveal() + peek() for _ in range(50)]
    assert found == ["tt"] * 50
    assert os.waitpid(child, 0)[1] == 0

asyncio.run(main())
"""


@pytest.mark.parametrize("how", FORKS)
def test_a_forked_child_has_connections_of_its_own(server, drive, how):
    drive(LiveGround(server.url), "blocking").put("t")
    ended = subprocess.run(
        [sys.executable, "-c", FORK, server.url, KEY.reveal(), how],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.replace("\n", "")[:500]) == (
        0,
        ended.stderr.replace("\n", "")[:500],
    )


RACE = """
import json, sys
from monite_auth import MemoryStore, Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.identity import PARTNER
from monite_auth.stores import Slot
from monite_auth.stores.redis import RedisStore

url, key, owner = sys.argv[1:]
ops = RedisStore(url, keys=[Secret(key)]).operations(blocking=True)
print("ready", flush=True)
sys.stdin.readline()
claims = [
    type(run(ops.claim(Slot(f"user-{n}", None, None), PARTNER, owner=owner, seconds=60, min_life=0))).__name__
    for n in range(50)
]
taken = []
while batch := run(ops.due(3, seconds=60)).batch:
    taken += [pending.token.reveal() for pending in batch]
print(json.dumps([claims, taken]))
"""


def test_promise_2_and_6_eight_processes_share_out_claims_and_revocations(server, drive):
    driver = drive(LiveGround(server.url), "blocking")
    for number in range(60):
        driver.put(f"token-{number}", *user(number + 100))
        driver.run(driver.ops.end_user(f"user-{number + 100}"))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, server.url, KEY.reveal(), f"owner-{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [json.loads(process.communicate(timeout=PATIENCE)[0]) for process in processes]
    for number in range(50):
        assert Counter(claims[number] for claims, _ in results) == {"Claimed": 1, "Busy": 7}
    assert sorted(each for _, taken in results for each in taken) == sorted(f"token-{n}" for n in range(60))
