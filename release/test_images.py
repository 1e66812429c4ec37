"""The two images, built and run where a builder and a base image are at hand; docs/releasing.md says how to name others.

Where none can be had, these tests are skipped and say so: `test_containers.py` reads the files in any case.
"""

import json
import signal
import subprocess
from collections.abc import Callable
from functools import cache

import httpx
import pytest

from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, Fault, Monite, serve
from release.builders import Builder, find_builder
from tests.environment import demo_settings
from tests.redis_server import RedisServer, free_port
from tests.waiting import until

pytestmark = pytest.mark.timeout(1800)

PYTHON = "/opt/monite-auth/bin/python"

WHO_AND_WHERE = """
import json, os
def is_refused(path):
    try:
        open(path, "w").close()
    except OSError:
        return True
print(json.dumps([os.getuid(), os.getgid(), *map(is_refused, ("/x", "/etc/x", "/opt/monite-auth/x"))]))
"""
"""Prints the user, the group, and whether writing to the image is refused."""


@pytest.fixture(scope="module")
def builder() -> Builder:
    return find_builder()


@pytest.fixture(scope="module")
def image(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return what builds an image by its name, once, and returns its id."""
    folder = tmp_path_factory.mktemp("ids")
    return cache(lambda name: builder.build(name, folder))


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("name", ["emulator", "drain"])
def test_an_image_runs_as_nobody_and_cannot_change_itself(name, builder, image):
    with builder.command(image(name), "-c", WHO_AND_WHERE, program=PYTHON) as command:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == [10001, 10001, True, True, True]


def test_the_image_of_the_emulator_serves_and_stops(builder, image):
    port = free_port()
    with builder.command(image("emulator"), "--host", "127.0.0.1", "--port", str(port)) as command:
        running = subprocess.Popen(command)
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/"))
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(60)
    assert not answers(f"http://127.0.0.1:{port}/")


def test_the_image_of_the_drain_revokes_what_a_process_left_behind(builder, image):
    with RedisServer() as server, serve(Monite()) as emulator:
        variables = demo_settings(emulator.api_url, server.url)
        emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/revoke"))
        people = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
        with TokenBroker(Settings.from_env(variables), people) as broker:
            anna = Principal("anna", session_id="anna-1")
            broker.token(anna)
            broker.logout(anna)
        emulator.monite.faults.clear()
        with builder.command(image("drain"), **variables) as command:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["settled"]) == (0, 1), done.stdout + done.stderr


def test_the_image_of_the_drain_says_which_setting_is_missing(builder, image):
    with builder.command(image("drain")) as command:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "MONITE_CLIENT_ID" in done.stdout + done.stderr
