"""Measures Monite's emulator: mints over HTTP by one core, mints in process, the memory of a million tokens, and its start."""

import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ground import Ground
from benchmarks.report import Report
from benchmarks.servers import Took, process, processor_of
from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Monite
from tests.environment import environment_with
from tests.redis_server import free_port

__all__ = ["run"]

CONNECTIONS = 16
MINTS = 6_000
ROUNDS = 5
TOKENS = 1_000_000
STARTS = 5


def run(ground: Ground, report: Report) -> None:
    """Print mints in a second, kilobytes of the tokens, and seconds until it answers."""
    rows: list[tuple[object, ...]] = [
        ("over HTTP", *_over_http(ground)),
        ("in Python, monite.mint()", *_in_python(ground)),
    ]
    report.table(
        "Mints in a second: by the clock, and by the server's processor", ["how", "clock", "processor"], rows
    )
    report.table(
        "The memory of many tokens that were minted and revoked, in MB", ["tokens", "MB"], _memory(ground)
    )
    starts = [_start() for _ in range(ground.count(STARTS, 1))]
    report.table(
        "Seconds until `monite-auth emulator` answers: by the clock, and of the processor",
        ["clock", "processor"],
        [tuple(f"{statistics.median(each):.2f}" for each in zip(*starts, strict=True))],
    )


def _over_http(ground: Ground) -> tuple[str, str]:
    port = free_port()
    words = ["monite_auth", "emulator", "--port", str(port), "--requests-per-second", "1000000"]
    with process(words, port, {}) as pid:
        cores = os.sched_getaffinity(0)
        mints = ground.count(MINTS, CONNECTIONS)
        try:
            _one_core(pid, sorted(cores))
            took = [asyncio.run(_mint(port, pid, mints)) for _ in range(ground.count(ROUNDS, 1))]
        finally:
            os.sched_setaffinity(0, cores)
    clock, processor = (statistics.median(each) for each in zip(*took, strict=True))
    return f"{mints / clock:,.0f}", f"{mints / processor:,.0f}"


def _one_core(pid: int, cores: list[int]) -> None:
    """Leave the server the first core, and take the others."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores[:1])
    os.sched_setaffinity(0, cores[1:] or cores)


async def _mint(port: int, pid: int, mints: int) -> Took:
    body = json.dumps(
        {
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "grant_type": "entity_user",
            "entity_user_id": ANNA_ID,
        }
    ).encode()
    asked = (
        f"POST /v1/auth/token HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\naccept: */*\r\nuser-agent: benchmark\r\n"
        f"content-type: application/json\r\nx-monite-version: 2024-05-25\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
    left = iter(range(mints))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(asked)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200"), head
            await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        writer.close()

    began = Took(time.perf_counter(), processor_of(pid))
    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return Took(time.perf_counter() - began.clock, processor_of(pid) - began.processor)


def _in_python(ground: Ground) -> tuple[str, str]:
    monite = Monite()
    anna = monite.directory.users.get(ANNA_ID)
    mints = ground.count(50_000, 10)
    clock, processor = time.perf_counter(), time.thread_time()
    for _ in range(mints):
        monite.mint(anna, DEMO_CLIENT_ID)
    return (
        f"{mints / (time.perf_counter() - clock):,.0f}",
        f"{mints / (time.thread_time() - processor):,.0f}",
    )


def _memory(ground: Ground) -> list[tuple[str, str]]:
    """Mint and revoke, and return the process's memory on the way."""
    monite = Monite()
    anna = monite.directory.users.get(ANNA_ID)
    tokens = ground.count(TOKENS, 10)
    rows = []
    for number in range(1, tokens + 1):
        monite.ledger.revoke(monite.mint(anna, DEMO_CLIENT_ID))
        if number in {1, tokens // 10, tokens // 2, tokens}:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            rows.append((f"{number:,}", f"{pages * resource.getpagesize() / 2**20:,.0f}"))
    return rows


def _start() -> Took:
    """Start the command, and return what it takes until the API answers."""
    port = free_port()
    began = time.perf_counter()
    words = [sys.executable, "-m", "monite_auth", "emulator", "--port", str(port)]
    running = subprocess.Popen(words, env=environment_with({}), stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        while not _answers(port):
            time.sleep(0.005)
        return Took(time.perf_counter() - began, processor_of(running.pid))
    finally:
        running.terminate()
        running.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"GET /v1/entities HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return line.recv(20).startswith(b"HTTP/1.1 ")
    except ConnectionRefusedError:
        return False
