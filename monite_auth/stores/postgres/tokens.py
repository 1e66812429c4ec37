"""Tokens and leases in PostgreSQL: peek, claim, commit, abandon, discard."""

import hashlib
import secrets
from collections.abc import Sequence

from monite_auth.identity import PARTNER, Subject
from monite_auth.stores.postgres.errors import SchemaMissing
from monite_auth.stores.postgres.execution import TRIES, Execution, times_of
from monite_auth.stores.postgres.keys import EVERYONE
from monite_auth.stores.postgres.statements import Argument, Row, Statement, function, moments_of, statement
from monite_auth.stores.sealing import SealBroken, Vault
from monite_auth.stores.values import (
    Busy,
    Claim,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Ended,
    Hit,
    Lease,
    Slot,
)
from monite_auth.tokens import AccessToken

__all__ = ["PEEK", "PEEK_BY_DATE", "PEEK_BY_SESSION", "PostgresTokens"]

COLUMNS = "text", "bytes", "moment", "moment", "moment", "moment"
FOUND = "text", "bytes", "moments"
TIMES = "expires_at", "issued_at", "renew_at"

# Whether it is still valid is for the reader to see, who knows whether the server's clock was set. A session is known until some moment.
FACTS = f"SELECT token.print, token.sealed, {moments_of(*(f'token.{each}' for each in TIMES), 'now()')}"

PEEK = statement(
    f"{FACTS} FROM monite_auth.tokens AS token WHERE token.slot = $1 AND token.state = 'live'",
    *FOUND,
    is_peek=True,
)

PEEK_BY_SESSION = statement(
    f"""
    {FACTS} || {moments_of("session.until")} FROM monite_auth.tokens AS token, monite_auth.sessions AS session
    WHERE token.slot = $1 AND token.state = 'live'
        AND session.user_name = $2 AND session.session_name = $3 AND NOT session.ended
    """,
    *FOUND,
    is_peek=True,
)

PEEK_BY_DATE = statement(
    f"""
    {FACTS} FROM monite_auth.tokens AS token, (SELECT now() - monite_auth.seconds($9) AS now) AS store
    WHERE token.slot = $1 AND token.state = 'live' AND NOT EXISTS (
        SELECT FROM monite_auth.sessions WHERE user_name = $2 AND session_name = $3 AND until > store.now
    ) AND NOT monite_auth.ended_by_date($4, $2, monite_auth.began($6, $5, $7, store.now), store.now)
    AND monite_auth.began($5, $5, $7, store.now) > store.now - monite_auth.seconds($8)
    """,  # noqa: S608 - ours
    *FOUND,
    is_peek=True,
)

CLAIM = function("claim", 19, "text", *COLUMNS)
COMMIT = function("commit", 12, "text")
ABANDON = function("abandon", 9, "nothing")
DISCARD = function("discard", 6, "nothing")


