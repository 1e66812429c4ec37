"""Events for auditors: which there are, what they say, what they keep to themselves, and how they join into an answer."""

import json
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from monite_auth import Principal, SecurityModel, TokenBroker, errors
from monite_auth.adapter import MoniteAccess
from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_SECRET
from monite_auth.events import EVENTS, Event
from monite_auth.events.names import Names
from monite_auth.events.recorder import ONCE_IN, Recorder
from monite_auth.settings import Settings
from monite_auth.telemetry import facts
from monite_auth.testing.adapters.fixtures import StoreThatFails
from monite_auth.tokens import steady_clock
from tests.people import ANNA, PEOPLE
from tests.scripted import ALICE, SECRET, granted, refused, reply, settings, throttled
from tests.telemetry.told import TellingWorld

PAGE = Path(__file__).parents[2] / "docs" / "events.md"


class Audit(list[Event]):
    """A sink that keeps all events."""

    def __call__(self, event):
        self.append(event)

    def names(self):
        return [each.name for each in self]


def test_who_had_access_when_and_when_it_ended(emulated):
    audit = Audit()
    with TokenBroker(emulated, PEOPLE, events=audit) as broker:
        token = broker.token(ANNA)
        broker.logout(ANNA)
        anna = broker.name_in_events("anna")
    minted, ended, revoked = audit
    assert audit.names() == ["token.minted", "session.ended", "token.revoked"]
    assert minted.user == ended.user == anna
    assert minted.session == ended.session
    assert minted.token == revoked.token == token.fingerprint
    assert minted.expires_at == pytest.approx(minted.at + token.life, abs=60)
    assert minted.at <= ended.at <= revoked.at
    assert ended.count == 1
    assert {each.account for each in audit} == {emulated.account_name}
    assert len({each.id for each in audit}) == 3


def test_no_event_holds_a_secret_or_names_a_person(emulated):
    audit = Audit()
    person = Principal("anna", "books", session_id="a-session-cookie")
    with TokenBroker(emulated, {("anna", "books"): PEOPLE["anna"]}, events=audit) as broker:
        token = broker.token(person).value.reveal()
        broker.end_user("anna")
    written = json.dumps([each.as_dict() for each in audit]) + "".join(map(str, audit)) + repr(audit)
    for secret in ("anna", "books", "a-session-cookie", token, DEMO_CLIENT_SECRET, ANNA_ID):
        assert secret not in written


def test_ids_are_told_where_the_application_says_so_but_never_sessions(emulated):
    audit = Audit()
    with TokenBroker(replace(emulated, event_users="id"), PEOPLE, events=audit) as broker:
        broker.token(ANNA)
        assert broker.name_in_events("anna") == "anna"
    assert audit[0].user == "anna"
    assert ANNA.session_id not in str(audit[0])


def test_names_depend_on_the_key_and_on_what_they_are_the_name_of():
    one, other = Names(settings(event_key="k" * 16)), Names(settings(event_key="l" * 16))
    assert one.user("a") == Names(settings(event_key="k" * 16)).user("a")
    assert (
        len({one.user("a"), one.tenant("a"), one.session("a"), other.user("a"), Names(settings()).user("a")})
        == 5
    )
    assert one.user("a") == Names(replace(settings(event_key="k" * 16), client_secret="another")).user("a")


def test_monites_request_id_is_told():
    world = TellingWorld(refused(400, "Entity user is deactivated."))
    with pytest.raises(errors.EntityUserRejected):
        world.token()
    (event,) = world.events
    assert (event.name, event.why, event.request_id) == ("mint.failed", "refused", "req-1")


def test_mints_that_fail_are_told_by_their_outcome():
    world = TellingWorld(throttled("0"), reply(500, {}), granted("token-1"))
    world.token()
    told = [(each.name, each.why) for each in world.events]
    assert told == [("mint.failed", "throttled"), ("mint.failed", "fault"), ("token.minted", "granted")]


