"""Promise 9: client secrets and tokens appear in no log record, repr, exception or traceback, locals included."""

import asyncio
import io
import logging
import traceback

import pytest

from monite_auth import EntityUser, MoniteAccess, Principal, Settings, TokenBroker, errors
from monite_auth.adapter.answers import error_answer
from monite_auth.adapter.token_endpoint import token_answer
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Fault

ANNA = Principal("anna", session_id="the-session-id")


class Listener(logging.Handler):
    """Keeps all that anybody logs, formatted with everything a formatter can get at."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        self.text.write(f"{record.getMessage()} {record.__dict__!r}\n")


@pytest.fixture
def listener():
    heard = Listener()
    root = logging.getLogger()
    before = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    yield heard
    root.setLevel(before)
    root.removeHandler(heard)


TROUBLE = [
    Fault(kind="status", status=401, path="/auth/token", message=f"{DEMO_CLIENT_SECRET} is wrong"),
    Fault(kind="status", status=404, path="/auth/token", message=f"not with {DEMO_CLIENT_SECRET}"),
    Fault(kind="status", status=503, path="/auth/token"),
    Fault(kind="throttle", path="/auth/token", retry_after=60),
    Fault(kind="cut_before", path="/auth/token"),
    Fault(kind="cut_after", path="/auth/token"),
    Fault(kind="truncated", path="/auth/token"),
    Fault(kind="invalid_json", path="/auth/token"),
    Fault(kind="wrong_fields", path="/auth/token"),
    Fault(kind="hang", path="/auth/token"),
]


def told(error: BaseException) -> str:
    """Return all that a crash reporter would send: the whole chain, with the locals of every frame of ours."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in whole.stack:
        if frame.filename == __file__ and frame.name.startswith("test_promise"):
            frame.locals = None  # the test knows the secrets
    parts = ["".join(whole.format()), repr(error), str(error), repr(error.__dict__), repr(error.args)]
    parts += [told(link) for link in (error.__cause__, error.__context__) if link is not None]
    return "\n".join(parts)


def forbidden(emulator) -> list[str]:
    return [DEMO_CLIENT_SECRET, *(token.value for token in emulator.monite.ledger.tokens)]


@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: f"{fault.kind}-{fault.status}")
@pytest.mark.parametrize("form", ["threads", "tasks"])
def test_promise_9_no_secret_shows_when_a_mint_fails(emulator, listener, fault, form):
    hasty = Settings(
        client_id=DEMO_CLIENT_ID,
        client_secret=DEMO_CLIENT_SECRET,
        base_url=emulator.api_url,
        requests_per_second=100_000,
        deadline=0.5,
        read_timeout=0.2,
    )
    broker = TokenBroker(hasty, {"anna": EntityUser(ANNA_ID, BAKERY_ID)})
    emulator.monite.faults.add(fault)

    async def ask():
        try:
            await broker.atoken(ANNA)
        finally:
            await broker.aclose()

    with pytest.raises(errors.MoniteAuthError) as caught:
        if form == "threads":
            broker.token(ANNA)
        else:
            asyncio.run(ask())
    emulator.monite.faults.clear()
    broker.close()
    seen = told(caught.value) + listener.text.getvalue() + error_answer(caught.value).body.decode()
    for secret in forbidden(emulator):
        assert secret not in seen
    assert ANNA.session_id not in seen


def test_promise_9_no_secret_shows_on_the_way_from_login_to_logout(emulator, emulated, broker, listener):
    access = MoniteAccess(broker, ANNA)
    token = access.token()
    seen = [
        repr(each)
        for each in (broker, emulated, emulated.__dict__, token, access, ANNA, broker.store.__dict__)
    ]
    seen.append(repr(broker.client(ANNA)) + repr(broker.auth(ANNA).__dict__))
    assert access.client.get("/payables").status_code == 200
    emulator.monite.faults.add(Fault(kind="dead_token", path="/payables", status=401, times=1))
    assert access.client.get("/payables").status_code == 200
    emulator.monite.faults.add(
        Fault(kind="status", path="/auth/revoke", status=401, times=1, message=DEMO_CLIENT_SECRET)
    )
    emulator.monite.faults.add(
        Fault(kind="status", path="/auth/revoke", status=422, times=1, message=token.value.reveal())
    )
    access.logout()
    broker.drain(within=20)
    with pytest.raises(errors.SessionEnded) as caught:
        access.token()
    seen += [told(caught.value), listener.text.getvalue()]
    assert len(forbidden(emulator)) == 3
    for secret in forbidden(emulator):
        assert secret not in "\n".join(seen)
    assert emulator.monite.faults.hits


def test_the_scan_finds_what_it_looks_for():
    token = "a-token-in-a-local"
    try:
        raise ValueError(len(token))
    except ValueError as error:
        assert "a-token-in-a-local" in told(error)


def test_the_one_place_that_shows_a_token_is_the_answer_to_its_owner(broker):
    token = broker.token(ANNA)
    assert token.value.reveal() in token_answer(token).body.decode()
    assert token_answer(token).headers["Cache-Control"] == "private, no-store"
