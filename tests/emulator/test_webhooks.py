"""Events and their deliveries: what is told to whom, with which signature, and what happens when nobody listens."""

import gc
import hashlib
import hmac
import json
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID, Clock, Monite, serve
from monite_auth.testing import LocalMonite
from tests.emulator.conftest import NOON
from tests.waiting import PATIENCE, until

BILL = {"document_id": "X-1", "currency": "EUR", "total_amount": 1250}


class Listener:
    """A web server that keeps what it is told, and answers with `statuses` one after the other, and then with 200."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, Any], str, bytes]] = []
        self.statuses: list[int] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                listener.heard.append((json.loads(body), self.headers["monite-signature"], body))
                listener.may_answer.wait(PATIENCE)
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


def subscribe(api: Any, url: str, object_type: str, *event_types: str) -> dict[str, Any]:
    body = {"object_type": object_type, "url": url, "event_types": event_types}
    answer = api.call("POST", "/webhook_subscriptions", api.token(), json=body)
    assert answer.status_code == 201
    subscription: dict[str, Any] = answer.json()
    return subscription


def test_a_deleted_user_is_told_to_who_subscribed_with_a_signature(api, listener):
    subscription = subscribe(api, listener.url, "entity_user")
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
    subscribe(api, listener.url, "entity_user")
    user = api.monite.directory.users.get(ANNA_ID)
    api.monite.directory.users.change(user, {"email": "anna@elsewhere.example"})
    assert api.monite.webhooks.wait()
    assert listener.actions == ["entity_user.updated"]


def test_only_the_events_that_were_asked_for_are_told(api, listener):
    subscribe(api, listener.url, "payable", "deleted")
    subscribe(api, listener.url, "role")
    made = api.call("POST", "/payables", api.token(), BAKERY_ID, json=BILL).json()
    api.call("DELETE", f"/payables/{made['id']}", api.token(), BAKERY_ID)
    assert api.monite.webhooks.wait()
    assert listener.actions == ["payable.deleted"]


def test_a_failed_delivery_is_repeated_by_the_emulators_clock_until_it_is_given_up(api, listener):
    api.monite.webhooks.retries = (10, 60)
    listener.statuses = [500, 302, 503]
    subscribe(api, listener.url, "role")
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
    subscribe(api, listener.url, "role")
    api.monite.directory.roles.remove(api.monite.directory.roles.all(BAKERY_ID)[0])
    assert api.monite.webhooks.wait()
    other = Monite(clock=Clock(lambda: NOON))
    other.restore(api.monite.snapshot())
    other.clock.advance(10)
    assert other.webhooks.wait()
    assert listener.actions == ["role.deleted"] * 2


def test_a_restored_world_has_its_own_deliveries_and_no_others(api, listener):
    api.monite.webhooks.patience = PATIENCE
    listener.may_answer.clear()
    subscribe(api, listener.url, "role")
    rename(api.monite, "Other")
    rename(api.monite, "Another")
    until(lambda: len(listener.heard) == 1)
    api.monite.restore(api.monite.snapshot())
    listener.may_answer.set()
    assert api.monite.webhooks.wait(PATIENCE)
    assert len(listener.heard) == 1 + 2


def test_a_delivery_that_succeeds_later_is_over(api, listener):
    api.monite.webhooks.retries = (10, 60)
    listener.statuses = [500]
    subscribe(api, listener.url, "role")
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
    subscribe(api, listener.url, "role")
    api.monite.directory.roles.remove(api.monite.directory.roles.all(BAKERY_ID)[0])
    assert api.monite.webhooks.wait()
    (delivery,) = deliveries(api)
    assert (delivery["was_successful"], delivery["response_status_code"]) == (False, None)
    assert "Connect call failed ('127.0.0.1'" in delivery["response"]


def test_missed_events_can_be_read_later(api, listener):
    subscribe(api, listener.url, "role")
    role = api.monite.directory.roles.all(BAKERY_ID)[0]
    api.monite.directory.roles.change(role, {"name": "Other"})
    assert api.monite.webhooks.wait()
    answer = api.call("GET", "/events", api.token(), BAKERY_ID, params={"object_type": "role"})
    (event,) = answer.json()["data"]
    assert event == {key: value for key, value in listener.heard[0][0].items() if key in event}
    assert api.call("GET", f"/events/{event['id']}", api.token()).json() == event


def test_a_disabled_subscription_is_told_nothing_and_a_new_secret_replaces_the_old_one(api, listener):
    subscription = subscribe(api, listener.url, "role")
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
    subscription = subscribe(api, listener.url, "role")
    path = f"/webhook_subscriptions/{subscription['id']}"
    changed = api.call("PATCH", path, api.token(), json={"object_type": None, "url": None})
    assert changed.status_code == 200
    assert changed.json()["url"] == listener.url
    assert api.call("GET", path, api.token()).json() == changed.json()


UNDELIVERABLE = {
    "ftp://127.0.0.1/": "begin it with https:// or http:// and a host",
    "javascript:alert(1)": "begin it with https:// or http:// and a host",
    "file:///etc/passwd": "begin it with https:// or http:// and a host",
    "http://": "begin it with https:// or http:// and a host",
    "http:///hook": "begin it with https:// or http:// and a host",
    "http://127.0.0.1:99999/": "a port is from 1 to 65535, and not 99999",
    "http://127.0.0.1:-1/": "a port is from 1 to 65535, and not -1",
    "http://127.0.0.1:0/": "a port is from 1 to 65535, and not 0",
    "http://[::1": "Invalid port",
    "http://a..b/": "label empty or too long",
    "http://./": "label empty or too long",
    f"http://{'x' * 70}.example/": "label empty or too long",
    "http://xn--/": "Malformed A-label",
}


@pytest.mark.parametrize("url", UNDELIVERABLE)
def test_a_url_that_nothing_can_be_delivered_to_is_refused(api, listener, url):
    token = api.token()
    made = api.call("POST", "/webhook_subscriptions", token, json={"object_type": "tag", "url": url})
    path = f"/webhook_subscriptions/{subscribe(api, listener.url, 'tag')['id']}"
    changed = api.call("PATCH", path, token, json={"url": url})
    for refused in (made, changed):
        assert refused.status_code == 422
        (complaint,) = refused.json()["detail"]
        assert complaint["loc"] == ["body", "url"]
        assert complaint["msg"].startswith("No webhook can be delivered to this URL: ")
        assert UNDELIVERABLE[url] in complaint["msg"]
    assert api.call("GET", path, token).json()["url"] == listener.url


@pytest.mark.parametrize(
    "url", ["HTTP://127.0.0.1:1/%C3%BC?x#y", "http://[::1]:65535/", "https://xn--mnchen-3ya.example/"]
)
def test_every_url_of_the_web_is_taken(api, url):
    assert subscribe(api, url, "tag")["url"] == url


@pytest.mark.parametrize(
    "url", ["https://münchen.example/", "http://127.0.0.1:1/\x00", "http://127.0.0.1:1/%zz"]
)
def test_what_is_no_uri_is_refused(api, url):
    body = {"object_type": "tag", "url": url}
    refused = api.call("POST", "/webhook_subscriptions", api.token(), json=body)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "url"])


@pytest.mark.parametrize("url", UNDELIVERABLE)
def test_a_listener_whose_address_cannot_be_keeps_no_other_from_hearing(api, listener, url):
    """A snapshot of an older emulator, and Python, may bring one in."""
    wrong = subscribe(api, "http://127.0.0.1:1/", "tag")
    subscriptions = api.monite.directory.table("webhook_subscriptions")
    subscriptions.change(subscriptions.get(wrong["id"]), {"url": url})
    subscribe(api, listener.url, "tag")
    for name in ("first", "second"):
        api.call("POST", "/tags", api.token(), BAKERY_ID, json={"name": name})
        assert api.monite.webhooks.wait()
    assert listener.actions == ["tag.created", "tag.created"]
    # Not over HTTP: no answer of the API can have such a URL.
    made = [each.fields for each in api.monite.directory.table("webhook_deliveries").all()]
    told = {each["response"] for each in made if each["response_status_code"] is None}
    assert len(told) == 1
    assert "TaskGroup" not in told.pop()


def test_names_that_nobody_resolves_hold_no_other_listener_and_no_end(api, listener, monkeypatch):
    real, is_over = socket.getaddrinfo, threading.Event()

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        if "slow" in str(host):
            is_over.wait(PATIENCE)
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    before = couriers()
    for number in range(8):
        subscribe(api, f"http://slow{number}.invalid/", "role")
    subscribe(api, listener.url.replace("127.0.0.1", "localhost"), "role")
    rename(api.monite, "Other")
    until(lambda: listener.actions == ["role.updated"])
    api.monite.webhooks.stop()
    assert [each for each in couriers() if each not in before] == []
    is_over.set()


def test_the_answer_of_a_listener_is_told_to_nobody(api, listener):
    """Otherwise a web page could read this machine's network through the emulator."""
    subscribe(api, listener.url, "role")
    api.monite.directory.roles.remove(api.monite.directory.roles.all(BAKERY_ID)[0])
    assert api.monite.webhooks.wait()
    assert deliveries(api)[0]["response"] == "OK"


