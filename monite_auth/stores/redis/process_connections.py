"""All connections of a process to Redis: those of its threads, and those of each event loop."""

from functools import partial

from monite_auth.processes.lifetimes import PerLoop
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.loop_connections import LoopConnections
from monite_auth.stores.redis.servers import Health
from monite_auth.stores.redis.thread_connections import ThreadConnections

__all__ = ["ProcessConnections"]


class ProcessConnections:
    """All connections of one process, which all accounts share: those of its threads, and those of each event loop."""

    def __init__(self, address: Address, timeout: float) -> None:
        healths: dict[str, Health] = {}
        self.of_threads = ThreadConnections(address, timeout, healths)
        self.of_loop = PerLoop(partial(LoopConnections, address, timeout, healths))

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        connections = self.of_loop.existing()
        if connections is not None:
            await connections.aclose()
