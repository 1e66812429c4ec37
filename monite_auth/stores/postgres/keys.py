"""The keys of one account in PostgreSQL: opens its envelope, and notices when another data key is in force.

The account's row bears a stamp, which names the data key in force. Every function that seals, or depends on names, checks it first.
Where it is another one, or there is none, the caller opens the envelope again. That happens when a data key was renewed, and when a
store was emptied: then the next process to ask makes another envelope. What former data keys have sealed still opens.

The first to open the envelope in a process also sees to the schema, and asks how safe the server keeps what is written.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Mapping

from monite_auth.stores.postgres.connections import Connections
from monite_auth.stores.postgres.errors import SchemaMissing, store_is_unsettled
from monite_auth.stores.postgres.health import ASK, check_server, warn_about_durability
from monite_auth.stores.postgres.schema import READ_VERSION, VERSION, check_version, setup_script
from monite_auth.stores.postgres.statements import function, statement
from monite_auth.stores.sealing import NEW_PAIR, REOPEN_INTERVAL, Envelope, Opened, Vault, no_key_opens
from monite_auth.tokens import Clock

__all__ = ["EVERYONE", "AccountKeys"]

log = logging.getLogger("monite_auth")

EVERYONE = "everyone"
"""The place for which the cooldown of everyone is sealed."""

TRIES = 5
"""How often others may change an envelope while this process opens it."""

SETUP_PATIENCE = 30.0
"""Seconds for which a process waits until the schema is made: another one may be at it."""

READ_ENVELOPE = statement("SELECT envelope FROM monite_auth.accounts WHERE account = $1", "bytes")
READ_OTHERS = statement("SELECT envelope FROM monite_auth.accounts WHERE account <> $1", "bytes")
SWAP_ENVELOPE = function("swap_envelope", 4, "truth")


class AccountKeys:
    """Opens the envelope of one account. `envelope`: our keys. `clock` counts the seconds until it is opened again."""

    def __init__(self, account: str, envelope: Envelope, clock: Clock) -> None:
        digest = hashlib.sha256(account.encode("utf-8", "surrogatepass")).digest()
        self.account = base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
        """Names the account in the database, for those who have no key."""
        self._envelope = envelope
        self._clock = clock
        self._vault: Vault | None = None
        self._key_changes = 0
        self._opened_after = 0
        """How often the keys had changed before the envelope was opened last."""
        self._opened_at = 0.0
        self._has_checked = False
        self._has_warned = False

    def reopen(self) -> None:
        """Have the envelope opened again by the next operation."""
        self._key_changes += 1

    def present(self) -> Vault | None:
        """Return the vault, unless the envelope is to be opened first."""
        if self._key_changes == self._opened_after and abs(self._clock() - self._opened_at) < REOPEN_INTERVAL:
            return self._vault
        return None

    async def vault(self, connections: Connections) -> Vault:
        """Return the vault; open the envelope where that has not been done yet, or not for a while."""
        vault = self.present()
        if vault is not None:
            return vault
        if self._vault is None:
            # Many may come at first, and it takes several round trips.
            async with connections.one_at_a_time():
                return self.present() or await self._open_again(connections)
        return await self._open_again(connections)

    async def adopt(self, connections: Connections, vault: Vault) -> None:
        """Open the envelope again, since another data key than the vault's is in force."""
        if self._vault is vault:
            await self._open_again(connections)

    async def set_up_again(self, connections: Connections) -> None:
        """Make the schema again, since something of it is missing."""
        self._has_checked = False
        await self._open_again(connections)

    async def _open_again(self, connections: Connections) -> Vault:
        key_changes = self._key_changes  # before the keys are asked for: they may change meanwhile
        self._opened_at = self._clock()  # at once, so that one caller opens it for all
        await self._check(connections)
        opened = await self._open(connections)
        before = self._vault
        if before is None or before.data_key_id != opened.seal.id:
            if before is not None and before.data_key_id not in opened.seal.knows:
                log.warning(
                    "PostgreSQL at %s has lost the data of the token store, and it begins anew: tokens in it before will not be "
                    "revoked, and sessions that had ended are unknown.",
                    connections.address.shown,
                )
            self._vault = Vault(opened.seal)  # else: the one that keeps what it has opened
        self._opened_after = key_changes
        assert self._vault is not None
        return self._vault

    async def _open(self, connections: Connections) -> Opened:
        for _ in range(TRIES):
            found = await connections.run(READ_ENVELOPE, [self.account], is_setup=True)
            former: bytes | None = found[0][0] if found else None
            if former is None:
                opened = self._envelope.new()
            else:
                content = _content(former)
                of_ours = self._envelope.open(content) if content is not None else None
                if of_ours is None:
                    raise no_key_opens(f"the token store in PostgreSQL at {connections.address.shown}")
                if of_ours.content == content:
                    return of_ours
                opened = of_ours
            ((is_ours,),) = await connections.run(
                SWAP_ENVELOPE, [self.account, former, _written(opened.content), opened.seal.id]
            )
            if is_ours:
                if former is None:
                    await self._warn_of_another_pair(connections)
                return opened
        raise store_is_unsettled()

    async def _warn_of_another_pair(self, connections: Connections) -> None:
        """Warn where this account is new and its keys open another one's: it may be the same, under a new pair."""
        for (envelope,) in await connections.run(READ_OTHERS, [self.account]):
            content = _content(envelope)
            if content is not None and self._envelope.open(content) is not None:
                log.warning(NEW_PAIR)
                return

    async def _check(self, connections: Connections) -> None:
        """Check the server, and make the schema where it is not there; once per process."""
        if self._has_checked:
            return
        where = connections.address.shown
        ((number, version, fsync, synchronous_commit, full_page_writes),) = await connections.run(
            ASK, [], is_setup=True
        )
        check_server(number, version, where)
        schema = await _version(connections)
        if schema < VERSION:
            await connections.script(setup_script(), patience=SETUP_PATIENCE)
            schema = await _version(connections)
        check_version(schema, where)
        self._has_checked = True
        if not self._has_warned:
            self._has_warned = True
            warn_about_durability(fsync, synchronous_commit, full_page_writes, where)


async def _version(connections: Connections) -> int:
    """Return the version of the schema; 0 where there is none."""
    try:
        ((version,),) = await connections.run(READ_VERSION, [], is_setup=True)
    except SchemaMissing:
        return 0
    return int(version)


def _written(content: Mapping[str, bytes]) -> bytes:
    return json.dumps(
        {name: base64.b64encode(value).decode() for name, value in sorted(content.items())}
    ).encode()


def _content(envelope: bytes) -> dict[str, bytes] | None:
    """Return an envelope as it lies in the database; None for something else."""
    try:
        return {name: base64.b64decode(value) for name, value in json.loads(envelope).items()}
    except (ValueError, TypeError, AttributeError):
        return None
