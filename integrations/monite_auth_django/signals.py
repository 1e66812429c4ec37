"""Receivers of Django's signals: logins and logouts, and changes of links and users.

A change of the database takes effect in Monite when its transaction commits, and never breaks it (`endings`).

Where each statement commits by itself, a change that ends something is committed before Django says that it was saved. So there the
ending is written down before the change, lest a process that dies between the two loses it.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.signals import got_request_exception
from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save, pre_save
from django.http import HttpRequest

from monite_auth.adapter import begin, end
from monite_auth_django.access import attach
from monite_auth_django.bindings import bind, session_user, unbind
from monite_auth_django.conf import conf
from monite_auth_django.current import broker, error_about
from monite_auth_django.endings import at_commit, commits_by_itself, write_ending
from monite_auth_django.models import MoniteLink
from monite_auth_django.responses import UNANSWERED

__all__ = ["connect"]

log = logging.getLogger("monite_auth")


def connect() -> None:
    """Connect all receivers; called once, when the models are loaded."""
    user_logged_in.connect(logged_in, dispatch_uid="monite_auth_django")
    user_logged_out.connect(logged_out, dispatch_uid="monite_auth_django")
    got_request_exception.connect(request_failed, dispatch_uid="monite_auth_django")
    pre_save.connect(remember_link, MoniteLink, dispatch_uid="monite_auth_django")
    post_save.connect(link_saved, MoniteLink, dispatch_uid="monite_auth_django")
    post_delete.connect(link_deleted, MoniteLink, dispatch_uid="monite_auth_django")
    for model in apps.get_models():
        if issubclass(model, get_user_model()):  # proxies and children send signals of their own
            pre_save.connect(remember_ending, model, dispatch_uid="monite_auth_django")
            post_save.connect(user_saved, model, dispatch_uid="monite_auth_django")
            post_delete.connect(user_deleted, model, dispatch_uid="monite_auth_django")


# -- sessions


def logged_in(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Give the login a binding of its own, while the session is written anyway, and tell the store about it."""
    session = getattr(request, "session", None)
    # Some packages send this signal for logins without a session, too.
    if session is not None and session_user(session) == str(user.pk):
        end(broker, unbind(session))
        begin(broker, bind(session, str(user.pk)))
    _attach_anew(request)


def logged_out(request: HttpRequest | None, **_: Any) -> None:
    """End the session in Monite. The session names its people, so the signal's user, which may be None, is not needed.

    Without a request there is nothing to do: a WatchedSession ends its people itself.
    """
    session = getattr(request, "session", None)
    if request is not None and hasattr(request, "monite"):
        if not conf.identifies_by_default:
            _end_by_own_means(request, 'MONITE_AUTH["IDENTIFY"] failed')
        elif getattr(request, "auth", None) is not None:
            # The login is an API's, so no session of Django's names it.
            _end_by_own_means(request, "Who is logged in could not be found out")
    if session is not None:
        end(broker, unbind(session))
    _attach_anew(request)


def _end_by_own_means(request: HttpRequest, what_failed: str) -> None:
    try:
        request.monite.logout()  # it asks `IDENTIFY`; the logout itself raises nothing
    except Exception:
        log.exception("%s at a logout, which therefore ends nothing in Monite.", what_failed)


def _attach_anew(request: HttpRequest | None) -> None:
    if request is not None and hasattr(request, "monite"):
        attach(request)


# -- errors


def request_failed(request: HttpRequest | None, **_: Any) -> None:
    """Note an error of ours that nothing has answered, for our middleware."""
    error = sys.exc_info()[1]
    ours = None if error is None else error_about(error)
    if request is not None and ours is not None:
        setattr(request, UNANSWERED, ours)


# -- links and users


def remember_link(instance: MoniteLink, using: str, **_: Any) -> None:
    """Remember what a link was before it is saved."""
    # Read the row again: the object in memory may be older than what is stored.
    manager = MoniteLink._base_manager.using(using)  # noqa: SLF001 - Django's documented name
    old = None if instance.pk is None else manager.filter(pk=instance.pk).first()
    instance._monite_before = old and old.identity  # noqa: SLF001
    users = _relinked(instance)
    _write_before(instance, using, "relink", users)


def link_saved(instance: MoniteLink, using: str, **_: Any) -> None:
    """Revoke the tokens of the users that a link was about and is about, if it has changed."""
    users = _relinked(instance)
    instance.__dict__.pop("_monite_before", None)
    _tell(instance, using, "relink", users)


def _relinked(instance: MoniteLink) -> set[object]:
    before = instance.__dict__.get("_monite_before")
    if before is None or before == instance.identity:
        return set()
    return {before[0], instance.identity[0]}


def link_deleted(instance: MoniteLink, using: str, origin: Any = None, **_: Any) -> None:
    """Revoke the tokens of a user who is no longer linked; a user who is deleted, too, ends with everything."""
    began_with = origin.model if isinstance(origin, QuerySet) else type(origin)
    if not issubclass(began_with, get_user_model()):
        at_commit(using, "relink", instance.user_id)


def remember_ending(instance: Any, using: str, update_fields: Any, **_: Any) -> None:
    """Write down what saving a user is going to end, where it commits by itself."""
    what = None if instance._state.adding else _ending_of(instance, update_fields)  # noqa: SLF001 - Django's documented name
    _write_before(instance, using, what, [] if what is None else [instance.pk])


def user_saved(instance: Any, created: bool, update_fields: Any, using: str, **_: Any) -> None:
    """End every session of a user who is no longer active; revoke the tokens of one whose password has changed."""
    what = None if created else _ending_of(instance, update_fields)
    if what is not None:
        _tell(instance, using, what, [instance.pk])


def _ending_of(instance: Any, update_fields: Any) -> str | None:
    if (update_fields is None or "is_active" in update_fields) and not getattr(instance, "is_active", True):
        return "end_user"
    if getattr(instance, "_password", None) is not None:  # set_password, and not a mere upgrade of the hash
        return "relink"
    return None


def user_deleted(instance: Any, using: str, **_: Any) -> None:
    """End every session of a deleted user."""
    at_commit(using, "end_user", instance.pk)


def _write_before(instance: Any, using: str, what: str | None, users: Iterable[object]) -> None:
    """Write endings before the object is saved, where that commits by itself. If it fails to be saved, they are carried out all the same."""
    instance.__dict__.pop("_monite_written", None)  # of an earlier try
    if what is not None and commits_by_itself(using):
        instance._monite_written = {each: write_ending(using, what, each) for each in users}  # noqa: SLF001


def _tell(instance: Any, using: str, what: str, users: Iterable[object]) -> None:
    written = instance.__dict__.pop("_monite_written", {})
    for each in users:
        at_commit(using, what, each, written.get(each))
