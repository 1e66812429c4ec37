"""Connections to Redis, whether of threads or of an event loop: they send a command or a script, and return the answer.

*Trying again.* A command is sent twice at most, the second time over a fresh connection, and only here:

| the first time | why it is sent again |
|---|---|
| its connection broke at once | it was idle, and a restart or failover has cut it |
| no answer came within its part of the timeout | one connection is dead, and the server is not; or the fault was the caller's own |

The first command may have been carried out all the same; every script can bear that, as `operations` says for each.

*Whose time counts.* Waiting for a free connection (`lanes`, of each server) counts against no timeout. Neither does the time in which an event
loop was blocked (`running_time`). A thread's timeout is the kernel's, which looks for an answer before it gives up, also after
the process was stopped. Once a server is found to hang, all those fail at once who were waiting for a connection meanwhile.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import redis
import redis.exceptions

from monite_auth.errors import MoniteAuthError, StoreUnavailable
from monite_auth.stores.redis.address import Address
from monite_auth.stores.redis.answers import is_answer_of
from monite_auth.stores.redis.errors import (
    FAILURES,
    UnknownScript,
    is_connection_lost,
    is_timeout,
    part_that_failed,
    strange_answer,
    translated,
)
from monite_auth.stores.redis.lanes import Lane, LaneName
from monite_auth.stores.redis.scripts import SCRIPTS, Script
from monite_auth.stores.redis.servers import ALONE, Health, Server

__all__ = ["FIRST_SHARE", "Argument", "Connections"]

Argument = str | bytes | int | float
FIRST_SHARE = 0.5
"""The part of the timeout for the first answer over a connection that may be old. If it is dead, a fresh one gets a chance soon."""

PEEKS = SCRIPTS["peek"], SCRIPTS["peek_in_turn"]


class Connections(ABC):
    """Sends commands and scripts to Redis. `timeout`: the seconds that a command may take.

    `healths`: what the process knows of each server, by name.
    """

    def __init__(self, address: Address, timeout: float, healths: dict[str, Health]) -> None:
        self._address = address
        self._timeout = timeout
        self._has_worked = False
        self._healths = healths
        self._servers: dict[str, Server] = {}

    @abstractmethod
    def _new_lane(self, name: LaneName) -> Lane:
        """Return a new lane."""

    @property
    @abstractmethod
    def _cluster(self) -> Any:
        """The client of the cluster, if one is open."""

    @abstractmethod
    async def _find_nodes(self) -> None:
        """Open the client of the cluster: ask one host after the other who the nodes are, since some may hang."""

    @abstractmethod
    async def _exchange(self, command: Sequence[Argument], patience: float) -> Any:
        """Send one command and return the answer. `patience`: seconds to wait, where that can be said for each."""

    @abstractmethod
    async def _close_idle(self, command: Sequence[Argument]) -> None:
        """Close idle connections to the server of a command that failed.

        They lead to a server that is not the one to ask any more, or are dead like the one that failed: a firewall that has
        forgotten one idle connection has forgotten those of the same age.
        """

    @abstractmethod
    def one_at_a_time(self) -> AbstractAsyncContextManager[None]:
        """Have those who come here wait for each other."""

    async def run(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], *, probes: bool = True
    ) -> Any:
        """Run a script and return its answer. Send its source if the server does not know it (any more).

        `probes`: whether it may be the one that finds out whether a node is back. Its caller may have to wait for that, so it is
        false for users of other nodes, who can do without.

        Raises: StoreUnavailable, ConfigurationError.
        """
        lane: LaneName = "peek" if script in PEEKS else "other"
        try:
            answer = await self.send(
                "EVALSHA", script.sha, len(keys), *keys, *arguments, lane=lane, probes=probes
            )
        except UnknownScript:
            answer = await self.send("EVAL", script.source, len(keys), *keys, *arguments, probes=probes)
        if not is_answer_of(script.name, answer):
            raise strange_answer(keys)
        return answer

    async def send(self, *command: Argument, lane: LaneName = "other", probes: bool = True) -> Any:
        """Send a command and return its answer, as soon as a connection is free. `probes`: see `run`.

        Raises: StoreUnavailable, ConfigurationError.
        """
        if self._address.kind == "cluster" and self._cluster is None:
            try:
                await self._find_nodes()
            except FAILURES as error:
                raise self._translated(error, command, self._server(command)) from None
        queued_at = time.monotonic()
        server = self._server(command)
        if server.is_left_alone(queued_at, probes=probes):
            raise StoreUnavailable(server.failure, part=f"node {server.name}")
        entered = server.lanes[lane]
        await entered.enter()
        try:
            if server.hung_at > queued_at:
                raise self._translated(redis.TimeoutError(), command, server)
            return await self._try_twice(command, server)
        finally:
            entered.leave()

    def server_of(self, keys: Sequence[str]) -> str:
        """Return the name of the server on which keys lie."""
        return self._server(("EVALSHA", "", len(keys), *keys)).name

    def _server(self, command: Sequence[Argument]) -> Server:
        """Return the server that a command goes to."""
        node = self._node(command)
        name = ALONE if node is None else node.name
        server = self._servers.get(name)
        if server is None:
            health = self._healths.setdefault(name, Health())
            server = self._servers.setdefault(name, Server(name, health, self._new_lane))
        return server

    def _node(self, command: Sequence[Argument]) -> Any:
        """Return the node of a cluster that a command goes to, if that is known."""
        cluster = self._cluster
        keys = keys_of(command) if cluster is not None else []
        if not keys:
            return None
        try:
            return cluster.get_node_from_key(keys[0])
        except FAILURES:
            return None

    def _translated(
        self, error: BaseException | None, command: Sequence[Argument], server: Server
    ) -> MoniteAuthError:
        part = part_that_failed(error, self._address, server.name, keys_of(command))
        return translated(error, self._address, self._timeout, has_worked=self._has_worked, part=part)

    async def _try_twice(self, command: Sequence[Argument], server: Server) -> Any:
        started = time.monotonic()
        shares = (FIRST_SHARE, 1) if self._has_worked else (1, FIRST_SHARE)
        error: BaseException | None = None
        for share in shares:
            if error is not None:
                with suppress(*FAILURES):
                    await self._close_idle(command)
            try:
                answer = await self._exchange(command, share * self._timeout)
            except redis.exceptions.NoScriptError:
                server.answered()
                raise UnknownScript from None
            except KeyError as slot:  # redis-py's word for a slot that no node serves, after it has asked for the nodes again
                error = redis.exceptions.SlotNotCoveredError(f"Slot {slot} is not covered by the cluster.")
                break
            except FAILURES as failure:
                error = failure
                broke_at_once = (
                    is_connection_lost(failure) and time.monotonic() - started <= self._timeout / 2
                )
                if not (is_timeout(failure) or broke_at_once):
                    break
            else:
                self._has_worked = True
                server.answered()
                return answer
        if server.name == ALONE:
            # A client of a cluster learns with its first command which node that goes to.
            server = self._server(command)
        problem = self._translated(error, command, server)
        if is_timeout(error) or is_connection_lost(error):
            server.failed(time.monotonic(), str(problem), hangs=is_timeout(error))
        else:
            server.answered()
        raise problem


def keys_of(command: Sequence[Argument]) -> list[str]:
    """Return the keys of a script that a command runs."""
    match command:
        case ("EVALSHA" | "EVAL", _, int(count), *keys):
            return [str(key) for key in keys[:count]]
    return []
