"""Links in the admin: the state of their tokens, and two actions. Events for auditors, to be read only."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from monite_auth import UserStatus
from monite_auth.errors import MoniteAuthError
from monite_auth_django.current import broker
from monite_auth_django.management.people import user_id_of
from monite_auth_django.models import MoniteEvent, MoniteLink

__all__ = ["MoniteEventAdmin", "MoniteLinkAdmin"]


@admin.register(MoniteLink)
class MoniteLinkAdmin(admin.ModelAdmin):
    """The links, each with the state of its user's tokens."""

    list_display = ("user", "tenant", "entity_user_id", "entity_id", "token")
    list_select_related = ("user",)
    list_per_page = 50  # each row asks the token store
    raw_id_fields = ("user",)
    readonly_fields = ("token", "pending_revocations")
    actions = ("revoke_now", "log_out_everywhere")

    @admin.display(description=_("token"))
    def token(self, link: MoniteLink) -> Any:
        """Return whether the user has a token, and until when."""
        status = _status(link.user_id)
        if status is None:
            return _("unknown")
        if status.expires_at is None:
            return _("none")
        return _("expires %(when)s") % {"when": naturaltime(datetime.fromtimestamp(status.expires_at, UTC))}

    @admin.display(description=_("pending revocations, of all users"))
    def pending_revocations(self, link: MoniteLink) -> Any:
        """Return how many tokens are still to be revoked."""
        status = _status(link.user_id)
        return _("unknown") if status is None else status.pending

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002 - Django's signature
        """Search by the user name of whatever user model there is."""
        return (f"user__{get_user_model().USERNAME_FIELD}", "tenant", "=entity_user_id", "=entity_id")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list, and above it how many revocations are pending."""
        status = _status("")
        pending = _("unknown") if status is None else status.pending
        subtitle = _("Pending revocations, of all users: %(count)s") % {"count": pending}
        return super().changelist_view(request, {"subtitle": subtitle} | (extra_context or {}))

    @admin.action(description=_("Revoke tokens now"), permissions=["change"])
    def revoke_now(self, request: HttpRequest, queryset: QuerySet[MoniteLink]) -> None:
        """Revoke the users' tokens; their sessions go on, with new ones."""
        self._tell(request, queryset, "relink")

    @admin.action(description=_("Log out of Monite everywhere"), permissions=["change"])
    def log_out_everywhere(self, request: HttpRequest, queryset: QuerySet[MoniteLink]) -> None:
        """End all the users' sessions in Monite; they have to log in again."""
        self._tell(request, queryset, "end_user")

    def _tell(self, request: HttpRequest, queryset: QuerySet[MoniteLink], what: str) -> None:
        users = {str(user_id) for user_id in queryset.values_list("user_id", flat=True)}
        try:
            for user_id in users:
                getattr(broker(), what)(user_id)
        except MoniteAuthError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        done = ngettext("Done for %d user.", "Done for %d users.", len(users)) % len(users)
        self.message_user(request, done, messages.SUCCESS)


@admin.register(MoniteEvent)
class MoniteEventAdmin(admin.ModelAdmin):
    """The events, newest first. Nobody adds, changes or deletes any here; old ones go by `manage.py monite_forget_events`."""

    list_display = ("when", "name", "user", "session", "token", "why", "expires_at", "request_id")
    list_filter = ("name", "at")
    search_fields = ("=user", "=session", "=token", "=request_id")
    search_help_text = _(
        "A user name or primary key, or what events call a user, a session or a token; or Monite's request id."
    )
    date_hierarchy = "at"
    show_full_result_count = False  # the table is long

    @admin.display(description=_("at"), ordering="at")
    def when(self, event: MoniteEvent) -> str:
        """Return when it happened, to the second: Django's own column leaves out the seconds, and the minutes of a full hour."""
        return event.shown_time

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[MoniteEvent], search_term: str
    ) -> tuple[QuerySet[MoniteEvent], bool]:
        """Search for a user by name or primary key, too: by what events call them."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        user_id = user_id_of(search_term) if search_term else None
        if user_id is not None:
            found |= queryset.filter(user=broker().name_in_events(user_id))
        return found, may_repeat

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Return False: events come from what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: MoniteEvent | None = None) -> bool:  # noqa: ARG002
        """Return False: whoever could change an event could hide one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MoniteEvent | None = None) -> bool:  # noqa: ARG002
        """Return False, for the same reason."""
        return False


def _status(user_id: object) -> UserStatus | None:
    """Return the state of a user's tokens; None if the store does not answer."""
    try:
        return broker().status(str(user_id))
    except MoniteAuthError:
        return None
