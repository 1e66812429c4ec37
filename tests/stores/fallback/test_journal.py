"""The journal: what is owed to a store that is down survives the process that owes it."""

import asyncio
import os
import resource
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from monite_auth import PARTNER, Principal, Secret, errors
from monite_auth.engine.runtime import run
from monite_auth.stores import Slot
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.fallback.journal import open_journal
from monite_auth.stores.fallback.owed_operation import OwedOperation, parse, text_of
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.opening import open_store
from monite_auth.telemetry import Silence
from monite_auth.tokens import AccessToken
from tests.forking import FORKS, child_of, ended_well, needs_fork
from tests.scripted import ALICE, BOB, BOB_IN_MONITE, numbered, settings
from tests.stores.fallback.outage import AGAIN, Fragile, Outage

pytestmark = needs_fork

OLD, NEW = "a-key-that-was-first", "a-key-that-came-later"


class Journalled(Outage):
    """A world whose owed operations survive its process, in `directory`."""

    def __init__(self, directory: Path, **changes) -> None:
        super().__init__(numbered(), journal_directory=directory, **changes)
        self.fallback.keep(lambda: open_journal(self.settings, self.clock))
        self.shared.done.clear()

    @property
    def journals(self) -> list[Path]:
        return sorted(Path(self.settings.journal_directory).iterdir())

    def dies_owing(self, *principals: Principal) -> None:
        """Have a child of this process end sessions while the store is down, and die."""

        def end_and_die() -> bool:
            self.shared.is_down = True
            for each in principals:
                self.now += 1
                self.logout(each)
            return True

        self.leaves(end_and_die)

    def leaves(self, work: Callable[[], bool]) -> None:
        """Have a child of this process do `work`, and die."""
        assert child_of(os.fork, work)
        self.now += 5


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def world(directory: Path) -> Journalled:
    return Journalled(directory)


def test_promise_7_what_a_dead_process_owed_is_repeated_before_anything_else(world):
    world.value()
    world.value(BOB)
    world.dies_owing(ALICE, BOB)
    for principal in (ALICE, BOB):
        with pytest.raises(errors.SessionEnded):
            world.token(principal)
    assert world.journals == []
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_promise_5_what_a_dead_process_owed_holds_in_the_next_one_while_the_store_is_down(world):
    world.value()
    world.dies_owing(ALICE)
    world.shared.is_down = True
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert len(world.journals) == 1
    world.back()
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert world.journals == []


def test_emergencies_logins_and_doubtful_tokens_are_kept_too(world):
    leaked = world.token()
    world.value(PARTNER)

    def owe_and_die() -> bool:
        world.shared.is_down = True
        for operation in (
            world.store.revoke(leaked),
            world.store.relink(PARTNER),
            world.store.end_user("alice"),
            world.store.begin_session(Principal("alice", session_id="alice-2")),
            world.store.discard(world.engine.tokens.slot(BOB), "0123"),
        ):
            run(operation)
        with pytest.raises(errors.StoreUnavailable):
            run(world.store.end_everything())
        return True

    world.leaves(owe_and_die)
    world.shared.done.clear()
    run(world.store.backlog())
    names = ["revoke", "relink", "end_user", "begin_session", "discard", "end_everything", "backlog"]
    assert [name for name, *_ in world.shared.done] == names
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_the_file_of_a_living_process_is_left_alone(world):
    world.value()
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        world.shared.is_down = True
        world.logout()
        os.write(tell, b".")
        signal.pause()
    os.read(told, 1)
    assert world.value() == "token-1"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    world.now += 1
    with pytest.raises(errors.SessionEnded):
        world.token()


@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_a_child_does_not_hold_its_parents_file(world, fork):
    world.value()
    told, tell = os.pipe()
    parent = os.fork()
    if parent == 0:
        world.shared.is_down = True
        world.logout()
        if (child := fork()) == 0:
            signal.pause()
        os.write(tell, child.to_bytes(4))
        os._exit(0)
    child = int.from_bytes(os.read(told, 4))
    try:
        assert ended_well(parent)
        world.now += 1
        with pytest.raises(errors.SessionEnded):
            world.token()
        assert world.journals == []
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_a_child_has_a_file_of_its_own(world, fork):
    world.shared.is_down = True
    world.logout()

    def end_another() -> bool:
        world.now += 1
        world.logout(BOB)
        return len(world.journals) == 2

    assert child_of(fork, end_another)
    world.back()
    run(world.store.backlog())
    assert [(name, *rest) for name, *rest in world.shared.done if name == "end_session"] == [
        ("end_session", ALICE),
        ("end_session", BOB),
    ]
    assert world.journals == []


def test_what_was_repeated_before_the_death_is_not_repeated_again(world):
    def repeat_one_and_die() -> bool:
        world.shared.is_down = True
        world.logout(ALICE)
        run(world.store.end_user("bob"))
        world.back()
        world.shared.fails_at = "end_user"
        run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE))
        return True

    world.leaves(repeat_one_and_die)
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["end_user", "backlog"]


