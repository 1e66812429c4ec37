"""The files of the journal: torn, changed, on a full disk, sealed with other keys, and who may read them."""

import os
import resource
import stat

import pytest

from monite_auth import Secret
from monite_auth.engine.runtime import run
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.opening import open_store
from monite_auth.telemetry import Silence
from monite_auth.tokens import AccessToken
from tests.forking import needs_fork
from tests.scripted import ALICE, BOB, settings
from tests.stores.fallback.journalled import Journalled
from tests.stores.fallback.outage import Fragile

pytestmark = [needs_fork, pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")]

OLD, NEW = "a-key-that-was-first", "a-key-that-came-later"


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_torn_last_record_is_passed_over(world, cut):
    world.dies_owing(ALICE, BOB)
    (journal,) = world.journals
    os.truncate(journal, journal.stat().st_size - cut)
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["end_session", "backlog"]
    assert world.journals == []


def test_a_file_that_was_cut_within_its_first_line_is_removed(world):
    world.dies_owing(ALICE)
    (journal,) = world.journals
    os.truncate(journal, 20)
    run(world.store.backlog())
    assert world.journals == []


def test_a_line_that_was_changed_or_moved_is_told_and_the_others_count(world, caplog):
    world.dies_owing(ALICE, BOB)
    (journal,) = world.journals
    lines = journal.read_bytes().splitlines(keepends=True)
    moved = b"+1 " + lines[2].split(b" ")[1]
    journal.write_bytes(b"".join([lines[0], moved, *lines[2:]]))
    run(world.store.backlog())
    assert [(name, *rest) for name, *rest in world.shared.done] == [("end_session", BOB), ("backlog",)]
    assert "cannot be read" in caplog.text


def test_promise_9_a_journal_names_nobody_and_only_its_user_may_read_it(world, directory):
    world.shared.is_down = True
    leaked = AccessToken.granted(
        Secret("leaked-token"), life=1800, sent_at=world.now, jitter=0.5, clock=world.clock
    )
    run(world.store.revoke(leaked))
    world.logout()
    (journal,) = world.journals
    content = journal.read_text()
    for name in ("alice", "alice-1", "leaked-token", leaked.fingerprint, world.settings.client_id):
        assert name not in content
        assert name not in journal.name
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_links_and_files_that_others_could_have_written_are_not_read(world, directory, tmp_path):
    world.dies_owing(ALICE)
    (journal,) = world.journals
    elsewhere = tmp_path / "elsewhere"
    journal.rename(elsewhere)
    journal.symlink_to(elsewhere)
    elsewhere.with_name("open").write_bytes(elsewhere.read_bytes())
    opened = directory / journal.name.replace(".", ".0", 1)
    opened.write_bytes(elsewhere.read_bytes())
    opened.chmod(0o644)
    os.mkfifo(directory / journal.name.replace(".", ".1", 1), 0o600)
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["backlog"]
    assert elsewhere.exists()


def test_a_directory_that_is_a_link_is_not_used(tmp_path, caplog):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    world = Journalled(tmp_path / "link")
    assert "MONITE_JOURNAL_DIRECTORY cannot be used" in caplog.text
    world.shared.is_down = True
    world.logout()
    assert world.journals == []


@pytest.mark.parametrize("keys", [f"{NEW},{OLD}", OLD])
def test_a_journal_opens_after_a_rotation_of_keys(directory, keys):
    Journalled(directory, store_keys=OLD).dies_owing(ALICE)
    world = Journalled(directory, store_keys=keys, client_secret="another secret")
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["end_session", "backlog"]


def test_a_journal_that_no_key_opens_is_told_once_and_kept(directory, caplog):
    Journalled(directory, store_keys=OLD).dies_owing(ALICE)
    world = Journalled(directory, store_keys=NEW, client_secret="another secret")
    for _ in range(3):
        run(world.store.backlog())
        world.now += 2
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "opens with none of our keys" in caplog.text
    assert len(world.journals) == 1


def test_a_journal_belongs_to_one_account(directory):
    Journalled(directory).dies_owing(ALICE)
    other = Journalled(directory, account="another")
    run(other.store.backlog())
    assert [name for name, *_ in other.shared.done] == ["backlog"]
    assert len(other.journals) == 1


def test_a_full_disk_is_a_line_in_the_log_and_is_made_up_for(world, caplog):
    def full_and_free_again() -> bool:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        world.shared.is_down = True
        world.logout(ALICE)
        (journal,) = world.journals
        for size in (journal.stat().st_size, journal.stat().st_size + 50):  # nothing fits; a part fits
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
            world.logout(BOB)
        assert not world.fallback.journal_is_durable
        assert [each.message.partition(":")[0] for each in caplog.records].count(
            "The journal in MONITE_JOURNAL_DIRECTORY cannot be written (File too large)"
        ) == 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        run(world.store.end_user("alice"))
        return bool(world.fallback.journal_is_durable)

    world.leaves(full_and_free_again)
    run(world.store.backlog())
    names = ["end_session", "end_session", "end_session", "end_user", "backlog"]
    assert [name for name, *_ in world.shared.done] == names
    assert "cannot be read" not in caplog.text


def test_a_disk_that_is_full_from_the_start_is_left_without_a_trace(world):
    def full_and_free_again() -> bool:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        world.shared.is_down = True
        for size in (0, 50):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
            world.logout(ALICE)
            assert world.journals == []
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        world.asks()
        return len(world.journals) == 1

    world.leaves(full_and_free_again)
    run(world.store.backlog())
    assert world.ended == ["alice"] * 2


@pytest.mark.parametrize("what", ["the file", "the directory", "another directory is put there"])
def test_a_journal_that_somebody_removes_is_written_anew(world, directory, what):
    def go_on() -> bool:
        world.shared.is_down = True
        world.logout(ALICE)
        if what == "the file":
            world.journals[0].unlink()
        else:
            directory.rename(directory.with_name("former"))
        if what == "another directory is put there":
            directory.mkdir()
        world.logout(BOB)
        return True

    world.leaves(go_on)
    run(world.store.backlog())
    assert [who for name, who in world.shared.done[:-1]] == [ALICE, BOB]


def test_a_journal_that_cannot_be_written_anew_is_told(world, directory, caplog):
    def go_on() -> bool:
        world.shared.is_down = True
        world.logout(ALICE)
        directory.rename(directory.with_name("former"))
        directory.touch()
        world.logout(BOB)
        world.logout(BOB)
        said = [each.message for each in caplog.records if "cannot be written" in each.message]
        directory.unlink()
        world.asks()
        return len(said) == 1 and world.fallback.journal_is_durable

    world.leaves(go_on)
    run(world.store.backlog())
    assert world.ended == ["alice", "bob", "bob"]


@pytest.mark.parametrize("trouble", ["none set", "no directory", "missing", "fine"])
def test_it_is_said_at_the_start_where_logouts_in_an_outage_cannot_survive(tmp_path, caplog, trouble):
    caplog.set_level("INFO")
    (tmp_path / "file").touch()
    where = {
        "none set": "",
        "no directory": tmp_path / "file",
        "missing": tmp_path / "file" / "x",
        "fine": tmp_path / "a" / "b",
    }
    open_store(
        settings(journal_directory=where[trouble]),
        Fragile(MemoryStore()),
        clock=lambda: 0.0,
        telemetry=Silence(),
    )
    said = [record.message for record in caplog.records if "MONITE_JOURNAL_DIRECTORY" in record.message]
    assert len(said) == (trouble != "fine")


def test_brokers_that_share_a_store_share_its_journal(directory):
    chosen = settings(journal_directory=directory)
    first = open_store(chosen, Fragile(MemoryStore()), clock=lambda: 0.0, telemetry=Silence())
    assert isinstance(first, FallbackStore)
    assert first.journal_is_durable
    assert open_store(chosen, first, clock=lambda: 0.0, telemetry=Silence()) is first


def test_memory_has_nothing_to_survive(caplog):
    open_store(settings(), clock=lambda: 0.0, telemetry=Silence())
    assert caplog.records == []
