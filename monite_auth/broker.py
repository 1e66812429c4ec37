"""The token broker: the public face of the package.

One broker per process (or per client ID). Every method comes twice, `token` for threads and `atoken` for event
loops; both run the same engine over the same store, and a thread and a task that want the same token share one mint.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from monite_auth.engine.asking import heed, heed_limit
from monite_auth.engine.blocking import BlockingRuntime
from monite_auth.engine.drain import DrainReport
from monite_auth.engine.endings import EndReport, UserStatus
from monite_auth.engine.engine import Engine
from monite_auth.engine.event_loop import AsyncRuntime
from monite_auth.engine.mint_errors import slow_function
from monite_auth.engine.running import Running
from monite_auth.engine.runtime import run
from monite_auth.engine.transport import httpcore_of
from monite_auth.engine.transport import httpx as own_httpx
from monite_auth.errors import ConfigurationError, MoniteUnavailable, NotLinked, NotLoggedIn, RateLimited
from monite_auth.events.event import Sink
from monite_auth.events.listeners import Listeners
from monite_auth.functions import AppFunction
from monite_auth.identity import (
    PARTNER,
    Bindable,
    Directory,
    DirectoryLike,
    EntityUser,
    Principal,
    Subject,
    as_directory,
)
from monite_auth.monite_api.answers import Response
from monite_auth.monite_api.grants import ASSUMED_LIFE, bearer_of
from monite_auth.monite_api.headers import call_headers
from monite_auth.monite_api.requests import Call
from monite_auth.outbound import BrokerAuth, Pools
from monite_auth.outbox import TableOutbox, is_for_event_loops, outbox_of, write
from monite_auth.permissions.policy import Authorize, Policy
from monite_auth.permissions.roles import Roles
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.rbac import Action, ObjectType, Role, parse_permission
from monite_auth.settings import Settings
from monite_auth.stores import Overview, Store
from monite_auth.stores.health import Health, health_of
from monite_auth.stores.opening import open_store
from monite_auth.tokens import AccessToken, Clock, Secret, steady_clock

if TYPE_CHECKING:
    from monite_auth.outbound.httpx2_auth import Httpx2BrokerAuth

__all__ = ["TokenBroker"]

Acting = TypeVar("Acting", bound=Subject)

NOT_WHOLE = 1e-3
"""Seconds that are added to the date of a job that is a whole second. The date of a login that is one may mean any moment of
that second; a job is taken at its word."""


class TokenBroker:
    """Keeps one live Monite token for each logged-in user of a partner's app.

        broker = TokenBroker(Settings.from_env(), directory=lambda principal: EntityUser("…uuid…", "…uuid…"))
        broker.token(Principal("user-1", session_id="…")).authorization

    `directory`: who a principal is in Monite: a function (`def` or `async def`), a mapping, or a Directory.
    `authorize`: in the security models where the application decides, says what a principal may do:
    `authorize(principal, object_type, action) -> bool`, `def` or `async def`; docs/security-models.md.
    `store`: where tokens live; by default what `settings.store_url` says. While a shared store is down, this process goes on
    with its own memory (docs/outages.md).
    `events`: functions that take each Event for auditors, beside where `settings.events` says; docs/events.md.
    `outbox`: what opens a connection to the application's own database, for `end_user_in` and `relink_in`: an engine or a sessionmaker
    of SQLAlchemy, a pool of psycopg, or a function that returns a context; docs/transactions.md.
    `clock`: epoch seconds; tests hand in their own.

    A broker opens connections when they are needed, and again after `close`. It may be used from any number of
    threads and asyncio event loops at once, and be built before a server forks its workers.

    Errors of all methods are in `monite_auth.errors`; docs/troubleshooting.md says what ends in which.
    """

    def __init__(
        self,
        settings: Settings,
        directory: DirectoryLike,
        *,
        authorize: Authorize | AppFunction[bool] | None = None,
        store: Store | None = None,
        events: Sink | Iterable[Sink] = (),
        outbox: object = None,
        clock: Clock = steady_clock,
    ) -> None:
        self.settings = settings
        self._outbox = outbox_of(outbox)
        self._listeners = Listeners(settings, events)
        self.telemetry = self._listeners.telemetry
        self.store = open_store(settings, store, clock=clock, telemetry=self.telemetry)
        settings.credentials.call_on_change(self.store.reopen)
        settings.credentials.call_on_change(self._listeners.tell_of_rotation)
        overview = self.store.operations(blocking=True).overview
        self._listeners.watch_backlog(partial(overview, count_live=False))
        self._clock = clock
        self._directory = as_directory(directory)
        if isinstance(self._directory, Bindable):
            self._directory.bind(self)
        self._policy = Policy(settings, authorize, self.telemetry)
        for library in (httpx, own_httpx):
            httpcore_of(library)  # imports it
        self._pools = Pools(settings)
        here = PerProcess(
            partial(Running, settings, self.store, self._directory, self.telemetry, clock, self._outbox)
        )
        self._here = here.__call__  # for each hit; to call a method takes half the time of calling an object

    @property
    def directory(self) -> Directory:
        """What answers who a principal is in Monite."""
        return self._directory

    @property
    def running(self) -> Running:
        """What this broker has under way in this process; private to the package, for a directory that asks Monite."""
        return self._here()

    @property
    def _engine(self) -> Engine:
        return self._here().engine

    @property
    def _roles(self) -> Roles:
        return self._here().roles

    def __repr__(self) -> str:
        return f"<TokenBroker for {self.settings.base_url}>"

    # -- tokens

    def token(self, principal: Subject | None, *, min_ttl: float = 0) -> AccessToken:
        """Return the principal's token, with at least `min_ttl` seconds of life left.

        Costs one read of the store while there is such a token; else it is minted, once, whoever else asks.
        Raises NotLoggedIn, NotLinked, SessionEnded, EntityUserRejected, CredentialsRejected, RateLimited,
        MoniteUnavailable, TokenTooShort, StoreUnavailable, or NoTokenToGive where calls carry a partner token.
        """
        acting = _known(principal)
        if acting is not PARTNER:
            self._policy.refuse_to_give_tokens()
        return self._token(acting, min_ttl)

    async def atoken(self, principal: Subject | None, *, min_ttl: float = 0) -> AccessToken:
        """Return the principal's token; see `token`."""
        acting = _known(principal)
        if acting is not PARTNER:
            self._policy.refuse_to_give_tokens()
        return await self._atoken(acting, min_ttl)

    def partner_token(self, *, min_ttl: float = 0) -> AccessToken:
        """Return the partner token: root over every entity. It must never reach a browser."""
        return self.token(PARTNER, min_ttl=min_ttl)

    async def apartner_token(self, *, min_ttl: float = 0) -> AccessToken:
        """Return the partner token; see `partner_token`."""
        return await self.atoken(PARTNER, min_ttl=min_ttl)

    def headers(self, principal: Subject | None) -> dict[str, str]:
        """Return the headers of a call to Monite: `Authorization`, `x-monite-version`, `x-monite-entity-id`."""
        return call_headers(self.settings.api_version, self.token(principal))

    async def aheaders(self, principal: Subject | None) -> dict[str, str]:
        """Return the headers of a call to Monite; see `headers`."""
        return call_headers(self.settings.api_version, await self.atoken(principal))

    def reject(self, principal: Subject | None, token: AccessToken) -> None:
        """Note that Monite did not accept `token`: the next call mints. Later tokens are not touched.

        Raises NotLoggedIn, StoreUnavailable.
        """
        run(self._engine.tokens.reject(self._blocking(), _known(principal), token))

    async def areject(self, principal: Subject | None, token: AccessToken) -> None:
        """Note that Monite did not accept `token`; see `reject`."""
        await self._engine.tokens.reject(self._async(), _known(principal), token)

    def exchange(self, principal: Subject | None, token: AccessToken, *, certain: bool) -> bool:
        """Say whether a call that Monite refused with `token` is to be sent again, with another token; BrokerAuth asks.

        `certain`: whether Monite said in its own words that the token is dead. `monite_auth.engine.exchange` has the rules.
        Raises NotLoggedIn, StoreUnavailable.
        """
        return run(self._engine.tokens.exchange(self._blocking(), _known(principal), token, certain=certain))

    async def aexchange(self, principal: Subject | None, token: AccessToken, *, certain: bool) -> bool:
        """Say whether a refused call is to be sent again; see `exchange`."""
        return await self._engine.tokens.exchange(self._async(), _known(principal), token, certain=certain)

    def exchanged(self, principal: Subject | None, *, helped: bool) -> None:
        """Note whether the call was accepted when it was sent again. Raises NotLoggedIn."""
        run(self._engine.tokens.exchanged(self._blocking(), _known(principal), helped=helped))

    async def aexchanged(self, principal: Subject | None, *, helped: bool) -> None:
        """Note whether the call was accepted when it was sent again."""
        await self._engine.tokens.exchanged(self._async(), _known(principal), helped=helped)

    def heed(self, status: int, headers: Mapping[str, str], *, budget: bool = False) -> None:
        """Keep to the pace that an answer to the application's call asks for; BrokerAuth calls this.

        That is a lower limit than the settings', and a pause where the call was in the `budget`.
        """
        obey = heed if self._has_turns(budget) else heed_limit
        run(obey(self._blocking(), Response(status, headers, b"")))

    async def aheed(self, status: int, headers: Mapping[str, str], *, budget: bool = False) -> None:
        """Keep to the pace that an answer asks for; see `heed`."""
        obey = heed if self._has_turns(budget) else heed_limit
        await obey(self._async(), Response(status, headers, b""))

    def entity_user(self, principal: Principal | None) -> EntityUser:
        """Return who the principal is in Monite. Raises NotLoggedIn, NotLinked, StoreUnavailable."""
        return _linked(run(self._engine.tokens.entity_user(self._blocking(), _known(principal))))

    async def aentity_user(self, principal: Principal | None) -> EntityUser:
        """Return who the principal is in Monite; see `entity_user`."""
        return _linked(await self._engine.tokens.entity_user(self._async(), _known(principal)))

    # -- work after the request

    def for_job(self, user_id: str, *, since: float | datetime, tenant: str | None = None) -> Principal:
        """Return the principal of work that is done for a user after their request: a job in a queue, say.

        `since`: when the user asked for it, epoch seconds or an aware datetime; put it into the job. The job gets no token
        (SessionEnded) once the user's sessions were ended after that, or when it is older than `session_memory`. A logout
        of one session ends no jobs.

        Raises:
            TypeError: `user_id` is no text, or `since` is None or no date.
            ValueError: `user_id` is empty, or `since` lies in the future or is in milliseconds.

        """
        # Out of a job's message it may be None, whatever the annotation says, and no ending would ever reach that.
        at = Principal(user_id, tenant, authenticated_at=since).began_at
        if at is None:
            raise TypeError(
                "for_job wants to know since when: put time.time() into the job when the user asks for it."
            )
        # A login may be anywhere within its second; a job is taken at its word, so that no ending after it is missed.
        return Principal(user_id, tenant, authenticated_at=at if at != int(at) else at + NOT_WHOLE)

    # -- calls to Monite

    def token_for_call(self, principal: Subject | None, call: Call, *, budget: bool = False) -> AccessToken:
        """Return the token for one call; BrokerAuth asks. Raises NotPermitted, and what `token` raises.

        `budget`: wait for the call's turn in the request budget, too; see `client`.
        """
        acting, give = _known(principal), self._token_in_turn if self._has_turns(budget) else self._token
        if acting is PARTNER or not self._policy.is_needed:
            return give(acting)
        began = self._clock()
        asked = self._policy.check(acting, call.method, call.path)
        with self._authorize_took(self._clock() - began):
            token = give(acting, until=began + self.settings.deadline)
        self._policy.check_entity(token.entity_user, asked.entity_id, call.entity_id)
        return token

    async def atoken_for_call(
        self, principal: Subject | None, call: Call, *, budget: bool = False
    ) -> AccessToken:
        """Return the token for one call; see `token_for_call`."""
        acting, give = _known(principal), self._atoken_in_turn if self._has_turns(budget) else self._atoken
        if acting is PARTNER or not self._policy.is_needed:
            return await give(acting)
        began = self._clock()
        asked = await self._policy.acheck(acting, call.method, call.path)
        with self._authorize_took(self._clock() - began):
            token = await give(acting, until=began + self.settings.deadline)
        self._policy.check_entity(token.entity_user, asked.entity_id, call.entity_id)
        return token

    @contextmanager
    def _authorize_took(self, seconds: float) -> Iterator[None]:
        """Name authorize where there is no token in time and it has used up most of that."""
        try:
            yield
        except (MoniteUnavailable, RateLimited):
            if seconds < self.settings.deadline / 2:
                raise
            raise slow_function(self.settings, "authorize", seconds) from None

    def auth(self, principal: Subject | None, *, budget: bool = False) -> BrokerAuth:
        """Return an `httpx.Auth` for the principal, for sync and async clients. `budget`: see `client`."""
        return BrokerAuth(self, principal, budget=budget)

    def httpx2_auth(self, principal: Subject | None, *, budget: bool = False) -> "Httpx2BrokerAuth":
        """Return an `httpx2.Auth` for the principal, for sync and async clients of httpx2. `budget`: see `client`.

        Raises:
            ImportError: httpx2 is not installed.

        """
        from monite_auth.outbound.httpx2_auth import Httpx2BrokerAuth  # noqa: PLC0415 - an extra

        return Httpx2BrokerAuth(self, principal, budget=budget)

    def client(self, principal: Subject | None, *, budget: bool = False, **options: Any) -> httpx.Client:
        """Return an `httpx.Client` that calls Monite as the principal, or as PARTNER.

        `budget`: each request takes a turn in the request budget, after the mints and before renewals and revocations. It waits
        for `settings.call_patience` seconds at the most; then RateLimited is raised, and nothing is sent. An answer that asks for
        a pause holds everybody. Without it, and where that setting is 0, calls go out at once.
        `options` are httpx's. Clients share their connections, so one per request is fine and needs no closing.
        Redirects are not followed.
        """
        return self._pools.client(self.auth(principal, budget=budget), **options)

    def aclient(
        self, principal: Subject | None, *, budget: bool = False, **options: Any
    ) -> httpx.AsyncClient:
        """Return an `httpx.AsyncClient` for the running event loop; see `client`."""
        return self._pools.aclient(self.auth(principal, budget=budget), **options)

    # -- what a person may do

    def role(self, principal: Principal | None) -> Role:
        """Return the principal's role in Monite, asked for once per token.

        Raises what `token` does; NotLinked for who is no entity user, as in SecurityModel.PARTNER_MANAGED.
        """
        return run(self._roles.role(self._blocking(), _known(principal)))

    async def arole(self, principal: Principal | None) -> Role:
        """Return the principal's role in Monite; see `role`."""
        return await self._roles.role(self._async(), _known(principal))

    def can(
        self,
        principal: Principal | None,
        object_type: ObjectType | str,
        action: Action | str,
        *,
        own: bool = False,
    ) -> bool:
        """Say whether the principal may do `action` to objects of `object_type`, in Monite's words.

        Their role says so, or, in the security models where the application decides, `authorize`. `own`: it is about
        objects that they created themselves, which a role can allow for. Raises ValueError for a wrong word, and what
        `role` does.
        """
        asked = parse_permission(object_type, action)
        if self._policy.is_needed:
            return self._policy.allows(_known(principal), *asked)
        return self.role(principal).allows(*asked, own=own)

    async def acan(
        self,
        principal: Principal | None,
        object_type: ObjectType | str,
        action: Action | str,
        *,
        own: bool = False,
    ) -> bool:
        """Say whether the principal may do `action` to objects of `object_type`; see `can`."""
        asked = parse_permission(object_type, action)
        if self._policy.is_needed:
            return await self._policy.aallows(_known(principal), *asked)
        return (await self.arole(principal)).allows(*asked, own=own)

    # -- beginnings and endings

    def login(self, principal: Principal) -> None:
        """Tell that the principal's session has just begun.

        It is optional. With it, the store knows the session from the beginning, and an `end_user` needs no date to tell
        whether the session is older. Never fails because of the store. Raises NotLoggedIn.
        """
        run(self._engine.endings.login(self._blocking(), _known(principal)))

    async def alogin(self, principal: Principal) -> None:
        """Tell that the principal's session has just begun; see `login`."""
        await self._engine.endings.login(self._async(), _known(principal))

    def logout(self, principal: Principal) -> None:
        """End the principal's session: it gets no more tokens, and those it had are revoked in the background.

        Never waits for Monite, and never fails because of Monite or the store. What a store cannot record holds in this process
        at once, and is repeated before anything else is asked of the store when that is back.
        """
        run(self._engine.endings.logout(self._blocking(), _person(principal)))

    async def alogout(self, principal: Principal) -> None:
        """End the principal's session; see `logout`."""
        await self._engine.endings.logout(self._async(), _person(principal))

    def end_user(self, user_id: str) -> None:
        """End every session of a user, in every tenant: after a password change, or when an account is closed.

        Raises TypeError for a user_id that is no text.
        """
        run(self._engine.endings.end_user(self._blocking(), _user_id(user_id)))

    async def aend_user(self, user_id: str) -> None:
        """End every session of a user; see `end_user`."""
        await self._engine.endings.end_user(self._async(), _user_id(user_id))

    def relink(self, user_id: str) -> None:
        """Tell that the directory's answer for a user has changed: old tokens are revoked, sessions go on.

        Raises TypeError for a user_id that is no text.
        """
        run(self._engine.endings.relink(self._blocking(), _user_id(user_id)))

    async def arelink(self, user_id: str) -> None:
        """Tell that the directory's answer for a user has changed; see `relink`."""
        await self._engine.endings.relink(self._async(), _user_id(user_id))

    def end_user_in(self, connection: Any, user_id: str) -> None:
        """Have every session of a user end when the connection's transaction commits; a rollback leaves nothing.

        `connection`: one of psycopg, or a connection or session of SQLAlchemy. The ending is a row in it (docs/transactions.md). A
        thread of this process carries it out after the commit, and other processes do if this one dies.

        Raises:
            TypeError: `user_id` is no text, or `connection` none of these, or one for event loops.
            ConfigurationError: the broker has no `outbox`, or the database is neither PostgreSQL nor SQLite.

        """
        self._note_in(connection, "end_user", user_id)

    async def aend_user_in(self, connection: Any, user_id: str) -> None:
        """Have every session of a user end when the connection's transaction commits; see `end_user_in`."""
        await self._anote_in(connection, "end_user", user_id)

    def relink_in(self, connection: Any, user_id: str) -> None:
        """Do what `relink` does when the connection's transaction commits; see `end_user_in`."""
        self._note_in(connection, "relink", user_id)

    async def arelink_in(self, connection: Any, user_id: str) -> None:
        """Do what `relink` does when the connection's transaction commits; see `end_user_in`."""
        await self._anote_in(connection, "relink", user_id)

    def _note_in(self, connection: Any, what: str, user_id: str) -> None:
        if is_for_event_loops(connection):
            raise TypeError(f"This connection is one for event loops: write `await broker.a{what}_in(…)`.")
        run(self._anote_in(connection, what, user_id))

    async def _anote_in(self, connection: Any, what: str, user_id: str) -> None:
        if not isinstance(self._outbox, TableOutbox):
            raise ConfigurationError(
                f"{what}_in writes an ending for other processes to find: say where, with TokenBroker(outbox=…). In Django, "
                "monite_auth_django.end_user(…, on_commit=True) does it."
            )
        row = await write(connection, self.settings.account_name, what, _user_id(user_id))
        here = self._here()
        here.blocking()  # which begins the sweeps: the transaction may be open for long
        assert here.outbox is not None
        here.outbox.wait_for(row)

    def revoke(self, token: AccessToken | Secret | str) -> None:
        """Revoke one token, whoever has it: after it has leaked, say. The next call of its owner mints another.

        Takes the text as well as an AccessToken, as it was copied: with `Bearer` before it or a line break behind it, say.
        Raises ValueError for what is no token, so that nobody believes it revoked.
        """
        run(self._engine.endings.revoke(self._blocking(), self._as_token(token)))

    async def arevoke(self, token: AccessToken | Secret | str) -> None:
        """Revoke one token; see `revoke`."""
        await self._engine.endings.revoke(self._async(), self._as_token(token))

    def end_partner_token(self) -> None:
        """Revoke the partner token, and what is being minted in its place; the next call for it mints another."""
        run(self._engine.endings.end_partner_token(self._blocking()))

    async def aend_partner_token(self) -> None:
        """Revoke the partner token; see `end_partner_token`."""
        await self._engine.endings.end_partner_token(self._async())

    def end_everything(self, *, within: float = 60) -> EndReport:
        """End everything of the account, after a leak: every session of every user, every token, the partner's included.

        Everybody has to log in again. Revokes for `within` seconds at the most; what is left then goes on in the background.
        """
        return run(self._engine.endings.end_everything(self._blocking(), within=within))

    async def aend_everything(self, *, within: float = 60) -> EndReport:
        """End everything of the account; see `end_everything`."""
        return await self._engine.endings.end_everything(self._async(), within=within)

    def drain(self, *, within: float = 60) -> DrainReport:
        """Work on the revocations that are due, for `within` seconds at the most; this happens by itself, too.

        Endings in the `outbox` are carried out first. What this process has begun to revoke in the background is waited for, and is not in the report.
        Raises StoreUnavailable.
        """
        self._here().look_at_outbox()
        return self._drain(within)

    def _drain(self, within: float) -> DrainReport:
        return run(self._engine.drainer.drain_and_join(self._blocking(), within=within))

    async def adrain(self, *, within: float = 60) -> DrainReport:
        """Work on the revocations that are due; see `drain`."""
        await self._here().alook_at_outbox()
        return await self._adrain(within)

    async def _adrain(self, within: float) -> DrainReport:
        return await self._engine.drainer.drain_and_join(self._async(), within=within)

    def status(self, user_id: str) -> UserStatus:
        """Say what the store has of a user, for people who look after the application. Raises StoreUnavailable."""
        return run(self._engine.endings.status(self._blocking(), user_id))

    async def astatus(self, user_id: str) -> UserStatus:
        """Say what the store has of a user; see `status`."""
        return await self._engine.endings.status(self._async(), user_id)

    def overview(self) -> Overview:
        """Say what the store has of the account, of all users, and how the request budget stands. Raises StoreUnavailable.

        It is for people who look after the application, and may take a second: a store counts.
        """
        return run(self._blocking().store.overview())

    async def aoverview(self) -> Overview:
        """Say what the store has of the account; see `overview`."""
        return await self._async().store.overview()

    def health(self) -> Health:
        """Say how this process and its token store are. It asks nobody, so it suits a probe that comes each second."""
        return health_of(
            self.store,
            monite=self._listeners.vitals.monite,
            outage_trust=self.settings.outage_trust,
            now=self._clock(),
            is_working=self._here().is_working,
            events_dropped=self._listeners.dropped,
        )

    async def ahealth(self) -> Health:
        """Say how this process and its token store are; see `health`."""
        return self.health()

    def name_in_events(self, user_id: str) -> str:
        """Return what events for auditors call a user: a keyed digest, or the id where MONITE_EVENT_USERS says so."""
        return self._listeners.names.user(_user_id(user_id))

    # -- life

    def close(self) -> None:
        """Revoke what is still pending, for `settings.deadline` seconds at the most, and close connections of threads.

        What is not settled by then stays pending in a shared store, where other processes find it.
        """
        left = _countdown(self.settings.deadline)
        self._here().close(within=left() / 2)  # first, so that background work gives back what it was at
        try:
            self._drain(left())
        finally:  # where no key opens the store, say
            self._here().close(within=left())
            self._pools.close()
            self.store.close()
            self._listeners.flush(within=left())

    async def aclose(self) -> None:
        """Revoke what is still pending, as `close` does, and close connections of the running event loop."""
        left = _countdown(self.settings.deadline)
        await self._here().aclose(within=left() / 2)
        try:
            await self._adrain(left())
        finally:
            await self._here().aclose(within=left())
            await self._pools.aclose()
            await self.store.aclose()
            await self._listeners.aflush(within=left())

    def _as_token(self, token: AccessToken | Secret | str) -> AccessToken:
        """Return `token` as an AccessToken. Where only its text is known, it is taken to have been minted now."""
        if isinstance(token, AccessToken):
            return token
        if not isinstance(token, Secret | str):
            raise TypeError(
                f"revoke takes an AccessToken or the text of a token, not {type(token).__name__}."
            )
        value = bearer_of(token.reveal() if isinstance(token, Secret) else token)
        if value is None:
            raise ValueError("This is no token: it is one word of printable ASCII characters.")
        return AccessToken.granted(
            value, life=ASSUMED_LIFE, sent_at=self._clock(), jitter=0.5, clock=self._clock
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # The hot path: it looks once for what belongs to this process.

    def _token(self, acting: Subject, min_ttl: float = 0.0, until: float | None = None) -> AccessToken:
        here = self._here()
        return run(here.engine.tokens.token(here.blocking(), acting, min_ttl, until=until))

    async def _atoken(self, acting: Subject, min_ttl: float = 0.0, until: float | None = None) -> AccessToken:
        here = self._here()
        return await here.engine.tokens.token(here.on_loop(), acting, min_ttl, until=until)

    def _has_turns(self, budget: bool) -> bool:
        return budget and self.settings.call_patience > 0

    def _token_in_turn(self, acting: Subject, *, until: float | None = None) -> AccessToken:
        here = self._here()
        return run(here.engine.tokens.token_in_turn(here.blocking(), acting, until=until))

    async def _atoken_in_turn(self, acting: Subject, *, until: float | None = None) -> AccessToken:
        here = self._here()
        return await here.engine.tokens.token_in_turn(here.on_loop(), acting, until=until)

    def _blocking(self) -> BlockingRuntime:
        return self._here().blocking()

    def _async(self) -> AsyncRuntime:
        return self._here().on_loop()


def _countdown(seconds: float) -> Callable[[], float]:
    """Return a function that says how many seconds are left."""
    ends = time.monotonic() + seconds
    return lambda: max(0.0, ends - time.monotonic())


def _person(principal: Principal) -> Principal:
    """Return the principal of a session; only people log out."""
    if not isinstance(principal, Principal):
        raise TypeError(
            f"logout takes a Principal, not {principal!r}; the partner token is ended by end_partner_token()."
        )
    return principal


def _user_id(user_id: object) -> str:
    """Return a user's id; None would be the partner."""
    if not (isinstance(user_id, str) and user_id):
        raise TypeError(
            f"A user_id is text that is not empty, not {user_id!r}: pass str(…). The partner token is ended by "
            "end_partner_token(), and everything by end_everything()."
        )
    return user_id


def _known(subject: Acting | None) -> Acting:
    """Return who acts; raise NotLoggedIn for a visitor."""
    if subject is None:
        raise NotLoggedIn("Nobody is logged in, so there is no one to act for in Monite.")
    if not isinstance(subject, Principal) and subject is not PARTNER:
        raise TypeError(f"Give a Principal, or PARTNER, and not {subject!r}.")
    return subject


def _linked(entity_user: EntityUser | None) -> EntityUser:
    if entity_user is None:
        raise NotLinked("The directory knows no entity user for this principal; link the user to one.")
    return entity_user