class Drip:
    """A listener that answers a byte at a time, without an end. It says when it was cut."""

    def __init__(self, begins: bytes) -> None:
        self.was_asked, self.was_cut = threading.Event(), threading.Event()
        self._begins = begins
        self._is_closed = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._address = self._listening.getsockname()
        self.url = f"http://127.0.0.1:{self._address[1]}/"
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def has_told_its_status(self) -> bool:
        return self._begins.endswith(b"\r\n\r\n")

    def _serve(self) -> None:
        with self._listening, suppress(OSError):
            while not self._is_closed:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        self.was_asked.set()
        with connection, suppress(OSError):
            connection.sendall(self._begins)
            # Each byte comes well within any time that one read may take.
            while not select.select([connection], [], [], 0.01)[0] or connection.recv(65536):
                connection.sendall(b"x")
        self.was_cut.set()

    def close(self) -> None:
        """Let the thread end that waits for somebody."""
        self._is_closed = True
        with suppress(OSError), socket.create_connection(self._address):
            pass


@pytest.fixture(
    params=[b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"],
    ids=["headers", "body"],
)
def drip(request):
    drip = Drip(request.param)
    yield drip
    drip.close()


def rename(monite: Monite, name: str) -> None:
    roles = monite.directory.roles
    roles.change(roles.all(BAKERY_ID)[0], {"name": name})


def test_a_listener_that_drips_keeps_no_other_from_hearing_and_is_given_up(api, listener, drip):
    api.monite.webhooks.patience = PATIENCE
    subscribe(api, drip.url, "role")
    subscribe(api, listener.url, "role")
    rename(api.monite, "Other")
    until(lambda: listener.actions == ["role.updated"])
    assert drip.was_asked.wait(PATIENCE)
    assert not drip.was_cut.is_set()
    api.monite.webhooks.stop()
    assert drip.was_cut.wait(PATIENCE)
    api.monite.webhooks.patience = 0.1
    api.monite.webhooks.start()
    assert api.monite.webhooks.wait(PATIENCE)


def test_a_listener_has_a_bounded_time_for_its_whole_answer(api, drip):
    api.monite.webhooks.patience = 0.1
    api.monite.webhooks.retries = (
        0,
    ) * 1000  # on a busy machine the first tries may end before they have begun
    subscribe(api, drip.url, "role")
    rename(api.monite, "Other")
    assert drip.was_cut.wait(PATIENCE)
    until(lambda: deliveries(api)[0]["requests_made_count"] > 0)
    if drip.has_told_its_status:
        until(lambda: deliveries(api)[0]["was_successful"])
        assert deliveries(api)[0]["response"] == "OK"
    else:
        assert deliveries(api)[0]["response"] == "no answer within 0.1 seconds"


def couriers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "monite-emulator-webhooks"]


