"""The link from a user to an entity user, endings that are to be carried out, and the table of events for auditors."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.timezone import template_localtime
from django.utils.translation import gettext_lazy as _

from monite_auth import EntityUser

__all__ = ["MoniteEnding", "MoniteEvent", "MoniteLink"]


class MoniteLink(models.Model):
    """The entity user that a user is in Monite, in one of their organizations.

    Saving or deleting it revokes old tokens when the transaction commits. `QuerySet.update()` and
    `bulk_create()` send no signals: call `broker().relink(user_id)` after them.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="monite_links",
        verbose_name=_("user"),
    )
    tenant = models.CharField(
        _("tenant"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("Which of the user's organizations this is about; empty where there is only one."),
    )
    entity_id = models.UUIDField(_("entity"), help_text=_("The organization's id in Monite."))
    entity_user_id = models.UUIDField(_("entity user"), help_text=_("The person's id in Monite."))

    class Meta:
        """See Django's documentation."""

        verbose_name = _("Monite link")
        verbose_name_plural = _("Monite links")
        constraints = (models.UniqueConstraint(fields=("user", "tenant"), name="monite_link_unique"),)

    def __str__(self) -> str:
        return f"{self.user_id} ({self.tenant})" if self.tenant else str(self.user_id)

    @property
    def entity_user(self) -> EntityUser:
        """Who the user is in Monite."""
        return EntityUser(str(self.entity_user_id), str(self.entity_id))

    @property
    def identity(self) -> tuple[Any, ...]:
        """The fields that tokens depend on, converted: forms and fixtures give UUIDs as text."""
        return tuple(
            field.to_python(getattr(self, field.attname))
            for field in (
                self._meta.get_field(name) for name in ("user", "tenant", "entity_id", "entity_user_id")
            )
        )


class MoniteEnding(models.Model):
    """An ending that was written in the transaction of what it is about, and is carried out after the commit, which deletes the row.

    It has no foreign key, since it outlives the user whom it is about.
    """

    account = models.CharField(_("account"), max_length=255)
    what = models.CharField(_("what is to be done"), max_length=16)
    user = models.CharField(_("user"), max_length=255)
    at = models.DateTimeField(_("at"))

    class Meta:
        """See Django's documentation."""

        verbose_name = _("Monite ending")
        verbose_name_plural = _("Monite endings")

    def __str__(self) -> str:
        return f"{self.what} {self.user}"


class MoniteEvent(models.Model):
    """An event for auditors; monite_auth.events.Event has the fields. Rows are written once and never changed.

    `monite_auth_django.events.save_event` writes them, where `MONITE_AUTH["EVENT_SINKS"]` names it. `manage.py monite_forget_events`
    deletes the old ones.
    """

    event_id = models.CharField(max_length=32, unique=True, editable=False)
    name = models.CharField(_("event"), max_length=64)
    at = models.DateTimeField(_("at"), db_index=True)
    account = models.CharField(_("account"), max_length=255)
    user = models.CharField(_("user"), max_length=255, blank=True, db_index=True)
    tenant = models.CharField(_("tenant"), max_length=255, blank=True)
    session = models.CharField(_("session"), max_length=64, blank=True)
    token = models.CharField(_("token"), max_length=64, blank=True, db_index=True)
    why = models.CharField(_("why"), max_length=255, blank=True)
    request_id = models.CharField(_("Monite's request id"), max_length=100, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    count = models.PositiveIntegerField(_("count"), null=True, blank=True)

    class Meta:
        """See Django's documentation."""

        verbose_name = _("Monite event")
        verbose_name_plural = _("Monite events")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.name} {self.shown_time}"

    @property
    def shown_time(self) -> str:
        """When it happened, to the second, in the time zone of the request."""
        return f"{template_localtime(self.at):%Y-%m-%d %H:%M:%S}"
