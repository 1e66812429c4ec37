"""A local Monite in tests, without pytest's fixtures."""

import asyncio
import os
import subprocess
import sys
from contextlib import ExitStack, nullcontext
from uuid import UUID

import httpx
import pytest

import monite_auth.testing
from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, Fault
from monite_auth.testing import LocalMonite
from tests.waiting import until


def test_its_settings_lead_to_it():
    with LocalMonite() as monite:
        assert Settings.from_env() == Settings.from_env(monite.environ)
        assert Settings.from_mapping(monite.settings) == Settings.from_env()
        assert monite.api_url == f"{monite.url}/v1"
        assert repr(monite) == f"<LocalMonite at {monite.api_url}>"


def mint(settings, monite):
    """Mint a token for a user of a Monite, with settings that lead to it or to another one."""
    with TokenBroker(settings, monite.users.find) as broker:
        broker.token(monite.users().principal)


def test_one_after_another_they_have_the_same_address():
    with LocalMonite() as first:
        pass
    with LocalMonite() as second:
        assert first.url == second.url


@pytest.mark.parametrize("inner_ends_first", [True, False])
def test_one_that_begins_while_another_is_open_has_an_address_of_its_own(monkeypatch, inner_ends_first):
    monkeypatch.setenv("MONITE_CLIENT_ID", "of the developer")

    def minted():
        return len(outer.ledger.tokens()), len(inner.ledger.tokens())

    outer, inner = LocalMonite(), LocalMonite()
    with ExitStack() as of_outer, ExitStack() as of_inner:
        of_outer.enter_context(outer)
        of_inner.enter_context(inner)
        assert outer.url != inner.url
        mint(Settings.from_env(outer.environ), outer)
        assert minted() == (1, 0)
        mint(Settings.from_env(), inner)
        assert minted() == (1, 1)

        ending, other = (of_inner, outer) if inner_ends_first else (of_outer, inner)
        ending.close()
        assert Settings.from_env() == Settings.from_env(other.environ)
        mint(Settings.from_env(), other)
        assert minted() == ((2, 1) if inner_ends_first else (1, 2))
        if not inner_ends_first:
            with LocalMonite() as third:
                assert third.url == outer.url
    assert os.environ["MONITE_CLIENT_ID"] == "of the developer"
    assert "MONITE_BASE_URL" not in os.environ


def headers_of(monite, user):
    """Return the headers of calls with a new token for a user."""
    body = {
        "grant_type": "entity_user",
        "entity_user_id": user.entity_user_id,
        "client_id": monite.environ["MONITE_CLIENT_ID"],
        "client_secret": monite.environ["MONITE_CLIENT_SECRET"],
    }
    version = {"x-monite-version": "2024-05-25"}
    with httpx.Client(transport=monite.transport, base_url=monite.api_url, headers=version) as client:
        token = client.post("/auth/token", json=body).json()["access_token"]
    return {**version, "authorization": f"Bearer {token}", "x-monite-entity-id": user.entity_id}


def send(form, monite, **options):
    """Ask for payables in process: in a thread, on an event loop, or in a thread that runs a loop."""
    options = {"transport": monite.transport, "base_url": monite.api_url, **options}

    def in_thread():
        with httpx.Client(**options) as client:
            return client.get("/payables")

    async def on_loop():
        if form == "thread of a loop":
            return in_thread()
        async with httpx.AsyncClient(**options) as client:
            return await client.get("/payables")

    return in_thread() if form == "thread" else asyncio.run(on_loop())


FORMS = ["thread", "loop", "thread of a loop"]


@pytest.mark.parametrize("form", FORMS)
def test_a_client_calls_it_without_a_socket(form):
    with LocalMonite() as monite:
        headers = headers_of(monite, monite.users())
        monite.faults.add(Fault(kind="cut_before", times=1))
        with pytest.raises(httpx.ReadError, match="cut this connection"):
            send(form, monite, headers=headers)
        answer = send(form, monite, headers=headers)
        assert answer.status_code == 200
        assert answer.json()["data"]
        (token,) = monite.ledger.tokens()
        monite.ledger.assert_used(token)


@pytest.mark.parametrize("form", FORMS)
def test_a_client_without_a_socket_keeps_its_timeout(form):
    with LocalMonite() as monite:
        headers = headers_of(monite, monite.users())
        monite.faults.add(Fault(kind="hang"))
        with pytest.raises(httpx.ReadTimeout):
            send(form, monite, headers=headers, timeout=0.05)


