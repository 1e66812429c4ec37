"""The code on the pages about Django runs, in order, as one program. Their lists are complete."""

import re
import time
from pathlib import Path

from django.conf import settings as project
from django.core.management import get_commands
from django.test import Client, RequestFactory, override_settings

from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth_django import checks
from monite_auth_django.conf import conf
from tests.django.conftest import make_user
from tests.test_documentation import run_page

PAGE = (Path(__file__).parents[2] / "docs/django-settings.md").read_text()


def test_the_code_runs(emulator):
    names = {"INSTALLED_APPS": [], "MIDDLEWARE": [], "urlpatterns": []}
    for page in ("django", "django-sessions", "django-rest-framework"):
        run_page(f"docs/{page}.md", names)
    run_page("docs/jwt.md", names, section="Django REST framework")
    run_page("docs/jobs.md", names, section="Django and Celery")
    for page in ("roles", "organizations"):
        run_page(f"docs/{page}.md", names, section="Django")
    assert names["INSTALLED_APPS"][0] in project.INSTALLED_APPS
    assert names["MIDDLEWARE"][0] in project.MIDDLEWARE
    stranger = make_user("stranger")
    names["link"](stranger, ANNA_ID, BAKERY_ID)
    request = RequestFactory().get("/")
    request.user, request.session = stranger, {"organization": "books"}
    assert names["who_and_where"](request).tenant == "books"
    assert "sid" in names["LoginSerializer"].get_token(stranger).access_token
    assert names["count_invoices"](str(stranger.pk), since=time.time()) > 0
    with override_settings(ROOT_URLCONF=type("urls", (), {"urlpatterns": names["urlpatterns"]})):
        client = Client()
        assert client.get("/api/invoices").status_code == 403
        client.force_login(stranger)
        assert client.get("/api/invoices").json()["data"]
        assert client.get("/api/monite/token").json()["access_token"]


def test_every_check_and_every_command_is_listed():
    listed = set(re.findall(r"`(monite_auth\.[EW]\d+)`", PAGE))
    assert listed == set(re.findall(r"monite_auth\.[EW]\d+", checks.__doc__))
    ours = {name for name, app in get_commands().items() if app == "monite_auth_django"}
    commands = "".join(re.findall(r"^\| (`monite_(?!auth).*?) \|", PAGE, re.MULTILINE))
    assert ours == set(re.findall(r"`(monite_\w+)", commands))


def test_every_key_of_our_own_is_listed():
    for name in ("DIRECTORY", "IDENTIFY", "AUTHORIZE", "ALLOWED_ORIGINS"):
        assert name in conf.known_names
        assert f"| `{name}` |" in PAGE
