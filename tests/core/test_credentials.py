"""Secrets in files: what is in them is read at start-up, and again when Monite refuses what it said before."""

import asyncio
import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from monite_auth import EntityUser, Principal, Secret, Settings, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.errors import ConfigurationError
from tests.scripted import CLIENT_ID, SECRET
from tests.waiting import until

ANNA = Principal("anna", session_id="anna-1")
PEOPLE = {name: EntityUser(ANNA_ID, BAKERY_ID) for name in ("anna", *(f"user-{n}" for n in range(20)))}
NEW = "the-secret-that-came-after"
KEY, OTHER_KEY = "the-first-key-of-them", "the-second-key-of-them"


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "client-secret"
    file.write_text(f"{DEMO_CLIENT_SECRET}\n")
    return file


@pytest.fixture
def filed(emulator, secret_file):
    """Settings whose secret is in a file."""
    return Settings(
        client_id=DEMO_CLIENT_ID,
        client_secret_file=str(secret_file),
        base_url=emulator.api_url,
        requests_per_second=100_000,
    )


def rotate(emulator, secret_file=None):
    """Give out a new secret at Monite, and in the file."""
    emulator.monite.add_credentials(DEMO_CLIENT_ID, NEW)
    if secret_file is not None:
        secret_file.write_text(NEW)


def from_files(**files):
    return Settings(client_id=CLIENT_ID, **{name: str(path) for name, path in files.items()})


# -- at start-up


@pytest.mark.parametrize("text", ["{}", "{}\n", "{}\r\n", "\ufeff{}\n"])
def test_a_secret_may_have_a_line_break_behind_it(tmp_path, text):
    file = tmp_path / "secret"
    file.write_bytes(text.format(SECRET).encode())
    made = from_files(client_secret_file=file)
    assert made.secret.reveal() == SECRET
    assert SECRET not in repr(made) + repr(made.__dict__)
    assert replace(made, deadline=3).secret.reveal() == SECRET


@pytest.mark.parametrize(
    "text",
    [f"{KEY}\n{OTHER_KEY}\n", f"{KEY},{OTHER_KEY}", f"# now\n{KEY}\n\n  # before\n {OTHER_KEY} \r\n"],
)
def test_keys_stand_on_lines_of_their_own_or_between_commas(tmp_path, text):
    file = tmp_path / "keys"
    file.write_text(text)
    made = Settings(client_id=CLIENT_ID, client_secret=SECRET, store_keys_file=str(file))
    assert made.sealing_keys == (Secret(KEY), Secret(OTHER_KEY), Secret(SECRET))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "client_secret_file is empty"),
        (b" \n", "client_secret_file is empty"),
        (b"the-secret\nand more\n", "control characters"),
        (b"the-secret\n\n", "control characters"),
        (b"\xff\xfethe-secret", "no text in UTF-8"),
        (b"the-secret" * 10_000, "more than 64 KB"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused_without_a_word_of_it(tmp_path, content, says):
    file = tmp_path / "the-secret-file"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        from_files(client_secret_file=file)
    (problem,) = caught.value.problems
    assert problem.startswith("client_secret_file ")
    assert says in problem
    assert "the-secret" not in problem


def test_a_secret_in_the_place_of_its_path_is_not_told():
    for slip in (SECRET, "a\0b", SECRET * 200):
        with pytest.raises(
            ConfigurationError, match="client_secret_file names a file that cannot be read"
        ) as caught:
            Settings(client_id=CLIENT_ID, client_secret_file=slip)
        assert slip not in str(caught.value)


def test_a_folder_and_what_is_no_path_are_refused(tmp_path):
    for wrong in (tmp_path, 7, [SECRET]):
        with pytest.raises(ConfigurationError, match="client_secret_file names a file that cannot be read"):
            Settings(client_id=CLIENT_ID, client_secret_file=wrong)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no key in it"),
        ("# nothing\n", "no key in it"),
        ("short\n", "a key of fewer than 16 characters"),
        (f"{KEY} # since May\n", "a comment behind a key"),
        (f"{KEY}\n{OTHER_KEY}\t# of April\n", "a comment behind a key"),
    ],
)
def test_a_file_that_holds_no_keys_is_refused(tmp_path, text, says):
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"store_keys_file has {says}"):
        Settings(client_id=CLIENT_ID, client_secret=SECRET, store_keys_file=str(file))


def test_a_secret_and_its_file_are_one_too_many(secret_file):
    with pytest.raises(ConfigurationError) as caught:
        Settings(
            client_id=CLIENT_ID,
            client_secret=SECRET,
            client_secret_file=str(secret_file),
            store_keys=KEY,
            store_keys_file=str(secret_file),
        )
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "client_secret and client_secret_file are both set",
        "store_keys and store_keys_file are both set",
    ]


