"""The store behind pgbouncer in transaction mode, which gives each transaction another connection to PostgreSQL.

Debian 12 has pgbouncer 1.18, which knows nothing of prepared statements: the hard case. Since 1.21 it prepares them wherever they are
needed.
"""

import shutil
import subprocess
from contextlib import contextmanager

import psycopg
import pytest

from monite_auth.stores import Priority
from tests.at_once import in_threads
from tests.postgres_server import as_its_user, new_folder
from tests.redis_server import free_port
from tests.stores.harness import ALICE, BOB, BOBS
from tests.stores.live import LiveGround
from tests.waiting import until


@contextmanager
def pgbouncer(server):
    """Run a pooler with two connections to the server; yield the URL that leads through it."""
    if shutil.which("pgbouncer") is None:
        pytest.skip("pgbouncer is not installed; `make servers` says how")
    folder, port = new_folder(), free_port()
    file = folder / "pgbouncer.ini"
    file.write_text(f"""
[databases]
postgres = host=127.0.0.1 port={server.port} dbname=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
""")
    # With `any`, everybody is the user of the [databases] line, or of the process; here it is the administrator.
    file.write_text(file.read_text().replace("dbname=postgres", "dbname=postgres user=admin"))
    process = subprocess.Popen(
        [*as_its_user(), "setpriv", "--pdeathsig", "KILL", "pgbouncer", "--quiet", str(file)],
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    url = f"postgresql://admin@127.0.0.1:{port}/postgres"
    try:
        until(lambda: answers(url) or process.poll() is not None)
        assert process.poll() is None
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def answers(url):
    try:
        psycopg.connect(url).close()
    except psycopg.Error:
        return False
    return True


def test_a_pooler_in_transaction_mode_loses_nothing_that_the_store_needs(server, form, drive):
    with pgbouncer(server) as url:
        driver, other = drive(LiveGround(url), form), drive(LiveGround(url), form)
        driver.put("t")
        for _ in range(20):
            assert driver.peek() == other.peek() == "t"
        other.put("bobs", slot=BOBS, principal=BOB)
        assert driver.run(driver.ops.admit(Priority.USER, None, patience=9)).admitted
        assert driver.run(driver.ops.end_session(ALICE)) == 1
        assert other.has_ended(ALICE)
        assert other.pending() == ["t"]


def test_many_threads_behind_a_pooler_get_their_own_answers(server, drive):
    with pgbouncer(server) as url:
        driver = drive(LiveGround(url), "blocking")
        driver.put("alices")
        driver.put("bobs", slot=BOBS, principal=BOB)

        def peek(number):
            who = () if number % 2 else (BOBS, BOB)
            return {driver.peek(*who) for _ in range(50)}

        assert in_threads(6, peek) == [{"bobs"}, {"alices"}] * 3
