"""A Redis Cluster of three nodes, of which one hangs, dies or is full, and whose slots move from node to node."""

import random
from pathlib import Path

from redis.crc import key_slot

from tests.chaos.stores.protocol import Deck, Wait
from tests.chaos.stores.servers import DURABLE, ServerStarter, fill
from tests.chaos.troubles import Troubles
from tests.redis_server import RedisCluster, RedisServer
from tests.waiting import until

MOVED_TOGETHER = 6
"""Slots that move at the same time: of about thirty in which there is something, those of ten."""

FAILED_AFTER = "1500"
"""Milliseconds after which the nodes take one for failed: less than the longest pause of one."""

MIGRATED_WITHIN = 5000
"""Milliseconds that one node may take to give keys to another."""


class ClusterUnderTest:
    """The cluster. Each trouble lasts until all nodes see each other again."""

    def __init__(self, folder: Path) -> None:
        self._starter = ServerStarter()
        self._cluster = RedisCluster(*DURABLE, "--cluster-node-timeout", FAILED_AFTER)
        self._starter.run(self._cluster.__enter__)
        self.url = self._cluster.url
        self.troubles = Troubles()
        self._deck = Deck(("node paused", "node crashed", "node full", "slots moved"))

    def interrupt(self, chance: random.Random, wait: Wait) -> None:
        way = self._deck.draw(chance)
        node, other = chance.sample(self._cluster.nodes, 2)
        with self.troubles.during(way):
            match way:
                case "node paused":
                    with node.paused():
                        wait(chance.uniform(0.2, 3.0))
                case "node crashed":
                    node.kill()
                    wait(chance.uniform(0.0, 2.0))
                    self._starter.run(node.start)
                case "node full":
                    fill(node, chance, wait)
                case "slots moved":
                    self._move_slots(node, other, chance, wait)
            until(self._cluster.is_whole)

    def _move_slots(
        self, source: RedisServer, target: RedisServer, chance: random.Random, wait: Wait
    ) -> None:
        """Move some slots to another node, as the documentation of CLUSTER SETSLOT says, and stop half-way for a while."""
        used = sorted({key_slot(key) for key in source.admin.scan_iter(count=1000)})
        slots = chance.sample(used, min(MOVED_TOGETHER, len(used)))
        source_id, target_id = (
            each.admin.execute_command("CLUSTER MYID").decode() for each in (source, target)
        )
        for slot in slots:
            set_slot(target, slot, "IMPORTING", source_id)
            set_slot(source, slot, "MIGRATING", target_id)
        for slot in slots:
            keys = keys_in(source, slot)
            migrate(source, target, chance.sample(keys, len(keys) // 2))
        wait(chance.uniform(0.5, 3.0))
        for slot in slots:
            while keys := keys_in(source, slot):
                migrate(source, target, keys)
            for node in (target, source, *self._cluster.nodes):
                set_slot(node, slot, "NODE", target_id)

    def close(self) -> None:
        self._cluster.__exit__()
        self._starter.close()


def set_slot(node: RedisServer, slot: int, state: str, other_id: str) -> None:
    node.admin.execute_command("CLUSTER SETSLOT", slot, state, other_id)


def keys_in(node: RedisServer, slot: int) -> list[bytes]:
    found: list[bytes] = node.admin.execute_command("CLUSTER GETKEYSINSLOT", slot, 1000)
    return found


def migrate(source: RedisServer, target: RedisServer, keys: list[bytes]) -> None:
    """Have a node give some keys to another."""
    if keys:
        source.admin.execute_command(
            "MIGRATE", "127.0.0.1", target.port, "", 0, MIGRATED_WITHIN, "KEYS", *keys
        )