def test_the_environment_names_files_and_what_overrides_it_decides_alone(secret_file):
    environ = {"MONITE_CLIENT_ID": CLIENT_ID, "MONITE_CLIENT_SECRET_FILE": str(secret_file)}
    assert Settings.from_env(environ).secret.reveal() == DEMO_CLIENT_SECRET
    assert Settings.from_env(environ, client_secret=SECRET).secret.reveal() == SECRET
    plain = {"MONITE_CLIENT_ID": CLIENT_ID, "MONITE_CLIENT_SECRET": SECRET}
    assert Settings.from_env(plain, client_secret_file=str(secret_file)).secret.reveal() == DEMO_CLIENT_SECRET
    with pytest.raises(ConfigurationError, match="both set"):
        Settings.from_env({**environ, "MONITE_CLIENT_SECRET": SECRET})


# -- when Monite refuses


def token(broker, principal, form):
    if form == "threads":
        return broker.token(principal)

    async def ask():
        try:
            return await broker.atoken(principal)
        finally:
            await broker.aclose()

    return asyncio.run(ask())


@pytest.mark.parametrize("form", ["threads", "tasks"])
def test_a_rotation_needs_no_restart(emulator, filed, secret_file, form, caplog):
    caplog.set_level(logging.INFO, "monite_auth")
    with TokenBroker(filed, PEOPLE) as broker:
        token(broker, ANNA, form)
        rotate(emulator, secret_file)
        assert token(broker, Principal("user-1", session_id="1"), form).value
    assert caplog.text.count("MONITE_CLIENT_SECRET_FILE has another one by now") == 1
    assert "Monite refuses the client ID and secret" not in caplog.text


def test_a_rotation_keeps_revocations_going(emulator, filed, secret_file, caplog):
    with TokenBroker(filed, PEOPLE) as broker:
        broker.token(ANNA)
        rotate(emulator, secret_file)
        broker.logout(ANNA)
        until(lambda: emulator.monite.ledger.live() == [])
    assert "Monite refuses" not in caplog.text


def test_many_who_are_refused_at_once_all_get_a_token_and_ask_once_more_at_the_most(
    emulator, filed, secret_file
):
    principals = [Principal(f"user-{n}", session_id="1") for n in range(20)]
    with TokenBroker(filed, PEOPLE) as broker, ThreadPoolExecutor(20) as pool:
        rotate(emulator, secret_file)
        assert len({each.value for each in pool.map(broker.token, principals)}) == 20
    answers = emulator.monite.statistics.requests
    assert answers["/auth/token", 200] == 20
    assert answers["/auth/token", 401] <= 20


@pytest.mark.parametrize("text", [DEMO_CLIENT_SECRET, "a-wrong-one", "", "half\nwritten", None])
def test_a_file_that_brings_nothing_better_leaves_it_at_one_error(emulator, filed, secret_file, text, caplog):
    with TokenBroker(filed, PEOPLE) as broker:
        rotate(emulator)
        secret_file.unlink()
        if text is not None:
            secret_file.write_text(text)
        for _ in range(3):
            with pytest.raises(errors.CredentialsRejected):
                broker.token(ANNA)
    assert caplog.text.count("Monite refuses the client ID and secret") == 1
    assert "a-wrong-one" not in caplog.text
    assert ("the former one is used: MONITE_CLIENT_SECRET_FILE " in caplog.text) == (
        text in ("", "half\nwritten", None)
    )
    assert "written" not in caplog.text


def test_a_secret_that_is_in_no_file_is_not_looked_for(emulator, emulated):
    with TokenBroker(emulated, PEOPLE) as broker:
        rotate(emulator)
        with pytest.raises(errors.CredentialsRejected):
            broker.token(ANNA)


def test_a_pipe_is_read_once_and_does_not_block_later(tmp_path, emulator):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(pipe.write_text, SECRET)
        made = from_files(client_secret_file=pipe)
        written.result()
    assert made.secret.reveal() == SECRET
    assert not made.credentials.reload(refused=Secret(SECRET))


def test_a_relative_path_stays_where_it_was(secret_file, monkeypatch):
    monkeypatch.chdir(secret_file.parent)
    made = Settings(client_id=CLIENT_ID, client_secret_file=secret_file.name)
    monkeypatch.chdir("/")
    secret_file.write_text(NEW)
    assert made.credentials.reload(refused=Secret(DEMO_CLIENT_SECRET))
    assert made.secret.reveal() == NEW


