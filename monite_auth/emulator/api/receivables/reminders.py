"""When a customer is reminded of an invoice: `/payment_reminders` and `/overdue_reminders`. Nothing is ever sent."""

from monite_auth.emulator.api.serving.resource import Resource

PAYMENT_REMINDERS = Resource(
    "/payment_reminders", "payment reminder", object_type="payment_reminder", defaults={"status": "active"}
)
OVERDUE_REMINDERS = Resource("/overdue_reminders", "overdue reminder", object_type="overdue_reminder")

for resource in (PAYMENT_REMINDERS, OVERDUE_REMINDERS):
    resource.serve()
