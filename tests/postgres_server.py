"""Real PostgreSQL servers for the tests: alone, and with a clock of their own.

A server runs in a folder of its own, on a port of its own, and dies with the process that started it. It refuses to run as root, so root
starts it as the user `postgres`, whom Debian's package brings.
"""

import atexit
import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg
import pytest

from tests.redis_server import certificate, free_port
from tests.waiting import PATIENCE, until
from tests.wall_clock import WallClock

is_allowed = True
"""Whether a server may be started now: not by a test that is not marked as one that needs PostgreSQL."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # nothing here crashes with its host
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "log_min_messages": "warning",
    "logging_collector": "off",
    "lc_messages": "C",
    "timezone": "UTC",
}


@functools.cache
def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs; skip the test where there is none.

    `POSTGRES_PROGRAMS` names their folder; else they are those of the newest version that is installed.
    """
    assert is_allowed, (
        "name a fixture, a parameter or the file of this test after postgres (tests/conftest.py)"
    )
    found = _found(name)
    if found is None:
        pytest.skip("PostgreSQL is not installed; `make servers` says how")
    return found


def is_installed() -> bool:
    """Say whether there is a server to start."""
    return _found("postgres") is not None


def _found(name: str) -> str | None:
    if "POSTGRES_PROGRAMS" in os.environ:
        return shutil.which(name, path=os.environ["POSTGRES_PROGRAMS"])
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(versions[-1]) if versions else shutil.which(name)