def test_endings_of_several_processes_are_repeated_in_the_order_in_which_they_happened(world):
    world.shared.is_down = True
    run(world.store.relink("alice"))
    world.dies_owing(ALICE)
    run(world.store.relink("bob"))
    world.back()
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["relink", "end_session", "relink", "backlog"]


@pytest.mark.parametrize("ending", ["end_user", "end_everything"])
def test_what_is_repeated_late_spares_sessions_that_began_since(world, ending):
    def end_and_die() -> bool:
        world.now += 1
        world.shared.is_down = True
        with suppress(errors.StoreUnavailable):  # of everything
            run(getattr(world.store, ending)(*(["alice"] if ending == "end_user" else [])))
        return True

    world.leaves(end_and_die)
    other = world.new_process().operations(blocking=True)  # which has not looked for journals
    run(other.begin_session(AGAIN))
    world.now += 1
    for ended in (ALICE, Principal("alice", authenticated_at=world.now - 20)):
        with pytest.raises(errors.SessionEnded):
            world.token(ended)
    assert world.value(AGAIN)


def test_what_was_owed_before_the_host_was_booted_comes_first_and_counts_as_of_now(world):
    def owe_and_die() -> bool:
        journal = open_journal(world.settings, world.clock)
        journal.append(OwedOperation("end_user", ("alice",), world.now + 1e9, "an earlier boot"))
        world.shared.is_down = True
        run(world.store.relink("alice"))
        return True

    world.leaves(owe_and_die)
    run(world.inner.begin_session(AGAIN))
    world.now += 1
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["end_user", "relink", "backlog"]
    with pytest.raises(errors.SessionEnded):
        world.token(AGAIN)


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


def test_a_journal_that_somebody_removes_is_written_anew(world):
    def go_on() -> bool:
        world.shared.is_down = True
        world.logout(ALICE)
        world.journals[0].unlink()
        world.logout(BOB)
        return True

    world.leaves(go_on)
    run(world.store.backlog())
    assert [who for name, who in world.shared.done[:-1]] == [ALICE, BOB]


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


OPERATIONS = [
    OwedOperation("end_session", (Principal("alice", "books", "alice-1", 1_700_000_000.25),), 5.0),
    OwedOperation("begin_session", (ALICE,), 6.5),
    OwedOperation("end_user", ("alice",)),
    OwedOperation("end_everything"),
    OwedOperation("relink", (PARTNER,)),
    OwedOperation("relink", ("alice",)),
    OwedOperation("discard", (Slot("alice", None, "alice-1"), "0123456789abcdef")),
    OwedOperation("discard", (Slot(PARTNER, None, None, "partner"), "0123456789abcdef")),
    OwedOperation("revoke", (AccessToken(Secret("a"), 3.0, 1.0, 2.0),)),
    OwedOperation("revoke", (AccessToken(Secret("a"), 3.0, 1.0, 2.0, BOB_IN_MONITE),)),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_an_owed_operation_is_read_as_it_was_written(operation):
    found = parse(text_of(operation), clock=lambda: 0.0)
    assert (found.name, found.at) == (operation.name, operation.at)
    assert [
        replace(each, value="") if isinstance(each, AccessToken) else each for each in found.arguments
    ] == [replace(each, value="") if isinstance(each, AccessToken) else each for each in operation.arguments]


@pytest.mark.parametrize(
    "text",
    ['["close",0]', "[]", "7", '["relink",0,"",{"x":1}]', '["relink",0,"",7]', '["relink",null,""]', "{"],
)
def test_a_text_that_is_no_owed_operation_is_refused(text):
    with pytest.raises(ValueError, match="no operation|no owed|no argument|unpack|float|Expecting"):
        parse(text, clock=lambda: 0.0)


# -- a logout waits for nothing


def test_promise_7_a_logout_in_an_outage_does_not_ask_the_store(world):
    world.value()
    world.shared.is_down = True
    world.logout()
    world.now += 60
    asked = world.shared.asked
    world.logout(BOB)
    run(world.store.end_user("alice"))
    run(world.store.relink("alice"))
    run(world.store.begin_session(ALICE))
    assert world.shared.asked == asked


def test_promise_7_a_logout_that_comes_while_others_are_owed_does_not_repeat_them(world):
    world.shared.is_down = True
    world.logout()
    world.back()
    asked = world.shared.asked
    world.logout(BOB)
    assert world.shared.asked == asked


def test_promise_7_a_logout_does_not_wait_for_a_store_that_hangs(directory):
    world = Journalled(directory)
    fallback = FallbackStore(
        world.shared, MemoryStore(), clock=world.clock, telemetry=Silence(), outage_trust=60, ends_within=0.01
    )
    fallback.keep(lambda: open_journal(world.settings, world.clock))

    async def leave() -> None:
        hangs = asyncio.Event()

        class Hanging:
            async def end_session(self, principal, **_):
                await hangs.wait()

        world.shared.inner = Hanging()
        await fallback.operations(blocking=False).end_session(ALICE)

    asyncio.run(leave())
    assert len(world.journals) == 1
    assert not fallback.outage.is_on  # it may have waited in this process's own queue
