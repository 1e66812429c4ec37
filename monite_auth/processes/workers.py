"""Guess whether this process is one of several workers of a server, which share no memory. It serves a warning."""

import multiprocessing
import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["is_one_of_several"]

PROCESSES = Path("/proc")


def is_one_of_several() -> bool:
    """Say whether other processes seem to do the same work as this one.

    uWSGI says so itself. Spawned workers (uvicorn's, hypercorn's) know their parent. Forked workers (gunicorn's) have
    siblings that run the same command; Linux lists them.
    """
    uwsgi = sys.modules.get("uwsgi")  # uWSGI puts it there; it cannot be installed
    if uwsgi is not None:
        return int(getattr(uwsgi, "numproc", 1)) > 1
    return multiprocessing.parent_process() is not None or _has_siblings()


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
