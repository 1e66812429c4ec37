"""What gevent does to threads of ours, in a process of its own."""

import subprocess
import sys
import textwrap

CLOSED = """
    from gevent import monkey

    monkey.patch_all()

    import random
    import threading
    import time

    import gevent

    from monite_auth import Settings, TokenBroker
    from monite_auth.engine.runtime import Closed, run

    SETTINGS = Settings(client_id="c11e0000-0000-4000-8000-000000000001", client_secret="of a test", store_url="memory://")


    def wait(runtime, chance):
        try:
            while True:
                run(runtime.sleep(chance.choice((0, 0.001, 0.003))))
        except Closed:
            pass


    def keep_busy(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass


    for seed in range(60):
        chance = random.Random(seed)
        broker = TokenBroker(SETTINGS, {})
        runtime = broker._blocking()
        waiting = [threading.Thread(target=wait, args=(runtime, chance), daemon=True) for _ in range(4)]
        for thread in waiting:
            thread.start()
        for _ in range(chance.randrange(20, 400)):
            gevent.sleep(0)  # let others go on
        keep_busy(0.004)  # so that waits end in the moment in which the broker is closed
        broker.close()
        for thread in waiting:
            thread.join(60)
            assert not thread.is_alive(), "it waits for ever"
"""


def test_a_caller_that_waits_is_told_that_the_broker_is_closed():
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CLOSED)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
