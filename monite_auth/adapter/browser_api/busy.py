"""How many calls of one session are under way in this process: a page that loops must not take all connections to Monite."""

import threading
from collections import Counter
from contextlib import AsyncExitStack, ExitStack

from monite_auth.adapter.sessions import session_of
from monite_auth.identity import Principal
from monite_auth.processes.lifetimes import PerProcess

__all__ = ["BusySessions"]


class _Counts:
    def __init__(self) -> None:
        # Python may come upon a call that its event loop has left while this very thread counts.
        self.lock = threading.RLock()
        self.calls: Counter[object] = Counter()


class BusySessions:
    """The sessions that have calls under way, in one process."""

    def __init__(self) -> None:
        self._here = PerProcess(_Counts)

    def begin(self, principal: Principal, most: float, over: ExitStack | AsyncExitStack) -> bool:
        """Count one more call until it is `over`; return False where `most` are under way."""
        here = self._here()
        session = session_of(principal)
        with here.lock:
            if here.calls[session] >= most:
                return False
            here.calls[session] += 1
        over.callback(_end, here, session)
        return True


def _end(here: _Counts, session: object) -> None:
    with here.lock:
        here.calls[session] -= 1
        if not here.calls[session]:
            del here.calls[session]
