"""Webhooks: what happens to a partner's records becomes events, and a thread delivers them, signed, to who subscribed.

Monite lists as events only what a subscription of that time asked for, and so does this. A delivery that fails is repeated by
the emulator's clock, so that a test moves the clock instead of waiting.
"""

import asyncio
import hashlib
import hmac
import json
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import httpx

from monite_auth.emulator.specification.facts import API_VERSION
from monite_auth.emulator.world.clock import Clock
from monite_auth.emulator.world.directory import Directory, Record
from monite_auth.emulator.world.partners import Partner

#: Monite's name for the records of a table. Other tables make no events.
OBJECT_TYPES = {
    "approval_policies": "approval_policy",
    "approval_policies.processes": "approval_policy_process",
    "approval_requests": "approval_request",
    "bank_accounts": "entity_bank_account",
    "comments": "comment",
    "counterparts": "counterpart",
    "counterparts.addresses": "counterpart_address",
    "counterparts.bank_accounts": "counterpart_bank_account",
    "counterparts.contacts": "counterpart_contact_person",
    "counterparts.vat_ids": "counterpart_tax_id",
    "entities": "entity",
    "entity_users": "entity_user",
    "overdue_reminders": "overdue_reminder",
    "payables": "payable",
    "payables.line_items": "payable.line_item",
    "payment_reminders": "payment_reminder",
    "products": "product",
    "projects": "project",
    "receivables": "receivable",
    "roles": "role",
    "tags": "tag",
}
#: An update that gives a record one of these statuses is an event of its own.
STATUSES = {
    "payable": {
        "approve_in_progress": "submitted_for_approval",
        "canceled": "canceled",
        "paid": "paid",
        "partially_paid": "partially_paid",
        "rejected": "rejected",
        "waiting_to_be_paid": "approved",
    },
    "approval_request": {"approved": "approved", "canceled": "canceled", "rejected": "rejected"},
}
#: Seconds until a failed delivery is tried again: the first time, the second time, and so on.
RETRIES = (10, 60, 300, 1800, 7200)
#: How many events a partner's list keeps.
KEPT = 10_000
# Seconds. A listener gets this long for its whole answer, and the thread looks this often whether the clock was moved.
PATIENCE = 5.0
LOOK = 0.1
# How many listeners are told something at once, and how many bytes of an answer are waited for.
AT_ONCE = 20
READ = 65_536

_Due = tuple[Directory, Record]


