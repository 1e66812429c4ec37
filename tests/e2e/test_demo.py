"""The demo as a process: it ends on a signal, leaves no process behind, and reports failures."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.e2e.stage import Demo

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_the_demo_and_all_of_its_processes(number: signal.Signals):
    with Demo() as demo:
        children = demo.children
        assert len(children) == 2
        assert demo.end(number) == 0
        assert not any(map(is_running, children))
        assert demo.errors == ""


@pytest.mark.parametrize(("which", "name"), [(0, "The local Monite"), (1, "The example app")])
def test_a_process_that_dies_ends_the_demo_and_is_named(which: int, name: str):
    with Demo() as demo:
        children = demo.children
        os.kill(children[which], signal.SIGKILL)
        assert demo.wait() == 1
        assert f"{name} has ended by itself, with status -9" in demo.errors
        assert not any(map(is_running, children))


def test_ports_that_are_taken_are_replaced_by_free_ones():
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with Demo(port=taken, emulator_port=taken) as demo:
            ports = {int(address.rpartition(":")[2]) for address in (demo.app, demo.monite)}
            assert len(ports - {taken}) == 2
