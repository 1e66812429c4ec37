"""Events and their deliveries: what is told to whom, with which signature, and what happens when nobody listens."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID, Clock, Monite
from tests.emulator.conftest import NOON

BILL = {"document_id": "X-1", "currency": "EUR", "total_amount": 1250}


class Listener:
    """A web server that keeps what it is told, and answers with `statuses` one after the other, and then with 200."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, Any], str, bytes]] = []
        self.statuses: list[int] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                listener.heard.append((json.loads(body), self.headers["monite-signature"], body))
                self.send_response(listener.statuses.pop(0) if listener.statuses else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def actions(self) -> list[str]:
        return [event["action"] for event, _, _ in self.heard]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def subscribe(api: Any, listener: Listener, object_type: str, *event_types: str) -> dict[str, Any]:
    body = {"object_type": object_type, "url": listener.url, "event_types": event_types}
    answer = api.call("POST", "/webhook_subscriptions", api.token(), json=body)
    assert answer.status_code == 201
    subscription: dict[str, Any] = answer.json()
    return subscription


def test_a_deleted_user_is_told_to_who_subscribed_with_a_signature(api, listener):
    subscription = subscribe(api, listener, "entity_user")
    api.call("DELETE", f"/entity_users/{VIKTOR_ID}", api.token(), BAKERY_ID)
    assert api.monite.webhooks.wait()
    ((event, signature, body),) = listener.heard
    assert event["action"] == "entity_user.deleted"
    assert (event["object"], event["entity_id"]) == ({"id": VIKTOR_ID}, BAKERY_ID)
    assert event["webhook_subscription_id"] == subscription["id"]
    moment = signature.removeprefix("t=").partition(",")[0]
    signed = f"{moment}.".encode() + body
    expected = hmac.new(subscription["secret"].encode(), signed, hashlib.sha256).hexdigest()
    assert signature == f"t={moment},v1={expected}"


def test_what_a_test_changes_in_python_is_an_event_too(api, listener):
    subscribe(api, listener, "entity_user")
    user = api.monite.directory.users.get(ANNA_ID)
    api.monite.directory.users.change(user, {"email": "anna@elsewhere.example"})
    assert api.monite.webhooks.wait()
    assert listener.actions == ["entity_user.updated"]


def test_only_the_events_that_were_asked_for_are_told(api, listener):
    subscribe(api, listener, "payable", "deleted")
    subscribe(api, listener, "role")
    made = api.call("POST", "/payables", api.token(), BAKERY_ID, json=BILL).json()
    api.call("DELETE", f"/payables/{made['id']}", api.token(), BAKERY_ID)
    assert api.monite.webhooks.wait()
    assert listener.actions == ["payable.deleted"]


def test_a_failed_delivery_is_repeated_by_the_emulators_clock_until_it_is_given_up(api, listener):
    api.monite.webhooks.retries = (10, 60)
    listener.statuses = [500, 302, 503]
    subscribe(api, listener, "role")
    api.monite.directory.roles.remove(api.monite.directory.roles.all(BAKERY_ID)[0])
    for tries, seconds in ((1, 9), (1, 1), (2, 59), (2, 1), (3, 100_000)):
        assert api.monite.webhooks.wait()
        assert len(listener.heard) == tries
        api.monite.clock.advance(seconds)
    assert api.monite.webhooks.wait()
    assert len(listener.heard) == 3
    (delivery,) = deliveries(api)
    assert (delivery["requests_made_count"], delivery["was_successful"]) == (3, False)
    assert delivery["response_status_code"] == 503


def test_what_a_snapshot_has_still_to_deliver_is_delivered(api, listener):
    listener.statuses = [500]
    subscribe(api, listener, "role")
    api.monite.directory.roles.remove(api.monite.directory.roles.all(BAKERY_ID)[0])
    assert api.monite.webhooks.wait()
    other = Monite(clock=Clock(lambda: NOON))
    other.restore(api.monite.snapshot())
    other.clock.advance(10)
    assert other.webhooks.wait()
    assert listener.actions == ["role.deleted"] * 2


def test_a_delivery_that_succeeds_later_is_over(api, listener):
    api.monite.webhooks.retries = (10, 60)
    listener.statuses = [500]
    subscribe(api, listener, "role")
    api.monite.directory.roles.remove(api.monite.directory.roles.all(BAKERY_ID)[0])
    assert api.monite.webhooks.wait()
    api.monite.clock.advance(10)
    assert api.monite.webhooks.wait()
    api.monite.clock.advance(1000)
    assert api.monite.webhooks.wait()
    assert len(listener.heard) == 2
    assert deliveries(api)[0]["was_successful"] is True


def test_nobody_listens_and_the_emulator_goes_on(api, listener):
    listener.close()
    subscribe(api, listener, "role")
    api.monite.directory.roles.remove(api.monite.directory.roles.all(BAKERY_ID)[0])
    assert api.monite.webhooks.wait()
    (delivery,) = deliveries(api)
    assert (delivery["was_successful"], delivery["response_status_code"]) == (False, None)
    assert "refused" in delivery["response"]


def test_missed_events_can_be_read_later(api, listener):
    subscribe(api, listener, "role")
    role = api.monite.directory.roles.all(BAKERY_ID)[0]
    api.monite.directory.roles.change(role, {"name": "Other"})
    assert api.monite.webhooks.wait()
    answer = api.call("GET", "/events", api.token(), BAKERY_ID, params={"object_type": "role"})
    (event,) = answer.json()["data"]
    assert event == {key: value for key, value in listener.heard[0][0].items() if key in event}
    assert api.call("GET", f"/events/{event['id']}", api.token()).json() == event


def test_a_disabled_subscription_is_told_nothing_and_a_new_secret_replaces_the_old_one(api, listener):
    subscription = subscribe(api, listener, "role")
    path = f"/webhook_subscriptions/{subscription['id']}"
    assert "secret" not in api.call("GET", path, api.token()).json()
    assert api.call("POST", f"{path}/disable", api.token()).json()["status"] == "disabled"
    role = api.monite.directory.roles.all(BAKERY_ID)[0]
    api.monite.directory.roles.change(role, {"name": "Other"})
    assert api.call("POST", f"{path}/enable", api.token()).json()["status"] == "enabled"
    secret = api.call("POST", f"{path}/regenerate_secret", api.token()).json()["secret"]
    assert secret.startswith("whsec_")
    assert secret != subscription["secret"]
    api.monite.directory.roles.change(role, {"name": "Another"})
    assert api.monite.webhooks.wait()
    assert listener.actions == ["role.updated"]


@pytest.mark.parametrize("entity_user_id", [ANNA_ID])
def test_subscriptions_are_for_the_partner(api, entity_user_id):
    assert api.call("GET", "/webhook_subscriptions", api.token(entity_user_id)).status_code == 403


def deliveries(api: Any) -> list[dict[str, Any]]:
    answer = api.call("GET", "/webhook_deliveries", api.token(), BAKERY_ID)
    assert answer.status_code == 200
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def test_a_subscription_keeps_what_it_cannot_be_without(api, listener):
    subscription = subscribe(api, listener, "role")
    path = f"/webhook_subscriptions/{subscription['id']}"
    changed = api.call("PATCH", path, api.token(), json={"object_type": None, "url": None})
    assert changed.status_code == 200
    assert changed.json()["url"] == listener.url
    assert api.call("GET", path, api.token()).json() == changed.json()


@pytest.mark.parametrize("host", ["a..b", ".", "x" * 70 + ".example", "xn--"])
def test_a_listener_whose_address_cannot_be_keeps_no_other_from_hearing(api, listener, host):
    wrong = api.call(
        "POST", "/webhook_subscriptions", api.token(), json={"object_type": "tag", "url": f"http://{host}/"}
    )
    assert wrong.status_code == 201
    subscribe(api, listener, "tag")
    for name in ("first", "second"):
        api.call("POST", "/tags", api.token(), BAKERY_ID, json={"name": name})
        assert api.monite.webhooks.wait()
    assert listener.actions == ["tag.created", "tag.created"]


def test_the_answer_of_a_listener_is_told_to_nobody(api, listener):
    """Otherwise a web page could read this machine's network through the emulator."""
    subscribe(api, listener, "role")
    api.monite.directory.roles.remove(api.monite.directory.roles.all(BAKERY_ID)[0])
    assert api.monite.webhooks.wait()
    assert deliveries(api)[0]["response"] == "OK"
