"""Lead a flight: mint on behalf of everybody who waits for it, and finish it whatever happens."""

import logging
from functools import partial

from monite_auth.engine.claim_polls import ClaimPolls
from monite_auth.engine.directory_lookup import DirectoryLookup
from monite_auth.engine.drain import Drainer
from monite_auth.engine.mint import Mint
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.single_flight import Flight, SingleFlight
from monite_auth.engine.strays import Strays
from monite_auth.engine.token_request import TokenRequest
from monite_auth.engine.unlinked import Unlinked
from monite_auth.errors import EntityUserRejected, MoniteUnavailable, RateLimited
from monite_auth.identity import Directory
from monite_auth.processes.workers import is_one_of_several
from monite_auth.settings import Settings
from monite_auth.stores.memory.operations import MemoryOperations

__all__ = ["MintLeader"]

log = logging.getLogger("monite_auth")


class MintLeader:
    """Mints for whoever leads a flight, in one process."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        flights: SingleFlight,
        drainer: Drainer,
        strays: Strays,
        *,
        owner: str,
        claim_poll: float,
    ) -> None:
        self._flights = flights
        self._drainer = drainer
        self._strays = strays
        self._has_minted = False
        self._mint = partial(
            Mint,
            settings=settings,
            lookup=partial(DirectoryLookup, settings=settings, directory=directory, unlinked=Unlinked()),
            drainer=drainer,
            strays=strays,
            owner=owner,
            claim_polls=ClaimPolls(claim_poll),
        )

    async def lead(self, runtime: Runtime, flight: Flight, request: TokenRequest) -> None:
        """Mint for the flight, which the caller leads. What goes wrong is the flight's `error`; nothing is raised."""
        if not flight.start():
            return
        mint = self._mint(runtime, flight, request)
        error: Exception | None = None
        try:
            self._warn_of_other_workers(runtime)
            with runtime.telemetry.span("mint"):
                await mint.run()
        except GeneratorExit:
            flight.leave()
            raise
        except BaseException as failure:
            if not isinstance(failure, Exception):
                self._end(request, flight)
                raise
            error = failure
            is_news = not mint.was_cooling_down
            if is_news and isinstance(failure, EntityUserRejected | MoniteUnavailable | RateLimited):
                log.warning("There is no new token. %s", failure)  # whatever the app makes of it
        self._end(request, flight, error)
        if mint.left_pending or runtime.clock() >= self._drainer.sweep_at:
            self._drainer.start(runtime)

    def _end(self, request: TokenRequest, flight: Flight, error: Exception | None = None) -> None:
        self._flights.finish(request.slot, flight, error)
        if self._strays.tokens:
            self._drainer.sweep_next()

    def _warn_of_other_workers(self, runtime: Runtime) -> None:
        """Log a warning at the first mint if each of several workers keeps tokens for itself."""
        if self._has_minted:
            return
        self._has_minted = True
        if isinstance(runtime.store, MemoryOperations) and is_one_of_several():
            log.warning(
                "MONITE_STORE_URL is memory://, and this process seems to be one of several workers: each mints for itself, "
                "and a logout ends tokens in the worker that it reaches only. Set it to sqlite:///… (one host), or to redis://… or "
                "postgresql://… (many)."
            )
