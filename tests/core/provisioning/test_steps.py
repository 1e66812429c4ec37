"""The steps of provisioning over a scripted runtime: what others do meanwhile, odd answers, and ends of time."""

import json
import types
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from monite_auth import EntityUser, MemoryStore, errors
from monite_auth.emulator import BAKERY_ID
from monite_auth.engine.limit_watch import LimitWatch
from monite_auth.engine.runtime import run
from monite_auth.identity import PARTNER
from monite_auth.monite_api.answers import Response
from monite_auth.monite_api.requests import Call, Request
from monite_auth.provisioning.ownership import Owner
from monite_auth.provisioning.partner import PartnerApi
from monite_auth.provisioning.steps import Steps
from monite_auth.stores import PARTNER_SLOT, Cooldown, Slot
from monite_auth.telemetry import Silence, Telemetry
from monite_auth.tokens import AccessToken, Secret
from tests.core.provisioning.app import AUDITOR, PROFILE
from tests.scripted import reply, settings

OWNER = Owner("tenant", "cafe")


ID = "0e0e0000-0000-4000-8000-000000000001"
OTHER = "0e0e0000-0000-4000-8000-000000000002"
ROLE = {"id": "40e00000-0000-4000-8000-000000000001", "name": "Viewer", "status": "active"}


def listed(*records):
    return reply(200, {"data": list(records)})


class OneToken:
    """The partner's token, which is always at hand."""

    async def token(self, runtime, actor, *, until):
        return AccessToken.granted(Secret("partner"), life=1800, sent_at=runtime.clock(), jitter=0.5)


class Scripted:
    """A runtime that answers in order; each answer is what Monite says to the next request."""

    def __init__(self, *answers: Response) -> None:
        self.settings = settings()
        self.now = 1_700_000_000.0
        self.memory = MemoryStore(clock=self.clock, requests_per_second=1_000_000).operations(blocking=True)
        self.store = self.memory
        self.limit_watch = LimitWatch(self.settings.requests_per_second)
        self.telemetry: Telemetry = Silence()
        self.answers = list(answers)
        self.calls: list[Call] = []

    def clock(self) -> float:
        return self.now

    async def send(self, request: Request, *, within: float) -> Response:
        assert 0 < within <= self.settings.deadline
        url, _, query = request.url.removeprefix(self.settings.base_url).partition("?")
        body = json.loads(request.body.reveal() or "{}")
        entity_id = request.headers.get("x-monite-entity-id")
        self.calls.append(Call(request.method, url, entity_id, dict(parse_qsl(query)), body))
        return self.answers.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def steps(self):
        return Steps(PartnerApi(self, self.settings, OneToken()), OWNER)

    def provide(self, profile=PROFILE, known=None):
        found = run(self.steps.provide(profile, known))
        assert not self.answers
        return found

    @property
    def lines(self):
        return [f"{call.method} {call.path}" for call in self.calls]


def somebody(**fields):
    return {"id": ID, "role_id": ROLE["id"], "status": "active", **PROFILE.fields, **fields}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_promise_8_any_failure_may_ask_for_a_pause(status):
    later = reply(status, {"error": {"message": "Later."}}, {"retry-after": "3"})
    monite = Scripted(later, listed(ROLE), listed(somebody()))
    started = monite.now
    assert monite.provide() == EntityUser(ID, BAKERY_ID)
    assert monite.now - started >= 3


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_user_created_meanwhile_is_found(status):
    monite = Scripted(listed(ROLE), listed(), reply(status, {"error": {"message": "x"}}), listed(somebody()))
    assert monite.provide() == EntityUser(ID, BAKERY_ID)
    assert monite.lines == ["GET /roles", "GET /entity_users", "POST /entity_users", "GET /entity_users"]


def test_a_role_created_meanwhile_is_found():
    auditor = {**ROLE, "name": "Auditor"}
    refused = reply(409, {"error": {"message": "There is a role of this name."}})
    monite = Scripted(listed(), listed(), refused, listed(auditor), listed(somebody()))
    assert monite.provide(replace(PROFILE, role=AUDITOR)) == EntityUser(ID, BAKERY_ID)


def test_a_deleted_user_is_not_found_and_can_be_created_again():
    gone = somebody(status="deleted")
    monite = Scripted(listed(ROLE), reply(200, gone), listed(gone), reply(200, somebody(id=OTHER)))
    assert monite.provide(known=EntityUser(ID, BAKERY_ID)) == EntityUser(OTHER, BAKERY_ID)