@pytest.mark.parametrize("begin", [serve, LocalMonite])
def test_no_thread_outlives_what_served_it_though_the_clock_stands_still(begin, drip):
    before = couriers()
    with begin() as emulator:
        emulator.monite.clock.freeze()
        fields = {"object_type": "role", "status": "enabled", "event_types": [], "secret": "whsec_"}
        emulator.monite.directory.table("webhook_subscriptions").add("one", {**fields, "url": drip.url})
        rename(emulator.monite, "Other")
        assert drip.was_asked.wait(PATIENCE)
    assert [each for each in couriers() if each not in before] == []
    assert drip.was_cut.wait(PATIENCE)


def test_no_thread_outlives_an_emulator_that_nobody_uses_any_more():
    before = couriers()
    monite = Monite(clock=Clock(lambda: NOON))
    fields = {"object_type": "role", "status": "enabled", "event_types": [], "secret": "whsec_"}
    nobody = "http://127.0.0.1:9/"
    monite.directory.table("webhook_subscriptions").add("one", {**fields, "url": nobody})
    rename(monite, "Other")
    assert monite.webhooks.wait(PATIENCE)
    assert [each for each in couriers() if each not in before], "it waits for the clock"
    del monite

    def is_gone() -> bool:
        gc.collect()
        return all(each in before for each in couriers())

    until(is_gone)


def test_what_was_cut_is_delivered_when_the_emulator_is_served_again(api, drip):
    api.monite.webhooks.patience = PATIENCE
    subscribe(api, drip.url, "role")
    rename(api.monite, "Other")
    assert drip.was_asked.wait(PATIENCE)
    api.monite.webhooks.stop()
    assert drip.was_cut.wait(PATIENCE)
    assert deliveries(api)[0]["requests_made_count"] == 0
    drip.was_asked.clear()
    with serve(api.monite):
        assert drip.was_asked.wait(PATIENCE)


def test_a_reset_ends_what_was_to_be_delivered(api, listener, drip):
    subscribe(api, drip.url, "role")
    rename(api.monite, "Other")
    rename(api.monite, "Another")
    api.monite.reset()
    assert api.monite.webhooks.wait(PATIENCE)
    assert deliveries(api) == []
