"""Events, and who wants to be told of them: `/webhook_subscriptions`, `/webhook_deliveries`, `/events`."""

from typing import Any

from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.dispatch import serves
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.specification.validation import InvalidError
from monite_auth.emulator.webhooks import check_url
from monite_auth.emulator.world.directory import Record


class Subscriptions(Resource):
    """Subscriptions, which belong to the partner. The secret is shown when it is made, and never again."""

    def filled(self, call: Call) -> dict[str, Any]:
        _check_url(call)
        return {
            "event_types": [],
            **call.body,
            "secret": call.monite.new_webhook_secret(),
            "status": "enabled",
        }

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        _check_url(call)
        return super().changed(call, record)


def _check_url(call: Call) -> None:
    if (url := call.body.get("url")) is not None:
        try:
            check_url(url)
        except ValueError as error:
            raise InvalidError([(("body", "url"), str(error), "url")]) from None


SUBSCRIPTIONS = Subscriptions(
    "/webhook_subscriptions", "webhook subscription", kept={"secret": {"type": "string"}}
)
DELIVERIES = Resource(
    "/webhook_deliveries",
    "webhook delivery",
    kept={
        "event_id": {"type": "string"},
        "subscription_id": {"type": "string"},
        "requests_made_count": {"type": "integer"},
        "due_at": {"anyOf": [{"type": "number"}, {"type": "null"}]},
    },
)
EVENTS = Resource("/events", "event", lookups={"event_action": lambda _, each: each.fields["action"]})

for resource in (SUBSCRIPTIONS, DELIVERIES, EVENTS):
    resource.serve()


@serves("POST /webhook_subscriptions/{webhook_subscription_id}/enable")
def enable(call: Call) -> dict[str, Any]:
    return _changed(call, {"status": "enabled"}).shown()


@serves("POST /webhook_subscriptions/{webhook_subscription_id}/disable")
def disable(call: Call) -> dict[str, Any]:
    return _changed(call, {"status": "disabled"}).shown()


@serves("POST /webhook_subscriptions/{webhook_subscription_id}/regenerate_secret")
def regenerate_secret(call: Call) -> dict[str, Any]:
    return _changed(call, {"secret": call.monite.new_webhook_secret()}).shown()


def _changed(call: Call, fields: dict[str, Any]) -> Record:
    subscription = SUBSCRIPTIONS.found(call, "update")
    SUBSCRIPTIONS.table(call).change(subscription, fields)
    return subscription
