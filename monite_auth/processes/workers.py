"""What kind of worker this process is: whether it may start threads, and whether it seems to be one of several."""

import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["is_one_of_several", "threads_are_allowed"]

PROCESSES = Path("/proc")


def threads_are_allowed() -> bool:
    """Say whether a thread that is started now would run, and run to its end.

    Under uWSGI without `--enable-threads` it never gets its turn. And while uWSGI loads the application that it is going
    to fork (in C, without Python's fork hooks), its workers would inherit whatever a thread is in the middle of.
    """
    uwsgi = sys.modules.get("uwsgi")  # uWSGI puts it there; it cannot be installed
    if uwsgi is None:
        return True
    is_forked = uwsgi.worker_id() > 0 or uwsgi.mule_id() > 0
    options = {os.fsdecode(name) for name in uwsgi.opt}  # text, or bytes in some versions
    return is_forked and not options.isdisjoint({"enable-threads", "threads"})


def is_one_of_several() -> bool:
    """Say whether other processes seem to do the same work as this one.

    uWSGI says so itself. Spawned workers (uvicorn's, hypercorn's) know their parent. Forked workers (gunicorn's) have
    siblings that run the same command; Linux lists them. So have pytest-xdist's, which are no server's: each has tests of its own.
    """
    uwsgi = sys.modules.get("uwsgi")  # uWSGI puts it there; it cannot be installed
    if uwsgi is not None:
        return int(getattr(uwsgi, "numproc", 1)) > 1
    spawning = sys.modules.get("multiprocessing")  # it is there in whatever it has started
    if spawning is not None and spawning.parent_process() is not None:
        return True
    return not _runs_tests_for_xdist() and _has_siblings()


def _runs_tests_for_xdist() -> bool:
    # A server that a test starts inherits the variable, and does not import pytest.
    return "PYTEST_XDIST_WORKER" in os.environ and "pytest" in sys.modules


def _has_siblings() -> bool:
    parent, own = os.getppid(), os.getpid()
    with suppress(OSError, ValueError, IndexError):  # another system, or a process that has just gone
        command = (PROCESSES / str(own) / "cmdline").read_bytes()
        for each in PROCESSES.iterdir():
            if each.name.isdigit() and int(each.name) != own and _parent_of(each) == parent:
                with suppress(OSError):
                    if (each / "cmdline").read_bytes() == command:
                        return True
    return False


def _parent_of(process: Path) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        # "pid (command) state ppid …" (proc(5)); the command may hold anything, a parenthesis too.
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    return None