class Webhooks:
    """Makes events and delivers them. `retries`, and the `patience` with a listener, can be set at any time."""

    def __init__(self, clock: Clock, lock: threading.RLock, new_id: Callable[[], str]) -> None:
        self.reset()
        self._clock = clock
        self._lock = lock
        self._new_id = new_id
        self._changed = threading.Condition(lock)
        self._directories: list[Directory] = []
        self._courier: _Courier | None = None

    def reset(self) -> None:
        """Set again what can be set."""
        self.retries: tuple[float, ...] = RETRIES
        self.patience = PATIENCE

    def watch(self, partner: Partner) -> None:
        """Make events of what happens to a partner's records from now on."""
        self._directories.append(partner.directory)
        partner.directory.watchers.append(partial(self._happened, partner.directory))

    def clear(self) -> None:
        """Forget all partners. What is still to be delivered is not delivered."""
        with self._changed:
            self._directories.clear()
            self._changed.notify_all()

    def wait(self, seconds: float = 5.0) -> bool:
        """Wait until everything that is due has been tried. Return False if that takes longer than `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due(), seconds)

    def _happened(
        self, directory: Directory, table: str, what: str, record: Record, before: Mapping[str, Any]
    ) -> None:
        object_type = OBJECT_TYPES.get(table)
        if object_type is None or what in {"amended", "withdrawn"}:
            return
        status = record.fields.get("status")
        if what == "updated" and status != before.get("status"):
            what = STATUSES.get(object_type, {}).get(str(status), what)
        action = f"{object_type}.{what}"
        subscriptions = directory.table("webhook_subscriptions").all()
        subscribed = [each for each in subscriptions if _wants(each, object_type, what)]
        if not subscribed:
            return
        event = directory.table("events").add(
            self._new_id(),
            {
                "action": action,
                "api_version": API_VERSION,
                "description": f"{object_type} has been {what.replace('_', ' ')}",
                "object": {"id": record.id},
                "object_type": object_type,
            },
            entity_id=record.entity_id,
        )
        for subscription in subscribed:
            directory.table("webhook_deliveries").add(
                self._new_id(),
                {
                    "event_id": event.id,
                    "event_action": action,
                    "object_type": object_type,
                    "subscription_id": subscription.id,
                    "url": subscription.fields["url"],
                    "requests_made_count": 0,
                    "due_at": self._clock.now(),
                },
                entity_id=record.entity_id,
            )
        for name in ("events", "webhook_deliveries"):
            kept = directory.table(name)
            kept.remove(*kept.all()[:-KEPT])
        self.start()

    def start(self) -> None:
        """Let a thread make what deliveries there are. It ends when nothing is left to deliver, now or later."""
        with self._changed:
            if (self._courier is None or not self._courier.is_alive()) and self._open():
                self._courier = _Courier(self, self._lock)
                self._courier.start()

    def stop(self) -> None:
        """Deliver no more, until something else happens. What is being delivered is cut, and then tried again."""
        with self._changed:
            courier, self._courier = self._courier, None
            if courier:
                courier.stop()
        if courier:
            courier.join(PATIENCE)

    def ends(self, courier: "_Courier") -> bool:
        """Return whether this thread has nothing to do any more. Then the next event starts another one."""
        with self._changed:
            if self._courier is courier and not self._open():
                self._courier = None
            return self._courier is not courier

    def by_listener(self) -> dict[str, list[_Due]]:
        """Return what is due, by URL."""
        with self._changed:
            found: dict[str, list[_Due]] = {}
            for directory, delivery in self._due():
                found.setdefault(delivery.fields["url"], []).append((directory, delivery))
            return found

    def _open(self) -> list[_Due]:
        """Return the deliveries that are still to be made, now or later."""
        return [
            (directory, delivery)
            for directory in self._directories
            for delivery in directory.table("webhook_deliveries").all()
            if delivery.fields["due_at"] is not None
        ]

    def _due(self) -> list[_Due]:
        now = self._clock.now()
        return [pair for pair in self._open() if pair[1].fields["due_at"] <= now]

    async def deliver(self, client: httpx.AsyncClient, directory: Directory, delivery: Record) -> None:
        """Make one delivery, and note what came of it. After a reset there is none to make."""
        if directory not in self._directories:
            return
        event = directory.table("events").get(delivery.fields["event_id"])
        subscription = directory.table("webhook_subscriptions").get(delivery.fields["subscription_id"])
        status, text = None, None
        if event and subscription and subscription.fields["status"] == "enabled":
            body = json.dumps({**event.shown(), "webhook_subscription_id": subscription.id}).encode()
            stamp = int(self._clock.now())
            headers = {
                "content-type": "application/json",
                "monite-signature": f"t={stamp},v1={signature(subscription.fields['secret'], stamp, body)}",
            }
            url = subscription.fields["url"]
            try:
                async with (
                    asyncio.timeout(self.patience),
                    client.stream("POST", url, content=body, headers=headers) as answer,
                ):
                    # Not the body: any web page may ask the API what was answered, and may not read this machine's network.
                    status, text = answer.status_code, answer.reason_phrase
                    await _pass_over(answer)
            except TimeoutError:
                text = text or f"no answer within {self.patience:g} seconds"
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a URL ends this delivery, and no other
                text = text or _reason(error)
        tried = delivery.fields["requests_made_count"]
        succeeded = status == 200
        over = succeeded or event is None or subscription is None or tried >= len(self.retries)
        with self._changed:
            directory.table("webhook_deliveries").change(
                delivery,
                {
                    "requests_made_count": tried + 1,
                    "response": text,
                    "response_status_code": status,
                    "was_successful": succeeded,
                    "due_at": None if over else self._clock.now() + self.retries[tried],
                },
            )
            self._changed.notify_all()


class _Courier(threading.Thread):
    """Makes deliveries: to several listeners at once, and to each of them one after the other. It ends with its emulator."""

    def __init__(self, webhooks: Webhooks, lock: threading.RLock) -> None:
        super().__init__(name="monite-emulator-webhooks", daemon=True)
        # Not the emulator itself: one that is used by nobody any more would stay for its retries, or for ever if its clock is frozen.
        self._webhooks = weakref.ref(webhooks)
        self._lock = lock
        self._is_stopped = False
        self._cancel: Callable[[], object] | None = None

    def stop(self) -> None:
        """Let the thread end at once, whatever it waits for."""
        with self._lock:
            self._is_stopped = True
            if self._cancel:
                with suppress(RuntimeError):  # its loop has ended
                    self._cancel()

    def run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._deliver_all())

    async def _deliver_all(self) -> None:
        own = asyncio.current_task()
        assert own
        with self._lock:
            if self._is_stopped:
                return
            self._cancel = partial(own.get_loop().call_soon_threadsafe, own.cancel)
        busy: dict[str, asyncio.Task[None]] = {}
        own.get_loop().set_default_executor(_Lookups())
        async with httpx.AsyncClient(timeout=None, trust_env=False) as client:  # noqa: S113 - each delivery has its own
            try:
                while self._begin(client, busy):
                    if busy:
                        await asyncio.wait(busy.values(), timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
                    else:
                        await asyncio.sleep(LOOK)
                    busy = {url: task for url, task in busy.items() if not task.done()}
            finally:
                for task in busy.values():
                    task.cancel()  # before the client closes their connections, which would count as a try

    def _begin(self, client: httpx.AsyncClient, busy: dict[str, asyncio.Task[None]]) -> bool:
        """Begin what is due, at those listeners who hear nothing yet. Return False if there is nothing to do any more.

        This is a function of its own so that nothing refers to the emulator between two looks.
        """
        webhooks = self._webhooks()
        if webhooks is None or webhooks.ends(self):
            return False
        for url, due in webhooks.by_listener().items():
            if url not in busy and len(busy) < AT_ONCE:
                busy[url] = asyncio.create_task(self._tell(client, due))
        return True

    async def _tell(self, client: httpx.AsyncClient, due: Iterable[_Due]) -> None:
        for directory, delivery in due:
            if webhooks := self._webhooks():
                await webhooks.deliver(client, directory, delivery)


class _Lookups(ThreadPoolExecutor):
    """Looks up names of hosts, each in a thread of its own. One that nobody resolves holds no other, and nobody's end."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> "Future[Any]":
        future: Future[Any] = Future()

        def look_up() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args, **options))
                except BaseException as error:  # noqa: BLE001 - whoever waits for the future raises it
                    future.set_exception(error)

        threading.Thread(target=look_up, name="monite-emulator-lookup", daemon=True).start()
        return future


