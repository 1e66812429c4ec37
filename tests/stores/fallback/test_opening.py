"""Shared stores are protected however they were given, once, and by one fallback for each account."""

import pytest

from monite_auth import MemoryStore, RedisStore, TokenBroker, errors
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.opening import open_store
from monite_auth.telemetry import Silence
from tests.scripted import ALICE, settings
from tests.stores.fallback.outage import Outage


@pytest.mark.parametrize("way", ["store_url", "store"])
def test_a_shared_store_is_protected_however_it_was_given(way):
    url = "redis://127.0.0.1:1/0"  # nobody listens there
    chosen = settings(store_url=url if way == "store_url" else "memory://", deadline=1)
    store = None if way == "store_url" else RedisStore.from_settings(settings(store_url=url), lambda: 0.0)
    with TokenBroker(chosen, {}, store=store) as broker:
        assert isinstance(broker.store, FallbackStore)
        broker.logout(ALICE)
        with pytest.raises(errors.SessionEnded):
            broker.token(ALICE)
        assert broker.end_everything().is_owed


def test_memory_needs_no_protection_and_nothing_is_protected_twice():
    for store in (MemoryStore(), Outage().fallback):
        opened = open_store(settings(), store, clock=lambda: 0.0, telemetry=Silence())
        assert type(opened) is type(store)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_brokers_of_one_account_share_what_is_owed_whoever_they_have_the_store_from(kind, tmp_path):
    # Neither is asked.
    urls = {"sqlite": f"sqlite:///{tmp_path}/tokens.db", "redis": "redis://127.0.0.1:1/0"}
    chosen = settings(store_url=urls[kind])
    first = open_store(chosen, clock=lambda: 0.0, telemetry=Silence())
    second = first.of("second")
    assert second is not first
    for store in (first, second):
        assert store.of("second") is second
        assert store.of(chosen.account_name) is first


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite://tokens.db", "sqlite:///:memory:"])
def test_a_url_that_names_no_file_is_refused(url):
    with pytest.raises(errors.ConfigurationError, match="sqlite:///relative/path"):
        open_store(settings(store_url=url), clock=lambda: 0.0, telemetry=Silence())


def test_a_url_chooses_the_store(tmp_path):
    assert isinstance(open_store(settings(), clock=lambda: 0.0, telemetry=Silence()), MemoryStore)
    chosen = open_store(
        settings(store_url=f"sqlite:///{tmp_path}/tokens%20here.db"), clock=lambda: 0.0, telemetry=Silence()
    )
    assert isinstance(chosen, FallbackStore)
    assert repr(chosen.shared) == f"<SQLiteStore {tmp_path}/tokens here.db>"
