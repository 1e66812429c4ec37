"""Users work while their store is copied into one of another kind, and workers are switched one after the other. Monite's ledger judges.

It needs Redis and PostgreSQL, by its fixtures' names.
"""

import asyncio
import random
import threading
from dataclasses import replace
from itertools import permutations

import pytest

from monite_auth import EntityUser, Principal, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID
from monite_auth.errors import SessionEnded, StoreUnavailable
from monite_auth.stores.copying import StoreCopy
from monite_auth.tokens import steady_clock
from tests.stores.test_copying import (  # noqa: F401 - fixtures
    KINDS,
    Place,
    postgres_of_module,
    redis_of_module,
)
from tests.waiting import PATIENCE, until

WORKERS, VISITORS = 3, 4
ENOUGH = 8
"""Sessions that each visitor has at least in each phase."""

PEOPLE = {
    f"visitor-{number}": EntityUser(ANNA_ID if number % 2 else VIKTOR_ID, BAKERY_ID)
    for number in range(VISITORS)
}


class Site:
    """Workers, each with a broker of its own on one of the two stores; requests go to any of them."""

    def __init__(self, settings, old, new):
        self.settings = settings
        self.new = new
        self.workers = [self._worker(old) for _ in range(WORKERS)]
        self.retired = []

    def _worker(self, place):
        key = "new" if place is self.new else "old"
        return TokenBroker(self.settings, PEOPLE, store=place.open(key, account=self.settings.account_name))

    def any_worker(self):
        return random.choice(self.workers)

    def switch(self, number):
        """Replace a worker by one on the new store. The former one finishes what it has begun, and is closed."""
        former, self.workers[number] = self.workers[number], self._worker(self.new)
        self.retired.append(former)

    def is_at_rest(self):
        """Say whether no worker owes its store or Monite anything."""
        return all(each.drain().next_in is None for each in [*self.workers, *self.retired])

    def close(self):
        for each in [*self.workers, *self.retired]:
            each.close()


class Visitor(threading.Thread):
    """Somebody who logs in, works and logs out, again and again, now and then everywhere; and knows which logins have ended."""

    def __init__(self, site, user):
        super().__init__()
        self.site, self.user = site, user
        self.ended, self.alive, self.count, self.failed = [], [], 0, None
        self.is_over = threading.Event()

    def run(self):
        try:
            while not self.is_over.is_set():
                self.visit()
        except Exception as error:  # noqa: BLE001 - the test raises it
            self.failed = error

    def visit(self):
        self.count += 1
        login = Principal(self.user, session_id=f"{self.user}-{self.count}")
        self.site.any_worker().login(login)
        self.alive.append(login)
        for _ in range(random.randrange(3)):
            if self.alive:  # `work` may have found out that all of them had ended
                self.work(random.choice(self.alive))
        # A few logins last for a while, and meet other workers and the other store.
        if len(self.alive) > 3:
            gone = self.alive.pop(random.randrange(3))
            self.site.any_worker().logout(gone)
            self.ended.append(gone)
        if self.count % 7 == 0:
            self.site.any_worker().end_user(self.user)
            self.ended += self.alive
            self.alive = []

    def work(self, login):
        try:
            self.site.any_worker().token(login)
        except SessionEnded:
            # It began in one store right after everything had ended in the other one, which heard of both with the next copy.
            if login in self.alive:
                self.alive.remove(login)
                self.ended.append(login)
        except StoreUnavailable:
            # A logout took its worker longer than it waits for a store, on a busy machine; who asks later is answered.
            pass


@pytest.mark.parametrize("scope", ["session", "user"])
@pytest.mark.parametrize("directions", list(permutations(KINDS, 2)), ids="-".join)
def test_no_token_of_an_ended_session_is_alive_after_the_move(
    directions, scope, request, tmp_path, emulator, emulated
):
    old, new = (Place(kind, request, tmp_path) for kind in directions)
    site = Site(replace(emulated, token_scope=scope), old, new)

    def copy(**options):
        pair = [each.open("new", "old", account=emulated.account_name) for each in (old, new)]
        return asyncio.run(StoreCopy(*pair, clock=steady_clock).run(**options))

    visitors = [Visitor(site, user) for user in PEOPLE]
    for each in visitors:
        each.start()

    def go_on():
        counts = [each.count for each in visitors]
        until(
            lambda: all(
                each.failed or each.count >= count + ENOUGH
                for each, count in zip(visitors, counts, strict=True)
            )
        )

    go_on()
    copy()
    for number in range(WORKERS):
        site.switch(number)
        go_on()
        copy()
    for each in visitors:
        each.is_over.set()
    for each in visitors:
        each.join(PATIENCE)
        assert each.failed is None
    until(site.is_at_rest)
    for each in site.retired:
        each.close()
    site.retired.clear()
    assert copy(last=True).left == 0
    broker, alive = site.workers[0], []
    until(site.is_at_rest)
    for each in visitors:
        for login in each.ended:
            with pytest.raises(SessionEnded):
                broker.token(login)
        for login in each.alive:
            each.work(login)
        alive += each.alive
    ledger = emulator.monite.ledger
    assert len(ledger.live()) == len(alive if scope == "session" else {each.user_id for each in alive})
    for login in alive:
        broker.logout(login)
    until(site.is_at_rest)
    assert ledger.live() == []
    site.close()