@pytest.mark.parametrize("is_inside_another", [False, True])
def test_a_request_that_a_fault_holds_goes_on_when_the_test_is_over(is_inside_another):
    import threading

    answers = []
    with LocalMonite() if is_inside_another else nullcontext(), LocalMonite() as monite:
        monite.faults.add(Fault(kind="hang"))
        api_url = monite.api_url
        thread = threading.Thread(target=lambda: answers.append(httpx.get(f"{api_url}/payables", timeout=60)))
        thread.start()
        assert monite.faults.wait_for_hits(1, seconds=60)
    thread.join(60)
    until(lambda: answers)


def test_users_are_a_directory_and_know_only_those_that_were_made():
    with LocalMonite() as monite:
        anna = monite.users("Accountant")
        assert (
            monite.users.find(anna.principal)
            == anna.entity_user
            == EntityUser(anna.entity_user_id, anna.entity_id)
        )
        assert monite.users.find(Principal("nobody")) is None


@pytest.mark.parametrize("kind", ["text", "secret", "token", "entry"])
def test_assertions_take_a_token_in_any_form(kind):
    with LocalMonite() as monite, TokenBroker(Settings.from_env(), monite.users.find) as broker:
        token = broker.token(monite.users().principal)
        (entry,) = monite.ledger.tokens()
        forms = {"text": token.value.reveal(), "secret": token.value, "token": token, "entry": entry}
        monite.ledger.assert_live(forms[kind])


QUESTIONS = {
    "tokens": lambda ledger, user: ledger.tokens(user),
    "live": lambda ledger, user: ledger.live(user),
    "assert_minted": lambda ledger, user: ledger.assert_minted(user, times=0),
    "assert_no_live_tokens": lambda ledger, user: ledger.assert_no_live_tokens(user),
    "aassert_no_live_tokens": lambda ledger, user: asyncio.run(ledger.aassert_no_live_tokens(user)),
}
ABOUT_A_USER = pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)


@ABOUT_A_USER
def test_nothing_is_asserted_about_somebody_whom_this_monite_never_knew(ask):
    with LocalMonite() as monite:
        anna = monite.users()
        listed = f"  {anna.entity_user_id}  {anna.user_id}"
        for unknown in (anna.user_id, "", EntityUser(anna.entity_id, anna.entity_id)):
            with pytest.raises(ValueError, match="has no entity user '.*', and never had") as refused:
                ask(monite.ledger, unknown)
            assert listed in str(refused.value).splitlines()
    with LocalMonite(seed=False) as monite, pytest.raises(ValueError, match="has none at all"):
        ask(monite.ledger, anna)


@ABOUT_A_USER
def test_a_user_of_the_application_is_told_what_to_give(ask):
    with LocalMonite() as monite:
        for given in (monite.users().principal, 5):
            with pytest.raises(
                TypeError, match=r"as a MoniteUser \(`monite_user`\), as an EntityUser, or by"
            ):
                ask(monite.ledger, given)


@ABOUT_A_USER
@pytest.mark.parametrize("end", ["nothing", "deleted", "reset", "restored"])
def test_a_user_is_known_in_any_form_and_after_their_end(ask, end):
    with LocalMonite() as monite:
        before = monite.monite.snapshot()
        anna = monite.users()
        if end == "deleted":
            monite.monite.remove_user(monite.monite.directory.users.get(anna.entity_user_id))
        elif end == "reset":
            monite.monite.reset()
        elif end == "restored":
            monite.monite.restore(before)
        for form in (anna, anna.entity_user, anna.entity_user_id, UUID(ANNA_ID)):
            assert not ask(monite.ledger, form)


def test_pytest_is_not_needed(tmp_path):
    code = """
import sys
sys.modules["pytest"] = None
from monite_auth.testing import LocalMonite
with LocalMonite(token_life=60) as monite:
    monite.ledger.assert_no_live_tokens()
try:
    from monite_auth.testing import StoreContract
except ImportError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == (
        "The contracts of monite_auth.testing need pytest: pip install 'monite-auth[testing]'.\n",
        "",
    )


def test_every_public_name_is_there_for_completion_and_for_the_reference():
    assert {*monite_auth.testing.__all__} <= {*dir(monite_auth.testing)}
