"""A store of eight files and one registering line is a store like ours: it passes the contract, and a URL chooses it."""

import importlib
import uuid
from pathlib import Path
from typing import Any

import pytest

from monite_auth import EntityUser, Principal, TokenBroker
from monite_auth.errors import ConfigurationError
from monite_auth.stores import Store, register
from monite_auth.stores.fallback import FallbackStore
from monite_auth.testing import SharedStoreContract, StoreGround
from tests.scripted import settings
from tests.toys.store_dictionary import DictionaryStore

LINE = "dictionary = tests.toys.store_dictionary:DictionaryStore.from_settings"


class DictionaryGround(StoreGround):
    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.name = uuid.uuid4().hex

    def open(self, **options: Any) -> Store:
        return DictionaryStore(self.name, clock=self.clock, **options)


class TestDictionaryStore(SharedStoreContract):
    ground_type = DictionaryGround


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package whose pyproject.toml has the line."""
    folder = tmp_path / "store_dictionary-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: store-dictionary\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[monite_auth.stores]\n{LINE}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()


def test_one_line_in_a_packages_pyproject_makes_a_url_choose_it(installed):
    chosen = settings(store_url="dictionary://here")
    with TokenBroker(chosen, lambda _: EntityUser("a" * 32, "b" * 32)) as broker:
        assert isinstance(broker.store, FallbackStore)
        assert isinstance(broker.store.shared, DictionaryStore)
        broker.end_user("alice")
        assert broker.status("alice").live == 0
        broker.logout(Principal("alice", session_id="alice-1"))


def test_without_it_the_error_says_what_is_known_and_what_to_install():
    with pytest.raises(
        ConfigurationError, match="memory://, sqlite://, redis://.*entry point group"
    ) as caught:
        settings(store_url="dictionary://user:hunter2@here")
    assert "hunter2" not in str(caught.value)


def test_what_is_installed_is_named_with_ours(installed):
    with pytest.raises(ConfigurationError, match="dictionary://"):
        settings(store_url="carrier-pigeon://")


def test_an_application_can_register_a_store_of_its_own_and_no_other_under_its_scheme():
    register("toy-of-a-test", DictionaryStore.from_settings)
    assert settings(store_url="toy-of-a-test://here").store_url == "toy-of-a-test://here"
    for taken in ("toy-of-a-test", "redis"):
        with pytest.raises(ValueError, match="Another kind of store"):
            register(taken, dict)


def test_it_is_eight_files():
    assert len(list(Path(__file__).with_name("store_dictionary").glob("*.py"))) == 8