def test_a_token_that_a_logout_fences_is_told_with_its_end():
    def answer(_request):
        world.logout()
        return granted("token-1")

    world = TellingWorld(answer)
    with pytest.raises(errors.SessionEnded):
        world.token()
    world.run_background()
    assert [each.name for each in world.events] == [
        "session.ended",
        "token.minted",
        "token.fenced",
        "token.revoked",
    ]
    assert len({each.token for each in world.events[1:]}) == 1


def test_a_revocation_that_fails_is_told():
    world = TellingWorld(granted("token-1"))
    world.revocations = [reply(500, {})]
    world.token()
    world.logout()
    world.drain()
    assert (world.events[-1].name, world.events[-1].why) == ("revocation.failed", "fault")


def test_all_endings_are_told(emulated):
    audit = Audit()
    with TokenBroker(emulated, PEOPLE, events=audit) as broker:
        token = broker.token(ANNA)
        broker.relink("anna")
        broker.end_user("anna")
        broker.revoke(token)
        broker.end_partner_token()
        broker.end_everything(within=0)
        anna = broker.name_in_events("anna")
    ends = [each for each in audit if each.name.endswith((".ended", ".relinked"))]
    assert [(each.name, each.user) for each in ends] == [
        ("user.relinked", anna),
        ("user.ended", anna),
        ("token.ended", None),
        ("partner_token.ended", "partner"),
        ("account.ended", None),
    ]
    assert ends[2].token == token.fingerprint


def test_calls_that_a_person_may_not_make_are_told(emulated):
    audit = Audit()
    chosen = replace(emulated, security_model=SecurityModel.PARTNER_MANAGED)
    with TokenBroker(chosen, PEOPLE, authorize=lambda *_: False, events=audit) as broker:
        with pytest.raises(errors.NotPermitted):
            broker.client(ANNA).get("/payables")
        anna = broker.name_in_events("anna")
    assert [(each.name, each.user, each.why) for each in audit] == [("call.refused", anna, "payable.read")]


async def test_so_are_those_on_an_event_loop_and_those_of_guards(emulated):
    audit = Audit()
    chosen = replace(emulated, security_model=SecurityModel.PARTNER_MANAGED)
    async with TokenBroker(chosen, PEOPLE, authorize=lambda *_: False, events=audit) as broker:
        with pytest.raises(errors.NotPermitted):
            await broker.aclient(ANNA).get("/payables")
        with pytest.raises(errors.NotPermitted):
            MoniteAccess(broker, ANNA).demand("payable", "create")
        with pytest.raises(errors.NotPermitted):
            await MoniteAccess(broker, ANNA).ademand("payable", "delete")
    assert [each.why for each in audit] == ["payable.read", "payable.create", "payable.delete"]


def test_an_outage_is_told_with_what_is_decided_and_owed_in_it(emulated):
    audit, store, later = Audit(), StoreThatFails(), 0.0
    with TokenBroker(
        emulated, PEOPLE, store=store, events=audit, clock=lambda: steady_clock() + later
    ) as broker:
        broker.token(ANNA)
        store.is_down = True
        broker.token(ANNA)
        broker.token(ANNA)
        stranger = Principal("anna", session_id="anna-2")
        for _ in range(3):
            with pytest.raises(errors.StoreUnavailable):
                broker.token(stranger)
        broker.logout(ANNA)
        store.is_down = False
        later = 10.0
        with pytest.raises(errors.SessionEnded):
            broker.token(ANNA)
    names = audit.names()
    for name in (
        "session.served_in_outage",
        "session.refused_in_outage",
        "ending.owed",
        "outage.began",
        "outage.ended",
    ):
        assert names.count(name) == 1, name
    assert {each.why for each in audit if each.name == "ending.owed"} == {"end_session"}
    assert {each.why for each in audit if each.name.startswith("outage.")} == {"down"}


def test_a_rotation_is_told(emulated, tmp_path):
    audit, file = Audit(), tmp_path / "secret"
    file.write_text(DEMO_CLIENT_SECRET)
    chosen = replace(emulated, client_secret="", client_secret_file=str(file))
    with TokenBroker(chosen, PEOPLE, events=audit) as broker:
        file.write_text("another-secret")
        broker.settings.credentials.reload(refused=broker.settings.secret)
    assert audit.names()[0] == "secrets.changed"
    assert "another-secret" not in str(audit)