class PostgresTokens(Execution):
    """See TokenOperations."""

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Operations."""
        connections = self._connections()
        for _ in range(TRIES):
            vault, at = self._keys.present() or await self._keys.vault(connections), self._clock()
            name = vault.slot(slot)
            try:
                rows = await connections.run(*self._peek_of(vault, name, principal))
            except SchemaMissing:
                await self._keys.set_up_again(connections)
                return None
            if not rows:
                return None
            fingerprint_name, sealed, (expires_at, issued_at, renew_at, time, *known_until) = rows[0]
            now = self._server_clock.steady(time, at)
            if now is None:
                await self._look_at_clock(connections, at)
                continue
            if expires_at <= now or (known_until and known_until[0] <= now):
                return None
            try:
                return self._token(
                    vault, name, (fingerprint_name, sealed, expires_at, issued_at, renew_at, now), at
                )
            except SealBroken:  # another data key may be in force
                await self._keys.adopt(connections, vault)
                if await self._keys.vault(connections) is vault:
                    self._warn()
                    return None
        return None

    def _peek_of(self, vault: Vault, name: str, principal: Subject) -> tuple[Statement, Sequence[Argument]]:
        """Return the statement that reads the slot of this name, and its arguments."""
        if principal is PARTNER:
            return PEEK, [name]
        session = vault.principal(principal)
        if session is None:
            return PEEK, [name]
        user = vault.user(principal.user_id)
        if principal.session_id is not None:
            return PEEK_BY_SESSION, [name, user, session]
        dates = self._dates(principal)
        set_by = self._server_clock.set_by
        return PEEK_BY_DATE, [name, user, session, self._keys.account, *dates, self._session_memory, set_by]

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See Operations."""
        lease = Lease(slot, secrets.token_hex(8))
        unopened = ""
        while True:
            at = self._clock()
            present = self._keys.present()
            # Before the claim, so that nothing is missed of what happens after it.
            heard = self._listener().heard_of(present.slot(slot)) if present is not None else None
            vault, (row,) = await self._ask(
                CLAIM,
                lambda vault: [
                    *_place(vault, slot),
                    *_identity(vault, principal),
                    *self._dates(principal),
                    self._session_memory,
                    owner,
                    lease.id,
                    seconds,
                    min_life,
                    unopened,  # noqa: B023 - it is called at once
                    heard is not None,  # noqa: B023
                ],
            )
            try:
                claim = self._claim_of(vault, lease, row, at)
            except SealBroken:  # something else has written it, and it counts as missing
                self._warn()
                unopened += hashlib.sha256(row[2]).hexdigest() + " "
                continue
            if isinstance(claim, Busy):
                self._listener().listen_for(vault.slot(slot), claim.retry_in)
                return claim._replace(mint=heard)
            return claim

    def _claim_of(self, vault: Vault, lease: Lease, row: Row, at: float) -> Claim:
        kind, facts = row[0], row[1:]
        _, sealed, until, *_, now = facts
        name = vault.slot(lease.slot)
        match kind:
            case "hit":
                return Hit(self._token(vault, name, facts, at))
            case "busy":
                return Busy(until - now)
            case "ended" | "old":
                return Ended(too_old=kind == "old")
            case "slot cools down":
                return CoolingDown(until - now, vault.open_cooldown(sealed, name))
            case "everyone cools down":
                return CoolingDown(until - now, vault.open_cooldown(sealed, EVERYONE))
        return Claimed(lease)

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        times = times_of(token)

        def arguments(vault: Vault) -> Sequence[Argument]:
            user, slot, session = _place(vault, lease.slot)
            fingerprint = vault.fingerprint_name(token.fingerprint)
            return [user, slot, session, lease.id, fingerprint, vault.seal_token(str(slot), token), *times]

        return Committed(await self._value(COMMIT, arguments))

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See Operations."""

        def arguments(vault: Vault) -> Sequence[Argument]:
            user, slot, _ = _place(vault, lease.slot)
            if cooldown is None:
                return [user, slot, lease.id, 0.0, None, False]
            place = EVERYONE if cooldown.everyone else str(slot)
            return [
                user,
                slot,
                lease.id,
                cooldown.seconds,
                vault.seal_cooldown(place, cooldown),
                cooldown.everyone,
            ]

        await self._ask(ABANDON, arguments)

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        await self._ask(
            DISCARD,
            lambda vault: [vault.user(slot.user), vault.slot(slot), vault.fingerprint_name(fingerprint)],
        )

    def _token(self, vault: Vault, slot: str, row: Row, at: float) -> AccessToken:
        """Return the token in a row, in the time of its reader, who asked `at`; raise SealBroken if it was not sealed for that slot."""
        fingerprint_name, sealed, expires_at, issued_at, renew_at, now = row
        value, entity_user = vault.open_token(sealed, slot, fingerprint_name)
        ahead = at - now
        return AccessToken(
            value, expires_at + ahead, issued_at + ahead, renew_at + ahead, entity_user, self._clock
        )


def _place(vault: Vault, slot: Slot) -> list[Argument]:
    """Return the names of a slot's user, of the slot, and of its session."""
    return [vault.user(slot.user), vault.slot(slot), vault.session(slot.user, slot.session)]


def _identity(vault: Vault, principal: Subject) -> list[Argument]:
    """Return whether the principal is a person, and the names of the session: by its ID or date, and by its ID only."""
    if principal is PARTNER:
        return [False, None, None]
    return [True, vault.principal(principal), vault.session(principal.user_id, principal.session_id)]
