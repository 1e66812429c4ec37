"""The whole state of the emulator, in plain Python without HTTP. Tests read and change it directly."""

import json
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from monite_auth.configuration.demo import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.emulator.demo.companies import sow
from monite_auth.emulator.demo.counterparts import sow_counterparts
from monite_auth.emulator.faults.in_force import Faults
from monite_auth.emulator.state import snapshots
from monite_auth.emulator.state.options import MoniteSettings, check
from monite_auth.emulator.traffic.journal import Journal
from monite_auth.emulator.traffic.ledger import KEPT, Holder, Ledger, Token
from monite_auth.emulator.traffic.limits import Limiter, LimitWindow, Statistics
from monite_auth.emulator.traffic.requests import REQUESTS_KEPT, RequestLog
from monite_auth.emulator.webhooks import Webhooks
from monite_auth.emulator.world.clock import Clock
from monite_auth.emulator.world.directory import Directory, EntityUser, Record
from monite_auth.emulator.world.partners import Partner
from monite_auth.emulator.world.randomness import Randomness

# Monite's documentation names the limit and the token life (seconds).
REQUESTS_PER_SECOND = 30
TOKEN_LIFE = 1800
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: The time at which the clock stands when there is a `random_seed`.
BEGINNING = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Monite:
    """The state of Monite, for one partner or several that do not see each other.

    Any thread may read and change all parts while requests are served. `token_life` (seconds), `requests_per_second`,
    `limit_window` and `dead_token_status` can be set at any time. They apply to later mints and requests.

    Args:
        requests_per_second: the number of requests that are admitted in each window of one second.
        limit_window: whether these windows are the seconds of the clock ("fixed"), or any second at all ("sliding").
        token_life: the life of a token in seconds.
        dead_token_status: the status for a request whose token has expired, was revoked or is unknown. Monite's
            release notes of 2024-05-25 say 401, older documentation 400; 403 has been seen.
        seed: the data to begin with. True stands for the demo's companies; False for the demo credentials alone; a path for
            a seed file in YAML or JSON; and a mapping for what such a file says.
        clock: the source of time; a new `Clock` if None.
        random_seed: a number that determines ids, tokens and the chance of faults, so that two runs have the same. Then
            the clock stands still at `BEGINNING`, until it is moved or unfrozen, unless it is given.
        chance: the source of randomness for faults that have a probability. By default it follows `random_seed`.
        tokens_kept: how many ended tokens the ledger keeps. It only counts older ones, and keeps all that are live.
        requests_kept: how many requests the log keeps.

    Raises:
        ValueError: an option cannot be this, also when it is set later; or the seed says something that cannot be. The sentence
            has the option, or the place.
        OSError: the seed file cannot be read.

    """

    def __init__(
        self,
        *,
        requests_per_second: int = REQUESTS_PER_SECOND,
        limit_window: LimitWindow = "fixed",
        token_life: float = TOKEN_LIFE,
        dead_token_status: int = 401,
        seed: bool | Path | Mapping[str, Any] = True,
        clock: Clock | None = None,
        random_seed: int | None = None,
        chance: random.Random | None = None,
        tokens_kept: int = KEPT,
        requests_kept: int = REQUESTS_KEPT,
    ) -> None:
        check(seed=seed, random_seed=random_seed, tokens_kept=tokens_kept, requests_kept=requests_kept)
        lock = threading.RLock()
        self.token_life = token_life
        self.dead_token_status = dead_token_status
        self.clock = clock or Clock()
        self.randomness = Randomness(random_seed)
        self._beginning = BEGINNING if clock is None and random_seed is not None else None
        self.journal = Journal(self.clock)
        self.ledger = Ledger(self.clock, self.journal, lock, self.randomness.new_token, tokens_kept)
        self.requests = RequestLog(requests_kept, self._secrets, lambda text: bool(self.ledger.find(text)))
        self._chance = chance
        self.faults = Faults(self.clock, self.journal, lock, chance or self.randomness.chance())
        self.limiter = Limiter(self.clock, REQUESTS_PER_SECOND)
        self.requests_per_second = requests_per_second
        self.limit_window = limit_window
        self.statistics = Statistics(self.clock)
        self._first_settings = self.settings
        #: Held while a request changes the state. Hold it to change several things at once.
        self.lock = lock
        self._wished_id: str | None = None
        # The reader of seed files makes records as the API does, and the API needs this class.
        self._seed = self._seed_files().read(seed) if isinstance(seed, Path) else seed
        self._partners: list[Partner] = []
        # Tokens stay live when the credentials that minted them are removed, so the owners are remembered.
        self._owners: dict[str, Partner] = {}
        self.webhooks = Webhooks(self.clock, lock, self.new_id)
        #: Called with each partner that is added, before it has data.
        self.partner_watchers: list[Callable[[Partner], object]] = [self.webhooks.watch]
        self._begin()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in MoniteSettings.model_fields:
            check(**{name: value})
        super().__setattr__(name, value)

    @property
    def partner(self) -> Partner:
        """The partner that is there from the beginning."""
        return self._partners[0]

    @property
    def directory(self) -> Directory:
        """The business data of that partner."""
        return self.partner.directory

    @property
    def requests_per_second(self) -> int:
        return self.limiter.requests_per_second

    @requests_per_second.setter
    def requests_per_second(self, value: int) -> None:
        self.limiter.requests_per_second = value

    @property
    def limit_window(self) -> LimitWindow:
        return self.limiter.window

    @limit_window.setter
    def limit_window(self, value: LimitWindow) -> None:
        self.limiter.window = value

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that can be set, by its name."""
        return {name: getattr(self, name) for name in MoniteSettings.model_fields}

    @settings.setter
    def settings(self, values: Mapping[str, Any]) -> None:
        chosen = {name: values[name] for name in MoniteSettings.model_fields}
        check(**chosen)  # all, before the first of them is changed
        for name, value in chosen.items():
            setattr(self, name, value)

    @property
    def partners(self) -> list[Partner]:
        """All partners, the first of them the one that is there from the beginning."""
        with self.lock:
            return list(self._partners)

    def add_partner(self, client_id: str, client_secret: str, *, seed: bool = False) -> Partner:
        """Add a partner, with the data of the demo or with none. Partners do not see each other.

        The ids of the demo are fixed. A partner has others if somebody has these, since no two records at Monite share an id.

        Raises:
            ValueError: another partner has this client id, or it is no UUID.

        """
        with self.lock:
            partner = Partner(self.clock, self.lock)
            self.add_credentials(client_id, client_secret, partner)
            self._join(partner)
            if seed:
                self._sow_demo(partner)
            return partner

    def _sow_demo(self, partner: Partner) -> None:
        example = Partner(self.clock, self.lock)
        sown = example.directory
        sow(sown, self.clock)
        sow_counterparts(sown)
        # It makes records as the API does, and the API needs this class.
        import_module("monite_auth.emulator.seeds.office").sow_office(self, example)
        ids = {record.id for _, record in sown.saved()}
        are_taken = any(ids & {record.id for _, record in each.directory.saved()} for each in self._partners)
        others = {fixed: self.new_id() for fixed in sorted(ids)} if are_taken else {}
        for table, record in sown.saved():
            fields = record.saved()
            if are_taken:
                text = _UUID.sub(lambda found: others.get(found[0], found[0]), json.dumps(fields))
                fields = json.loads(text)
            del fields["number"], fields["updated_at"]
            partner.directory.table(table).add(fields.pop("id"), **fields)

    def new_partner(self) -> Partner:
        """Add a partner without credentials and data."""
        with self.lock:
            partner = Partner(self.clock, self.lock)
            self._join(partner)
            return partner

    def _join(self, partner: Partner) -> None:
        self._partners.append(partner)
        for watcher in self.partner_watchers:
            watcher(partner)

    def add_credentials(
        self,
        client_id: str,
        client_secret: str,
        partner: Partner | None = None,
        *,
        keep_secrets: bool = False,
    ) -> None:
        """Accept one more pair of credentials of a partner; without one, of the first.

        Args:
            client_id: a new one, or one that the partner has: a UUID.
            client_secret: takes the place of the secrets that the client id has had.
            partner: whose credentials they are.
            keep_secrets: whether the client id's other secrets are accepted, too.

        Raises:
            ValueError: another partner has this client id, or it is no UUID.

        """
        with self.lock:
            owner = partner or self.partner
            others = owner.credentials.get(_client_id(client_id), []) if keep_secrets else []
            self.set_credentials(client_id, [*others, client_secret], owner)

    def set_credentials(self, client_id: str, secrets: Iterable[str], partner: Partner) -> None:
        """Accept these secrets of a client id, and no others.

        Raises:
            ValueError: another partner has this client id, or it is no UUID.

        """
        name = _client_id(client_id)
        with self.lock:
            if self._owners.setdefault(name, partner) is not partner:
                raise ValueError(f"another partner has the client id {client_id}")
            partner.credentials[name] = list(dict.fromkeys(secrets))

    def remove_credentials(self, client_id: str) -> bool:
        """Stop accepting these credentials. Tokens minted with them stay live. Return False if there are none."""
        with self.lock:
            owner = self._owners.get(client_id.lower())
            known = bool(owner and owner.credentials[client_id.lower()])
            if owner:
                owner.credentials[client_id.lower()] = []
            return known

    def authenticated(self, client_id: str, client_secret: str) -> Partner | None:
        """Return the partner whose credentials these are."""
        with self.lock:
            owner = self._owners.get(client_id)
            return owner if owner and owner.knows(client_id, client_secret) else None

    def partner_of(self, client_id: str) -> Partner:
        """Return the partner whose client id this is or was. Tests may mint for one that nobody has: it is the first partner's."""
        with self.lock:
            return self._owners.get(client_id, self.partner)

    def _secrets(self) -> Iterator[str]:
        with self.lock:
            for partner in self._partners:
                for secrets in partner.credentials.values():
                    yield from secrets
                for subscription in partner.directory.table("webhook_subscriptions").all():
                    yield subscription.fields["secret"]

    def file(self, file_id: str) -> Record | None:
        """Return a file of any partner."""
        with self.lock:
            found = (partner.directory.table("files").get(file_id) for partner in self._partners)
            return next(filter(None, found), None)

    def new_id(self) -> str:
        """Return an id for a new object."""
        wished, self._wished_id = self._wished_id, None
        return wished or self.randomness.new_id()

    def wish_id(self, wished: str | None) -> None:
        """Let the next new object have this id, while `lock` is held."""
        self._wished_id = wished

    def new_webhook_secret(self) -> str:
        """Return a secret to sign webhooks with, as Monite writes it."""
        return f"whsec_{self.randomness.new_token('webhook')}"

    def mint(self, user: EntityUser | None, client_id: str) -> Token:
        """Mint a token for an entity user; None means for the partner."""
        holder = Holder() if user is None else Holder(user.id, user.entity_id, user.login, user.name)
        return self.ledger.mint(holder, client_id, self.token_life)

    def remove_user(self, user: EntityUser) -> None:
        """Delete an entity user and revoke their tokens."""
        for partner in self.partners:
            if partner.directory.users.get(user.id) is user:
                partner.directory.users.remove(user)
                for token in self.ledger.live(user.id):
                    if token.client_id in partner.credentials:
                        self.ledger.revoke(token)

    def reset(self) -> None:
        """Restore the initial state: seed data, demo credentials, settings, the right time, no tokens, no faults."""
        with self.lock:
            self.settings = self._first_settings
            self.webhooks.reset()
            self.clock.reset()
            self.randomness.reset()
            self.faults.reset(self._chance or self.randomness.chance())
            self.journal.clear()
            self.requests.clear()
            self.limiter.clear()
            self.statistics.reset()
            self._clear()
            self._begin()

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON, to give to `restore`. It has all secrets and tokens.

        The log, the statistics, the page's feed and the faults are not in it.
        """
        snapshot: dict[str, Any] = json.loads(json.dumps(snapshots.taken(self)))
        return snapshot

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Bring back the state of a snapshot: data, credentials, tokens, settings, the clock. The rest stays as it is.

        Raises:
            ValueError: this is no snapshot. Then nothing has changed.

        """
        with self.lock:
            self.resume(snapshots.checked(snapshot))
            self.webhooks.start()

    def resume(self, snapshot: Mapping[str, Any]) -> None:
        """Bring back the state of a snapshot that is `whole`, and deliver nothing yet.

        Its records are not looked at: Python may have made some that no request could, and the emulator went on with them.

        Raises:
            ValueError: the clock cannot have this time. Then nothing has changed.

        """
        with self.lock:
            self.clock.restore(snapshot["clock"])
            self._clear()
            snapshots.bring_back(self, snapshot)

    def _clear(self) -> None:
        self.webhooks.clear()
        self.ledger.clear()
        for partner in self._partners:
            # Who still holds an old record changes nothing that is kept.
            partner.directory.watchers.clear()
        self._partners.clear()
        self._owners.clear()

    def _begin(self) -> None:
        if self._beginning:
            self.clock.freeze(self._beginning)
        if isinstance(self._seed, Mapping):
            demo = {"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET}
            self._seed_files().sow_file(self, self._seed, demo)
        else:
            self.add_partner(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, seed=self._seed)

    def export(self, *, secrets: bool = False) -> dict[str, Any]:
        """Return the data as a seed file says them, to read or to begin with. Secrets are masked, unless asked for.

        Tokens, settings and the time are not in it; they are in a `snapshot`.
        """
        exported: dict[str, Any] = import_module("monite_auth.emulator.seeds.export").exported(
            self, secrets=secrets
        )
        return exported

    @staticmethod
    def _seed_files() -> Any:
        return import_module("monite_auth.emulator.seeds.files")


def _client_id(text: str) -> str:
    """Return a client id as the API reads it.

    Raises:
        ValueError: it is no UUID, so nobody could ever authenticate with it.

    """
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError(f"a client id is a UUID, and {text!r} is none") from None