# -- where they go


def test_the_log_has_one_line_and_all_fields_for_json(emulated, caplog):
    caplog.set_level(logging.INFO, "monite_auth.events")
    with TokenBroker(replace(emulated, events="log"), PEOPLE) as broker:
        broker.token(ANNA)
    (record,) = [each for each in caplog.records if each.name == "monite_auth.events"]
    fields = json.loads(json.dumps(record.monite_event))
    assert fields["name"] == "token.minted"
    assert record.getMessage().startswith("token.minted at=")
    assert f"user={fields['user']}" in record.getMessage()


def test_an_id_with_strange_characters_forges_neither_a_field_nor_a_line():
    forged = Event(
        "session.ended", 0.0, "1", "a", user="anna\nsession.ended user=bob", tenant='x" why="y', why="ok"
    )
    said = 'user="anna\\nsession.ended user=bob" tenant="x\\" why=\\"y" why=ok'
    assert str(forged) == f"session.ended at=0.0 id=1 account=a {said}"


def test_opentelemetrys_logs_have_them_under_their_names(emulated, logs):
    with TokenBroker(replace(emulated, events="otel, log"), PEOPLE) as broker:
        token = broker.token(ANNA)
        broker.logout(ANNA)
    records = [each.log_record for each in logs.get_finished_logs()]
    assert [each.event_name for each in records] == [
        f"monite_auth.{name}" for name in ("token.minted", "session.ended", "token.revoked")
    ]
    assert records[0].attributes["monite_auth.token"] == token.fingerprint
    assert "anna" not in str([dict(each.attributes) for each in records])


def test_several_functions_each_get_all(emulated):
    one, other = Audit(), Audit()
    with TokenBroker(emulated, PEOPLE, events=[one, other]) as broker:
        broker.token(ANNA)
    assert one == other != []


def test_without_a_sink_nothing_is_recorded(emulated):
    with TokenBroker(emulated, PEOPLE) as broker:
        assert not any(
            isinstance(getattr(each, "__self__", None), Recorder) for each in broker.telemetry._listeners
        )


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"events": "syslog"}, "events has 'syslog' in it: it is one of log, otel"),
        ({"events": 7}, "events has no words"),
        ({"event_users": "name"}, 'event_users is "digest" or "id"'),
        ({"event_key": "short"}, "event_key is a text of 16 characters at least"),
    ],
)
def test_wrong_settings_are_refused(wrong, says):
    with pytest.raises(errors.ConfigurationError, match=re.escape(says)):
        settings(**wrong)


def test_what_is_no_function_is_refused(emulated):
    with pytest.raises(errors.ConfigurationError, match="events is a function that takes an Event"):
        TokenBroker(emulated, PEOPLE, events=["log"])


def test_the_key_does_not_print():
    assert "a-long-secret-key" not in repr(settings(event_key="a-long-secret-key"))
    assert Settings.from_mapping(
        {"CLIENT_ID": settings().client_id, "CLIENT_SECRET": SECRET, "EVENTS": "log otel"}
    ).events == ("log", "otel")


def test_a_decision_in_an_outage_is_told_again_after_a_minute():
    told, now = [], [0.0]
    recorder = Recorder(settings(), Names(settings()), told.append, timer=lambda: now[0])
    for _ in range(3):
        recorder.tell(facts.AnsweredInOutage(ALICE, is_served=True))
    now[0] += ONCE_IN + 1
    recorder.tell(facts.AnsweredInOutage(ALICE, is_served=True))
    assert len(told) == 2


def test_the_docs_list_all_events_and_fields():
    text = PAGE.read_text()
    rows = dict(re.findall(r"^\| `((?!monite_auth)[a-z_]+\.[a-z_]+)` \| (.*?) \|$", text, re.MULTILINE))
    assert rows == EVENTS
    fields = re.findall(
        r"^\| `(\w+)` \| ", text[text.index("## Fields") : text.index("## Sinks")], re.MULTILINE
    )
    assert fields == list(Event.__dataclass_fields__)