def test_only_the_first_of_those_who_are_refused_reads(filed, secret_file):
    secret_file.write_text(NEW)
    assert filed.credentials.reload(refused=Secret(DEMO_CLIENT_SECRET))
    secret_file.write_text("a-third-one")
    assert filed.credentials.reload(refused=Secret(DEMO_CLIENT_SECRET))
    assert filed.secret.reveal() == NEW


# -- what it means for a store


@pytest.fixture(params=["sqlite", "redis"])
def store_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    return request.getfixturevalue("redis_url")


@pytest.fixture
def redis_url():
    from tests.redis_server import RedisServer

    with RedisServer() as server:
        yield server.url


def test_a_worker_that_has_read_a_new_secret_lets_the_next_one_in_that_knows_no_other(
    emulator, filed, secret_file, store_url
):
    shared = replace(filed, store_url=store_url)
    with TokenBroker(shared, PEOPLE) as broker:
        first = broker.token(ANNA)
        rotate(emulator, secret_file)
        broker.token(Principal("user-1", session_id="1"))
        broker.token(Principal("user-2", session_id="1"))
        with TokenBroker(replace(shared), PEOPLE) as fresh:
            assert fresh.settings.sealing_keys == (Secret(NEW),)
            assert fresh.token(ANNA).value == first.value
        assert broker.token(ANNA).value == first.value


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_worker_that_was_not_refused_itself_goes_on_when_others_have_locked_the_old_secret_out(
    emulator, filed, secret_file, store_url, form
):
    """As under gunicorn's --max-requests: some workers have read the file, new ones start, and one was idle."""
    shared = replace(filed, store_url=store_url)
    idle, eager = (TokenBroker(replace(shared), PEOPLE) for _ in range(2))
    with idle, eager:
        first = token(idle, ANNA, form)
        rotate(emulator, secret_file)
        eager.token(Principal("user-1", session_id="1"))
        with TokenBroker(replace(shared), PEOPLE) as fresh:
            fresh.token(Principal("user-2", session_id="1"))
        assert token(idle, ANNA, form).value == first.value
        assert idle.settings.secret.reveal() == NEW
        token(idle, Principal("user-3", session_id="1"), form)
        idle.logout(ANNA)
        with pytest.raises(errors.SessionEnded):
            token(eager, ANNA, form)


def test_a_secret_that_does_not_open_the_store_is_not_taken_before_monite_refuses_the_other(
    emulator, filed, secret_file, store_url
):
    shared = replace(filed, store_url=store_url)
    with TokenBroker(shared, PEOPLE) as broker:
        broker.token(ANNA)
        secret_file.write_text("not-at-monite-yet")
        early = TokenBroker(replace(shared), PEOPLE)
        with pytest.raises(ConfigurationError, match="sealed with"):
            early.token(ANNA)
        early.store.close()
        broker.store.reopen()
        assert broker.token(ANNA)
        assert shared.secret.reveal() == DEMO_CLIENT_SECRET


def test_a_broker_whose_store_no_key_opens_says_so_when_it_is_closed_and_closes_all_the_same(
    emulated, tmp_path
):
    """What stays open would be a ResourceWarning, which fails a test."""
    shared = replace(emulated, store_url=f"sqlite:///{tmp_path}/store.db", store_keys=KEY)
    broker = TokenBroker(shared, PEOPLE)

    def lock_out():
        with closing(sqlite3.connect(tmp_path / "store.db")) as db, db:
            db.execute("UPDATE keys SET id = 'of another key ' || id")
        broker.store.reopen()

    async def on_a_loop():
        await broker.aclient(ANNA).get("/entity_users/me")
        lock_out()
        with pytest.raises(ConfigurationError, match="sealed with"):
            await broker.aclose()
        assert broker._pools._here().of_loop()._pool.connections == []

    asyncio.run(on_a_loop())
    broker._pools._transport()
    with pytest.raises(ConfigurationError, match="sealed with"):
        broker.close()
    assert broker._pools._here().of_threads is None


def test_keys_are_read_again_when_a_store_is_opened_again(emulated, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    shared = replace(emulated, store_url=f"sqlite:///{tmp_path}/store.db", store_keys_file=str(keys))
    with TokenBroker(shared, PEOPLE) as broker:
        first = broker.token(ANNA)
        keys.write_text(f"{OTHER_KEY}\n{KEY}\n")
        broker.store.close()
        assert broker.token(ANNA).value == first.value
    keys.write_text(OTHER_KEY)
    with TokenBroker(replace(shared), PEOPLE) as fresh:
        assert fresh.token(ANNA).value == first.value
