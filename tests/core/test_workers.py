"""Whether a process notices that it is one of several workers, and says what that means for tokens in memory."""

import os
import subprocess
import sys

import pytest

from monite_auth.engine import mint_leader
from tests.scripted import World, granted
from tests.waiting import PATIENCE

ALONE = "from monite_auth.processes.workers import is_one_of_several; print(is_one_of_several())"

FORKED = """
import os
from monite_auth.processes.workers import is_one_of_several

arrived, arrive = os.pipe()
steps = [os.pipe(), os.pipe()]  # one each: who is quick would else read the other's permission too
for _ in range(2):
    if os.fork() == 0:
        for go, _ in steps:
            os.write(arrive, b".")
            os.read(go, 1)
            if go == steps[0][0]:
                os.write(1, f"{is_one_of_several()}\\n".encode())
        os._exit(0)
for _, start in steps:  # both are there, and then both have looked
    there = b""
    while len(there) < 2:
        there += os.read(arrived, 2 - len(there))
    os.write(start, b"..")
for _ in range(2):
    os.wait()
"""

SPAWNED = """
import multiprocessing
from monite_auth.processes.workers import is_one_of_several

def work():
    print(is_one_of_several(), flush=True)

if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=work)
    worker.start()
    worker.join()
"""

MINTS = """
import multiprocessing, os, sys
from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

def work(url, store):
    people = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
    settings = Settings(client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, base_url=url, store_url=store)
    with TokenBroker(settings, people) as broker:
        for session in "12":
            broker.token(Principal("anna", session_id=session))
            broker.relink("anna")

if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=work, args=sys.argv[1:])
    worker.start()
    worker.join()
"""


def said(program, *arguments, tmp_path, **variables):
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, str(tmp_path / "program.py"), *arguments]
    environ = {**os.environ, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE, env=environ)


def test_a_process_of_its_own_is_alone(tmp_path):
    assert said(ALONE, tmp_path=tmp_path).stdout.split() == ["False"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_workers_that_were_forked_see_each_other(tmp_path):
    assert said(FORKED, tmp_path=tmp_path).stdout.split() == ["True", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize(("code", "answer"), [(FORKED, "True"), (f"import pytest\n{FORKED}", "False")])
def test_a_worker_of_xdist_is_no_servers_and_a_server_that_a_test_starts_is(tmp_path, code, answer):
    assert said(code, tmp_path=tmp_path, PYTEST_XDIST_WORKER="gw0").stdout.split() == [answer, answer]


def test_a_worker_that_was_spawned_knows_its_parent(tmp_path):
    assert said(SPAWNED, tmp_path=tmp_path).stdout.split() == ["True"]


def test_one_of_several_workers_says_at_its_first_mint_that_memory_is_not_shared(emulator, tmp_path):
    warnings = said(MINTS, emulator.api_url, "memory://", tmp_path=tmp_path).stderr
    assert warnings.count("MONITE_STORE_URL is memory://") == 1
    shared = said(MINTS, emulator.api_url, f"sqlite:///{tmp_path}/m.db", tmp_path=tmp_path).stderr
    assert "memory://" not in shared


def test_a_log_that_breaks_at_the_first_mint_leaves_no_flight_behind(monkeypatch):
    def breaks(*_args):
        raise RuntimeError("the log is broken")

    monkeypatch.setattr(mint_leader, "is_one_of_several", lambda: True)
    monkeypatch.setattr(mint_leader.log, "warning", breaks)
    world = World(granted())
    with pytest.raises(RuntimeError, match="broken"):
        world.token()
    assert world.engine.flights._flights == {}
    assert world.value() == "token-1"
