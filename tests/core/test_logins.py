"""Who a principal is, and since when: dates, new logins, and sessions of which nobody can tell that they ended."""

import logging
import math
import time
from datetime import UTC, datetime

import pytest

from monite_auth import MoniteAccess, Principal, TokenBroker
from monite_auth.adapter.sessions import BINDING, bind_principal, bound_principal, new_login
from monite_auth.errors import ConfigurationError, NotLoggedIn, SessionEnded

ANNA = Principal("anna", session_id="anna-1")


# -- dates


def test_a_login_is_dated_by_seconds_or_by_an_aware_datetime():
    moment = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert Principal("anna", authenticated_at=moment) == Principal(
        "anna", authenticated_at=moment.timestamp()
    )
    assert isinstance(Principal("anna", authenticated_at=1_700_000_000).began_at, float)


@pytest.mark.parametrize(
    ("value", "kind", "meant"),
    [
        (datetime(2026, 1, 1), ValueError, "without a time zone"),  # noqa: DTZ001 - that is the point
        pytest.param(str(int(time.time())), TypeError, "pass float", id="text"),
        (True, TypeError, "not bool"),
        ([1], TypeError, "not list"),
        (math.nan, ValueError, "no moment"),
        (-math.inf, ValueError, "no moment"),
        pytest.param(10**400, ValueError, "no moment", id="a number that no float holds"),
        pytest.param(time.time() * 1000, ValueError, "milliseconds", id="milliseconds"),
        pytest.param(time.time() + 3600, ValueError, "in the future", id="future"),
        (datetime(9999, 1, 1, tzinfo=UTC), ValueError, "milliseconds|in the future"),
    ],
)
def test_what_is_no_date_of_a_login_is_refused_with_what_was_meant(value, kind, meant):
    with pytest.raises(kind, match=meant):
        Principal("anna", authenticated_at=value)


def test_a_clock_that_is_ahead_by_a_few_minutes_does_no_harm():
    assert Principal("anna", authenticated_at=time.time() + 240).began_at > time.time()


# -- sessions


def test_a_binding_of_a_host_whose_clock_is_ahead_is_taken_as_of_now():
    session = {BINDING: ["anna", "id", time.time() + 3600]}
    assert bound_principal(session).began_at <= time.time()


@pytest.mark.parametrize(
    "strange",
    [
        *(None, "anna", [], ["anna"], {"anna": 1}, ["", "id", 1.0], ["anna", "id", "x"]),
        *(["anna", "id", moment] for moment in (True, math.nan, -math.inf, -(10**400))),
    ],
)
def test_what_is_no_binding_binds_nobody_and_is_replaced(strange):
    session = {BINDING: strange}
    assert bound_principal(session) is None
    assert bind_principal(session, "anna") == bound_principal(session)


def test_a_new_login_in_the_same_session_is_another_session():
    session = {}
    first = bind_principal(session, "anna")
    assert bind_principal(session, "anna") == first
    assert new_login(session, "anna").session_id != first.session_id


# -- the verb


def test_a_login_into_the_old_session_gets_tokens_again(broker: TokenBroker):
    session = {"user_id": "anna"}
    access = MoniteAccess(
        broker, bind_principal(session, "anna"), new_login=lambda: new_login(session, session.get("user_id"))
    )
    access.token()
    broker.end_user("anna")
    with pytest.raises(SessionEnded, match=r"login\(\)"):
        access.token()
    access.login()
    assert access.token().expires_in > 0
    assert access.principal == bind_principal(session, "anna")


async def test_a_login_ends_what_the_session_had_before(broker: TokenBroker, emulator):
    session = {"user_id": "anna"}
    before = bind_principal(session, "anna")
    access = MoniteAccess(broker, before, new_login=lambda: new_login(session, session.get("user_id")))
    await access.atoken()
    await access.alogin()
    with pytest.raises(SessionEnded):
        await broker.atoken(before)
    assert access
    await broker.aclose()


def test_login_without_anybody_logged_in_is_a_mistake(broker: TokenBroker):
    with pytest.raises(NotLoggedIn, match="put the user into the session first"):
        MoniteAccess(broker, None, new_login=lambda: None).login()


def test_login_where_the_app_names_sessions_itself_says_what_to_do(broker: TokenBroker):
    with pytest.raises(ConfigurationError, match=r"broker\.login"):
        MoniteAccess(broker, ANNA).login()


# -- what cannot end


def test_a_logout_that_cannot_be_final_is_said_once(broker: TokenBroker, caplog):
    for _ in range(3):
        broker.logout(Principal("anna"))
    (record,) = [each for each in caplog.records if "cannot be final" in each.getMessage()]
    assert record.levelno == logging.WARNING
    assert "MONITE_REQUIRE_SESSIONS" in record.getMessage()


def test_principals_whose_logout_cannot_be_final_can_be_refused(emulated):
    from dataclasses import replace

    with TokenBroker(replace(emulated, require_sessions=True), directory={}) as strict:
        with pytest.raises(ConfigurationError, match="session_id"):
            strict.token(Principal("anna"))
        with pytest.raises(ConfigurationError, match="session_id"):
            strict.client(Principal("anna")).get("/payables")
