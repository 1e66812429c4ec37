"""What a broker can take away: one token, the partner's, and everything; and work that goes on after the request."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from monite_auth import (
    PARTNER,
    EndReport,
    MemoryStore,
    Principal,
    Settings,
    SQLiteStore,
    TokenBroker,
)
from monite_auth.emulator import ANNA_ID
from monite_auth.errors import SessionEnded
from tests.people import ANNA, PEOPLE, VIKTOR
from tests.waiting import auntil, until


@pytest.fixture(params=["memory", "sqlite"])
def broker(emulated: Settings, request, tmp_path):
    keys = emulated.sealing_keys
    store = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "m.db", keys=keys)
    with TokenBroker(emulated, PEOPLE, store=store) as broker:
        yield broker


def live(emulator, holder=None):
    tokens = emulator.monite.ledger.live()
    return [each for each in tokens if holder is None or each.entity_user_id == holder]


def test_a_leaked_token_is_revoked_by_its_text_and_replaced(broker, emulator):
    token = broker.token(ANNA)
    broker.revoke(token.value.reveal())
    until(lambda: not live(emulator, ANNA_ID))
    assert broker.token(ANNA).fingerprint != token.fingerprint


def test_so_is_one_that_this_broker_does_not_know(broker, emulator, emulated):
    with TokenBroker(emulated, PEOPLE) as other:
        token = other.token(ANNA)
        broker.revoke(token.value)
        until(lambda: not live(emulator, ANNA_ID))


@pytest.mark.parametrize("copied", ["{}\n", " {}", "Bearer {}", "  bearer  {} \r\n"])
def test_it_is_found_as_it_was_copied(broker, emulator, copied):
    broker.revoke(copied.format(broker.token(ANNA).value.reveal()))
    until(lambda: not live(emulator, ANNA_ID))


@pytest.mark.parametrize(
    "text", ["", " ", "Bearer", "Authorization: Bearer tok", "tok\u00e9n", "a\r\nX-Header: b", "x" * 9000]
)
def test_what_is_no_token_is_not_taken_for_revoked(broker, text):
    with pytest.raises(ValueError, match="no token") as caught:
        broker.revoke(text)
    assert not text.strip() or text not in str(caught.value)
    assert broker.drain().next_in is None


@pytest.mark.parametrize("nothing", [None, 7, b"token", PARTNER, ANNA])
def test_revoke_takes_tokens_only(broker, nothing):
    with pytest.raises(TypeError, match="revoke takes"):
        broker.revoke(nothing)


async def test_on_an_event_loop_too(broker, emulator):
    await broker.arevoke(await broker.atoken(ANNA))
    await broker.aend_partner_token()
    assert str(await broker.aend_everything()).startswith("ended 1 sessions and 0 tokens")
    await auntil(lambda: not live(emulator))  # its token is in the hands of a drainer by now
    await broker.aclose()


def test_the_partner_token_can_be_ended_and_the_next_is_another(broker, emulator):
    first = broker.partner_token()
    broker.token(ANNA)
    broker.end_partner_token()
    until(lambda: len(live(emulator)) == 1)
    assert live(emulator, ANNA_ID)
    assert broker.partner_token().fingerprint != first.fingerprint


def test_everything_of_an_account_ends_with_one_call_and_a_report(broker, emulator):
    for principal in (ANNA, VIKTOR, PARTNER):
        broker.token(principal)
    report = broker.end_everything()
    assert isinstance(report, EndReport)
    assert (report.sessions, report.tokens, report.drained.settled) == (2, 3, 3)
    assert live(emulator) == []
    for principal in (ANNA, VIKTOR):
        with pytest.raises(SessionEnded):
            broker.token(principal)
    assert broker.token(Principal("anna", session_id="anna-2", authenticated_at=time.time()))
    assert broker.partner_token()


@pytest.mark.parametrize("method", ["end_user", "relink"])
@pytest.mark.parametrize("nobody", [None, "", 7, PARTNER, ANNA])
def test_what_ends_a_user_wants_a_users_id(broker, method, nobody):
    with pytest.raises(TypeError, match=r"end_partner_token\(\)"):
        getattr(broker, method)(nobody)


@pytest.mark.parametrize("nobody", [None, "anna", PARTNER])
def test_only_principals_log_out(broker, nobody):
    with pytest.raises(TypeError, match="logout takes a Principal"):
        broker.logout(nobody)


# -- jobs


def test_a_job_that_was_queued_before_the_users_sessions_ended_gets_no_token(broker, emulator):
    broker.token(ANNA)
    job = broker.for_job("anna", since=time.time())
    assert broker.token(job)
    broker.end_user("anna")
    with pytest.raises(SessionEnded):
        broker.token(job)
    until(lambda: not live(emulator, ANNA_ID))
    assert broker.token(broker.for_job("anna", since=datetime.now(UTC)))


def test_a_job_of_the_very_second_in_which_the_sessions_ended_is_refused(broker):
    job = broker.for_job("anna", since=int(time.time()))
    broker.end_user("anna")
    with pytest.raises(SessionEnded):
        broker.token(job)


def test_a_logout_ends_no_jobs(broker):
    broker.token(ANNA)
    job = broker.for_job("anna", since=time.time())
    broker.logout(ANNA)
    assert broker.token(job)


def test_a_job_that_does_not_know_since_when_is_refused(broker):
    with pytest.raises(TypeError, match="since when"):
        broker.for_job("anna", since=None)


def test_a_job_acts_for_the_users_tenant(broker):
    job = broker.for_job("anna", since=time.time(), tenant="bakery")
    assert (job.user_id, job.tenant, job.session_id) == ("anna", "bakery", None)


def test_a_job_that_is_older_than_endings_are_remembered_is_refused(broker):
    queued = datetime.now(UTC) - timedelta(seconds=broker.settings.session_memory + 60)
    with pytest.raises(SessionEnded, match="MONITE_SESSION_MEMORY"):
        broker.token(broker.for_job("anna", since=queued))
