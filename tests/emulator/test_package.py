"""The package as a whole: its imports, its extras, its server and its command line."""

import ast
import gc
import json
import shlex
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

import monite_auth.emulator
from monite_auth.cli.plain import monite_auth as app
from monite_auth.emulator import DEMO_CLIENT_ID, Monite, serve
from tests.waiting import PATIENCE

PACKAGE = Path(monite_auth.emulator.__file__).parent


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.module, "relative imports are not used here"
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_the_emulator_shares_no_code_with_the_client():
    ours = {
        name
        for file in PACKAGE.rglob("*.py")
        for name in imported(file)
        if name.split(".")[0] == "monite_auth"
    }
    assert ours
    ours -= {"monite_auth.configuration.demo"}  # two constants and no code
    assert all(name.startswith("monite_auth.emulator") for name in ours)


def test_every_public_name_exists():
    assert all(hasattr(monite_auth.emulator, name) for name in monite_auth.emulator.__all__)


@pytest.mark.parametrize(
    ("missing", "code", "extra"),
    [
        ("fastapi", "import monite_auth.emulator", "monite-auth[emulator]"),
        ("uvicorn", "import monite_auth.emulator", "monite-auth[emulator]"),
        (
            "fastapi",
            "import sys; sys.argv[1:] = ['emulator']; from monite_auth.__main__ import main; main()",
            "monite-auth[emulator]",
        ),
    ],
)
def test_a_missing_extra_is_named(missing, code, extra):
    program = f"import sys; sys.modules[{missing!r}] = None; {code}"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert extra in result.stderr


def test_a_served_emulator_starts_and_stops_without_a_trace():
    before = set(threading.enumerate())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with serve() as emulator:
            assert emulator.api_url == f"{emulator.url}/v1"
            with httpx.Client() as client:
                assert client.get(f"{emulator.api_url}/payables").status_code == 422
                assert client.get(emulator.url).status_code == 200
    assert set(threading.enumerate()) - before == set()
    with pytest.raises(httpx.ConnectError):
        httpx.get(emulator.url)


def test_connections_that_have_only_been_accepted_are_closed_at_the_end():
    with warnings.catch_warnings(record=True, action="always", category=ResourceWarning) as unclosed:
        gc.collect()
        unclosed.clear()  # what other tests have left
        with ExitStack() as clients, serve() as emulator:
            address = ("127.0.0.1", int(emulator.url.rsplit(":")[-1]))
            for _ in range(20):
                clients.enter_context(socket.create_connection(address))
        gc.collect()
    assert unclosed == []


def test_nothing_is_logged_whatever_happens(caplog):
    with (
        serve(Monite()) as emulator,
        socket.create_connection(("127.0.0.1", int(emulator.url.rsplit(":")[-1]))) as line,
    ):
        line.sendall(b"GET /v1/payables HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert line.recv(12) == b"HTTP/1.1 422"
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


@pytest.mark.parametrize("arguments", [["--help"], ["emulator", "--help"]])
def test_the_command_line_explains_itself(arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "emulator" in result.output


def test_the_command_line_knows_its_version():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.output.strip()[0].isdigit()


def test_a_port_in_use_is_reported_plainly():
    with serve() as emulator:
        port = emulator.url.rsplit(":")[-1]
        result = CliRunner().invoke(app, ["emulator", "--port", port])
    assert result.exit_code == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("secret", "status"), [(None, 401), ("it's a $ecret for tests", 400)])
def test_the_command_prints_what_an_application_needs_and_serves(tmp_path, secret, status):
    command = [sys.executable, "-m", "monite_auth", "emulator", "--port", "0"]
    if secret:
        world = tmp_path / "world.json"
        credentials = {"client_id": DEMO_CLIENT_ID, "client_secret": secret}
        world.write_text(json.dumps({"partners": [{"credentials": [credentials]}]}))
        command += ["--seed-file", str(world), "--dead-token-status", str(status)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(8)]
            # As a shell reads them.
            exported = dict(shlex.split(line)[1].split("=", 1) for line in lines[5:])
            assert set(exported) == {"MONITE_BASE_URL", "MONITE_CLIENT_ID", "MONITE_CLIENT_SECRET"}
            body = {
                "grant_type": "client_credentials",
                "client_id": exported["MONITE_CLIENT_ID"],
                "client_secret": exported["MONITE_CLIENT_SECRET"],
            }
            api = exported["MONITE_BASE_URL"]
            headers = {"x-monite-version": "2024-05-25"}
            assert httpx.post(f"{api}/auth/token", json=body, headers=headers, timeout=PATIENCE).is_success
            dead = {**headers, "authorization": "Bearer dead"}
            assert httpx.get(f"{api}/entities", headers=dead, timeout=PATIENCE).status_code == status
        finally:
            process.terminate()


def test_the_command_prints_the_people_of_every_partner(tmp_path):
    world, another = tmp_path / "world.json", "0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0002"
    monite = Monite()
    monite.add_partner(another, "another secret", seed=True)
    world.write_text(json.dumps(monite.export(secrets=True)))
    command = [sys.executable, "-m", "monite_auth", "emulator", "--port", "0", "--seed-file", str(world)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            told = "".join(iter(process.stdout.readline, "Stop with Ctrl-C.\n"))
        finally:
            process.terminate()
    first, _, second = told.partition("Another partner's:")
    assert f"export MONITE_CLIENT_ID={another}\nexport MONITE_CLIENT_SECRET='another secret'\n" in second
    for partner, part in zip(monite.partners, (first, second), strict=True):
        assert all(user.id in part for user in partner.directory.users.all())