def test_a_filter_that_monite_takes_loosely_does_not_let_another_in():
    others = [somebody(login="USER-7"), somebody(login="user-77")]
    loose = [{**ROLE, "id": OTHER, "name": "viewer"}, ROLE]
    monite = Scripted(listed(*loose), listed(*others), reply(200, somebody()))
    assert monite.provide() == EntityUser(ID, BAKERY_ID)
    assert monite.calls[-1].body["role_id"] == ROLE["id"]


def test_a_second_page_is_asked_for_with_its_token_alone():
    first = reply(200, {"data": [], "next_pagination_token": "page-2"})
    monite = Scripted(listed(ROLE), first, listed(somebody()))
    monite.provide()
    assert [call.query for call in monite.calls[1:]] == [{"login": "user-7"}, {"pagination_token": "page-2"}]


def test_personal_data_that_monite_repeats_is_taken_out():
    said = "No: NINA Novak <nina@brightside.example>, user-7, other@example.org; first name is odd"
    monite = Scripted(listed(ROLE), listed(), reply(400, {"error": {"message": said}}), listed())
    with pytest.raises(errors.ProvisioningFailed) as caught:
        monite.provide()
    assert not any(word in str(caught.value).lower() for word in ("nina", "novak", "@", "user-7"))
    assert caught.value.fields == ("first_name",)


def test_there_is_an_end_to_answers_without_end():
    class Endless(Scripted):
        async def send(self, request, *, within):
            self.now += 1
            return reply(200, {"data": [], "next_pagination_token": f"page-{self.now}"})

    with pytest.raises(errors.MoniteUnavailable, match="to look for the role 'Viewer': no time was left"):
        run(Endless().steps.provide(PROFILE, None))


def test_waiting_for_another_processs_creation_ends_with_the_deadline():
    auditor = replace(PROFILE, role=AUDITOR)
    monite = Scripted(listed())
    slot = Slot(PARTNER, f"role {BAKERY_ID} Auditor", None, "creation")
    run(monite.memory.claim(slot, PARTNER, owner="another", seconds=1000, min_life=0))
    with pytest.raises(errors.MoniteUnavailable, match="to create the role 'Auditor': no time was left"):
        monite.provide(auditor)


def test_a_failed_creation_releases_its_claim_at_once():
    auditor = replace(PROFILE, role=AUDITOR)
    monite = Scripted(listed(), listed(), reply(500, {}))
    with pytest.raises(errors.MoniteUnavailable):
        monite.provide(auditor)
    made = {**ROLE, "name": "Auditor"}
    monite.answers = [listed(), listed(), reply(200, made), listed(made), listed(somebody())]
    before = monite.now
    monite.provide(auditor)
    assert monite.now - before < 0.001


def test_a_second_role_that_is_in_use_is_kept():
    older, ours = ({**ROLE, "name": "Auditor", "id": each, "created_at": each} for each in (ID, OTHER))
    in_use = reply(409, {"error": {"message": "The role is in use."}})
    monite = Scripted(
        listed(), listed(), reply(200, ours), listed(older, ours), in_use, listed(somebody(role_id=ID))
    )
    assert monite.provide(replace(PROFILE, role=AUDITOR)) == EntityUser(ID, BAKERY_ID)


def test_nothing_is_created_while_monite_refuses_our_credentials():
    monite = Scripted(listed())
    lease = run(monite.memory.claim(PARTNER_SLOT, PARTNER, owner="x", seconds=5, min_life=0)).lease
    run(monite.memory.abandon(lease, Cooldown(30, "credentials_rejected", "Wrong secret.", everyone=True)))
    with pytest.raises(errors.CredentialsRejected, match="Wrong secret") as caught:
        monite.provide(replace(PROFILE, role=AUDITOR))
    assert caught.value.retry_after == pytest.approx(30, abs=1)


@types.coroutine
def never():
    yield


def test_promise_2_a_creation_whose_event_loop_is_gone_loses_its_claim_in_time():
    class Stuck(Scripted):
        async def send(self, request, *, within):
            await never() if not self.answers else None
            return await super().send(request, within=within)

    stuck = Stuck(listed(), listed())
    flow = stuck.steps.provide(replace(PROFILE, role=AUDITOR), None)
    flow.send(None)  # it is creating the role
    flow.close()
    slot = Slot(PARTNER, f"role {BAKERY_ID} Auditor", None, "creation")
    claim = run(stuck.memory.claim(slot, PARTNER, owner="another", seconds=5, min_life=0))
    assert claim.retry_in < 20