def as_its_user() -> list[str]:
    """Return what to begin a command with, so that it is not run by root."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@functools.cache
def empty_cluster() -> Path:
    """Return a folder with an empty database cluster, which servers copy: to make one takes a second or two."""
    folder = new_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(
        [
            *as_its_user(),
            *(program("initdb"), "--pgdata", str(folder / "data"), "--username", "admin", "--auth", "trust"),
            *("--no-sync", "--encoding", "UTF8", "--locale", "C"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
    )
    return folder / "data"


def new_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


class PostgresServer:
    """One server, with these `settings` besides those that all have.

    `standby_of`: whose changes it streams, until it is promoted. With `ssl="on"` it has the certificate of `redis_server.certificate`.
    """

    def __init__(self, standby_of: "PostgresServer | None" = None, /, **settings: str) -> None:
        empty = empty_cluster()
        self.folder = new_folder()
        if standby_of is None:
            subprocess.run(["cp", "--archive", str(empty), str(self.folder / "data")], check=True)
        else:
            self._copy(standby_of)
        self.port = free_port()
        self.settings = SETTINGS | settings
        if settings.get("ssl") == "on":
            self._add_certificate()
        self._environment: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: psycopg.Connection[Any] | None = None

    def _copy(self, primary: "PostgresServer") -> None:
        subprocess.run(
            [
                *as_its_user(),
                *(program("pg_basebackup"), "--pgdata", str(self.folder / "data"), "--write-recovery-conf"),
                *("--host", str(primary.folder), "--port", str(primary.port), "--username", "admin"),
                *("--checkpoint", "fast", "--no-sync"),
            ],
            check=True,
            cwd="/",
        )

    def _add_certificate(self) -> None:
        owner = (self.folder / "data").stat()
        for source, name in zip(certificate(), ("server.crt", "server.key"), strict=True):
            file = self.folder / "data" / name
            file.write_bytes(source.read_bytes())
            file.chmod(0o600)
            os.chown(file, owner.st_uid, owner.st_gid)

    def start(self) -> Self:
        for _ in range(5):
            self._process = self._launch()
            until(lambda: self._answers() or self._has_ended())
            if not self._has_ended():
                return self
            self.port = free_port()  # somebody else was quicker to take it
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def _launch(self) -> subprocess.Popen[bytes]:
        options = [each for name, value in self.settings.items() for each in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [
                    *as_its_user(),
                    # Set here, so that nothing of it runs as root.
                    *(
                        "setpriv",
                        "--pdeathsig",
                        "KILL",
                        "env",
                        *(f"{name}={value}" for name, value in self._environment.items()),
                    ),
                    *(program("postgres"), "-D", str(self.folder / "data")),
                    *("-p", str(self.port), "-k", str(self.folder), *options),
                ],
                stdout=log,
                stderr=log,
                cwd="/",
            )

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _answers(self) -> bool:
        try:
            self.query("SELECT 1")
        except psycopg.Error:
            self._forget_admin()
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        self._forget_admin()
        if self._process is not None:
            self._process.send_signal(how)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(timeout=PATIENCE)
            self._process = None

    def stop(self) -> None:
        """Let the server end at once, as an administrator does ("fast")."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Have it crash: all of its processes die without cleaning up. What follows is a recovery."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Have the server hang meanwhile, with all of its processes."""
        assert self._process is not None
        # The one that starts the others is stopped first and goes on last, so that all of them are there until then.
        self._process.send_signal(signal.SIGSTOP)
        processes = children(self._process.pid)
        for each in processes:
            os.kill(each, signal.SIGSTOP)
        try:
            yield
        finally:
            for each in processes:
                os.kill(each, signal.SIGCONT)
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Have the server take no writes meanwhile, as a primary does whose operator has said so."""
        self._set_read_only("on")
        try:
            yield
        finally:
            self._set_read_only("off")

    def _set_read_only(self, answer: str) -> None:
        self.query(f"ALTER SYSTEM SET default_transaction_read_only = {answer}")
        self.query("SELECT pg_reload_conf()")
        until(lambda: self._read_only_of_a_new_session() == answer)

    def _read_only_of_a_new_session(self) -> str:
        with psycopg.connect(self.url) as connection:
            ((answer,),) = connection.execute("SHOW default_transaction_read_only").fetchall()
            return str(answer)

    def wait_for_standby(self) -> None:
        """From now on, answer when a standby has written things down, too; until there is one, nobody has an answer."""
        self._set_synchronous("*")
        until(lambda: ("sync",) in self.query("SELECT sync_state FROM pg_stat_replication"))

    def promote(self) -> None:
        """Make a standby the primary, which waits for no other."""
        self._set_synchronous("")
        self.query("SELECT pg_promote()")

    def _set_synchronous(self, names: str) -> None:
        self.query(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.query("SELECT pg_reload_conf()")

    def begin_again(self, primary: "PostgresServer") -> None:
        """Make of one that has crashed a standby of the primary that took its place. It is to be started."""
        shutil.rmtree(self.folder / "data")
        self._copy(primary)

    def end_backends(self, user: str = "") -> None:
        """End all connections of a user, or of all stores."""
        whose = f"usename = '{user}'" if user else "application_name = 'monite-auth'"
        self.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {whose}")

    def crash_backend(self, user: str) -> None:
        """Have one connection of a user crash. The server then ends all of them, and recovers."""
        for (pid,) in self.query(f"SELECT pid FROM pg_stat_activity WHERE usename = '{user}' LIMIT 1"):
            os.kill(pid, signal.SIGKILL)
            until(lambda: not self._answers())  # the administrator's connection ends as well
            until(self._answers)

    # -- what tests look at

    @property
    def url(self) -> str:
        return self.url_of("admin")

    def url_of(self, user: str, password: str = "", database: str = "postgres") -> str:
        login = f"{user}:{password}" if password else user
        return f"postgresql://{login}@127.0.0.1:{self.port}/{database}"

    def query(self, statement: str) -> list[Any]:
        """Execute a statement as an administrator, by a connection of its own, and return the rows."""
        if self._admin is None:
            self._admin = psycopg.connect(
                host=str(self.folder),
                port=self.port,
                user="admin",
                dbname="postgres",
                autocommit=True,
                prepare_threshold=None,  # a test may deallocate what is prepared
                connect_timeout=10,
                options="-c default_transaction_read_only=off",
            )
        cursor = self._admin.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def _forget_admin(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def tables(self) -> list[str]:
        """Return the names of the store's tables."""
        found = self.query(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'monite_auth' ORDER BY tablename"
        )
        return [name for (name,) in found]


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class TimedServer(PostgresServer):
    """A server whose clock stands still and moves when the test says so, or is ahead of the host's. libfaketime does it."""

    def __init__(self, **settings: str) -> None:
        super().__init__(**settings)
        self._clock = WallClock(self.folder / "time", "+0")
        self._environment |= self._clock.environment

    def set_time(self, moment: float) -> None:
        """Have the clock stand still at a moment, seconds of the epoch."""
        self._clock.set(f"{moment:.6f}")

    def time(self) -> float:
        """Return the server's time as its functions compute it."""
        ((moment,),) = self.query("SELECT extract(epoch FROM clock_timestamp())::double precision")
        return float(moment)


@functools.cache
def timed_server() -> TimedServer:
    """Return the one that all tests share; they empty it before use."""
    server = TimedServer().start()
    atexit.register(server.close)
    return server


Server = TypeVar("Server", bound=PostgresServer)


def emptied(server: Server) -> Server:
    """Return the server with nothing of a store in it."""
    tables = [each for each in server.tables() if each != "schema_version"]
    if tables:
        server.query("TRUNCATE " + ", ".join(f"monite_auth.{each}" for each in tables))
    return server