def check_url(url: str) -> None:
    """Check that events can be delivered to a URL, whether somebody listens there or not.

    Raises:
        ValueError: they cannot.

    """
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port
        host.encode("idna")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ValueError(f"No webhook can be delivered to this URL: {error}") from None
    if parsed.scheme not in {"http", "https"} or not host:
        raise ValueError(
            "No webhook can be delivered to this URL: begin it with https:// or http:// and a host"
        )
    if port is not None and not 0 < port < 65_536:
        raise ValueError(
            f"No webhook can be delivered to this URL: a port is from 1 to 65535, and not {port}"
        )


def _reason(error: BaseException) -> str:
    """Return what the operating system says about a connection, if it says anything."""
    if isinstance(error, BaseExceptionGroup):
        return _reason(error.exceptions[0])
    deeper = error.__cause__ or error.__context__
    return _reason(deeper) if deeper else str(error) or type(error).__name__


async def _pass_over(answer: httpx.Response) -> None:
    """Read an answer, so that the listener is not cut while it speaks, but no endless one."""
    read = 0
    async for part in answer.aiter_raw():
        read += len(part)
        if read > READ:
            return


def _wants(subscription: Record, object_type: str, what: str) -> bool:
    """Return whether a subscription asks for an event. One without a list of events asks for all of its object type."""
    fields = subscription.fields
    wanted = fields["event_types"]
    asked = not wanted or what in wanted or f"{object_type}.{what}" in wanted
    return bool(asked and fields["object_type"] == object_type and fields["status"] == "enabled")


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return the signature of a delivery: HMAC-SHA256 of `{moment}.{body}`, in hex. `moment` is in epoch seconds."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
